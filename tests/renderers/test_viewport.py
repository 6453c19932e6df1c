"""The widget as a person and the app meet it: real events in a real window."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from viewport_pictures import UP, is_plain, marks_around, screen

from assets.camera import Camera, look_at
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
Maker = Callable[..., GaussianCloud]


def test_it_comes_to_rest_at_the_finished_picture(
    viewport, settle, make_cloud: Maker, camera: Camera
) -> None:
    viewport.set_camera(camera)
    viewport.show_gaussians(make_cloud(2000, degree=1))
    settle()
    assert viewport.stats.gaussians == 2000
    assert viewport.stats.drawn > 1000
    assert viewport.stats.scale == 1.0
    shown, finished = screen(viewport).astype(int), viewport.grab()[..., :3].astype(int)
    assert shown.std() > 20
    assert np.abs(shown - finished).max() <= 2


def test_at_rest_nothing_is_redrawn(viewport, settle, make_cloud: Maker, qapp) -> None:
    viewport.show_gaussians(make_cloud(100))
    settle()
    draws = []
    viewport._canvas.events.draw.connect(draws.append)
    for _ in range(20):
        viewport.tick(1 / 30)
        qapp.processEvents()
    assert not draws


def test_the_camera_is_the_widgets_size_and_exactly_the_one_set(viewport, camera) -> None:
    viewport.set_camera(camera)
    assert (viewport.camera.width, viewport.camera.height) == (320, 240)
    assert np.allclose(viewport.camera.intrinsics, camera.intrinsics)
    assert np.array_equal(viewport.camera.camera_to_world, camera.camera_to_world)


def test_resizing_keeps_the_whole_photo_in_view(viewport, settle, camera, qapp) -> None:
    viewport.set_camera(camera)
    viewport.native.resize(500, 200)
    qapp.processEvents()
    settle()
    now = viewport.camera
    assert (now.width, now.height) == (500, 200)
    assert now.fy == pytest.approx(camera.fy * 200 / 240)
    assert viewport.grab().shape == (200, 500, 4)


@pytest.mark.parametrize("mode", ["depth", "ellipsoids", "points"])
def test_modes_look_different_and_one_can_come_back(
    viewport, settle, make_cloud: Maker, camera, mode: str
) -> None:
    viewport.set_camera(camera)
    viewport.show_gaussians(make_cloud(500))
    settle()
    colour = screen(viewport).astype(int)
    viewport.mode = mode
    settle()
    other = screen(viewport).astype(int)
    assert np.abs(other - colour).mean() > 3
    assert np.abs(other - viewport.grab()[..., :3]).max() <= 2
    viewport.mode = "colour"
    settle()
    assert np.abs(screen(viewport) - colour).max() <= 1


def test_unknown_modes_are_refused(viewport) -> None:
    with pytest.raises(ValueError, match="colour, depth, ellipsoids, points"):
        viewport.mode = "wireframe"


def test_clouds_of_any_size_in_quick_succession(
    viewport, settle, make_cloud: Maker, one_gaussian, camera, qapp
) -> None:
    viewport.set_camera(camera)
    sizes = [3000, 1, 0, 50, 700, 2, 1500, 0, 1, 4000, 10]
    for i, n in enumerate(sizes):
        viewport.show_gaussians(make_cloud(n, degree=i % 4, seed=i))
        viewport.tick(1 / 30)
        qapp.processEvents()
        if i % 3 == 0:
            viewport.mode = ("colour", "ellipsoids", "points", "depth")[i // 3]
    viewport.mode = "colour"
    last = one_gaussian((0, 0, 0), (0.9, 0.1, 0.1))
    viewport.show_gaussians(last)
    settle()
    assert viewport.stats.drawn == 1
    (pixel,), _ = camera.project(np.zeros((1, 3)))
    assert screen(viewport)[int(pixel[1]), int(pixel[0]), 0] > 200


def test_clearing_at_once_shows_nothing_even_if_sorting_goes_on(
    viewport, settle, make_cloud: Maker, camera
) -> None:
    viewport.set_camera(camera)
    empty = viewport.grab()
    for _ in range(5):
        viewport.show_gaussians(make_cloud(5000, degree=3))
        viewport.tick(1 / 30)
        viewport.show_gaussians(None)
    settle()
    assert np.array_equal(viewport.grab(), empty)
    assert viewport.stats.gaussians == viewport.stats.drawn == 0


def test_what_was_cleared_does_not_come_back(viewport, make_cloud: Maker, camera, qapp) -> None:
    viewport.set_camera(camera)
    viewport.show_gaussians(make_cloud(2000))
    viewport.tick(1 / 30)
    assert viewport._gaussians._worker.wait(10.0)
    viewport.show_gaussians(None)
    viewport.show_gaussians(make_cloud(3))
    viewport.tick(1 / 30)
    qapp.processEvents()
    assert viewport.stats.drawn <= 3


def test_all_bad_is_nothing(viewport, settle, make_cloud: Maker) -> None:
    cloud = make_cloud(20)
    viewport.show_gaussians(replace(cloud, means=np.full_like(cloud.means, np.nan)))
    viewport.reset_view(animate=False)
    settle()
    assert viewport.stats.drawn == 0
    assert np.isfinite(viewport.camera.camera_to_world).all()


def test_one_does_not_see_the_camera_one_looks_through(viewport, settle, camera) -> None:
    marks = marks_around(camera)
    viewport.show_cameras(marks[:1])
    viewport.look_through(marks[0].camera, animate=False)
    settle()
    assert is_plain(screen(viewport))


def test_the_photo_lies_exactly_over_its_view(viewport, settle, one_gaussian, qapp) -> None:
    """A photo made by the viewport itself must fall on the view that it was made of."""
    pose = look_at(np.array([0.5, -0.4, -3.0]), np.zeros(3), UP)
    photo_camera = Camera(
        width=90, height=160, fx=150.0, fy=150.0, cx=40.0, cy=85.0, camera_to_world=pose
    )
    cloud = one_gaussian((0.2, 0.3, 0.0), (0.9, 0.9, 0.9), scale=0.15)
    viewport.show_gaussians(cloud)
    viewport.look_through(photo_camera, animate=False)
    settle()
    view = viewport.grab()[..., 0].astype(float)
    left = round((320 - 240 * 90 / 160) / 2)
    photo = np.zeros((160, 90, 3), dtype=np.float32)
    (pixel,), _ = photo_camera.project(np.array([[0.2, 0.3, 0.0]]))
    photo[int(pixel[1]) - 3 : int(pixel[1]) + 4, int(pixel[0]) - 3 : int(pixel[0]) + 4] = 1.0
    viewport.show_photo(photo)
    settle()
    over = viewport.grab()[..., 0].astype(float)
    assert np.array_equal(over[:, : left - 1], view[:, : left - 1])

    def centre(image: np.ndarray) -> np.ndarray:
        weight = np.where(image > 100, image, 0)
        return np.array([(weight * grid).sum() / weight.sum() for grid in np.indices(weight.shape)])

    assert centre(over) == pytest.approx(centre(view), abs=1.5)
    viewport.show_photo(photo, 0.5)
    settle()
    half = viewport.grab()[..., 0].astype(float)
    inside = np.s_[5:-5, left + 3 : 320 - left - 3]
    assert half[inside] == pytest.approx((view + over)[inside] / 2, abs=3)
    viewport._navigator.orbit(30.0, 0.0)
    settle()
    assert viewport.wipe_edge() is None


def test_no_camera_is_in_the_way_of_comparing(viewport, settle, camera) -> None:
    viewport.set_camera(camera)
    viewport.show_cameras(marks_around(camera))
    settle()
    assert not is_plain(screen(viewport))
    viewport.show_photo(np.zeros((24, 32, 3), dtype=np.float32), 0.0)
    settle()
    assert is_plain(screen(viewport))
    viewport.show_photo(None)
    settle()
    assert not is_plain(screen(viewport))


def test_the_wipe_can_be_dragged(viewport, settle, camera) -> None:
    viewport.look_through(camera, animate=False)
    viewport.show_photo(np.ones((24, 32, 3), dtype=np.float32), 1.0, 0.5)
    settle()
    white = (viewport.grab()[..., :3].min(axis=2) > 250).mean(axis=0) > 0.9
    assert white[:155].all()
    assert not white[165:].any()
    heard = []
    viewport.split_changed.connect(heard.append)
    events = viewport._canvas.events
    events.mouse_press(pos=(160, 50), button=1, modifiers=())
    events.mouse_move(pos=(240, 50), button=1, modifiers=())
    events.mouse_release(pos=(240, 50), button=1, modifiers=())
    assert heard == [pytest.approx(0.75)]
    settle()
    white = (viewport.grab()[..., :3].min(axis=2) > 250).mean(axis=0) > 0.9
    assert white[:235].all()
    assert np.array_equal(viewport.camera.camera_to_world, camera.camera_to_world)


def test_framing_and_home(viewport, settle, make_cloud: Maker) -> None:
    viewport.reset_view()
    viewport.frame()
    points = np.random.default_rng(0).normal((40, 0, 0), 1.0, (300, 3))
    viewport.show_point_clouds([PointCloud(points.astype(np.float32), np.ones((300, 3)))])
    viewport.reset_view(animate=False)
    for _ in range(2):
        pixels, depth = viewport.camera.project(points)
        inside = (depth > 0) & (pixels > 0).all(axis=1) & (pixels < [320, 240]).all(axis=1)
        assert inside.mean() > 0.95
        assert np.ptp(pixels[:, 1]) > 100
        viewport.set_camera(viewport.camera.moved(np.eye(4)))
        viewport.frame(points, animate=False)
    settle()
    assert screen(viewport).max() > 200


def test_home_of_gaussians_on_show_as_a_picture_is_still_known(
    viewport, settle, one_gaussian: Maker
) -> None:
    """The exact view takes the Gaussians away and shows a picture of them instead."""
    viewport.show_gaussians(one_gaussian((5, 5, 5), (1, 1, 1)))
    viewport.show_gaussians(None)
    viewport.reset_view(animate=False)
    (pixel,), _ = viewport.camera.project(np.array([[5.0, 5.0, 5.0]]))
    assert pixel == pytest.approx([160, 120])
    other = PointCloud(np.float32([[-9, 0, 0], [-8, 0, 0]]), np.ones((2, 3), np.float32))
    viewport.show_point_clouds([other])
    viewport.reset_view(animate=False)
    (pixel,), _ = viewport.camera.project(np.array([[-8.5, 0.0, 0.0]]))
    assert pixel == pytest.approx([160, 120])
    settle()


def test_up_must_be_a_direction(viewport) -> None:
    viewport.up = np.array([0, 0, 5.0])
    assert viewport.up == pytest.approx([0, 0, 1])
    for wrong in ((0, 0, 0), (np.nan, 0, 1)):
        with pytest.raises(ValueError, match="direction"):
            viewport.up = np.array(wrong)


def test_everything_at_once_and_taken_away_again(
    viewport, settle, make_cloud: Maker, camera
) -> None:
    viewport.set_camera(camera)
    empty = viewport.grab()
    vertices = np.float32([(-1, 0, 0), (1, 0, 0), (0, 1, 0)])
    mesh = Mesh(
        vertices=vertices,
        faces=np.int32([[0, 1, 2]]),
        normals=np.tile(np.float32([0, 0, -1]), (3, 1)),
        colours=np.ones((3, 3), dtype=np.float32),
    )
    points = PointCloud(vertices, np.ones((3, 3), np.float32))
    viewport.grid_visible = True
    viewport.show_gaussians(make_cloud(100))
    viewport.show_points(points)
    viewport.show_point_clouds([points, points])
    viewport.show_meshes([mesh, mesh])
    viewport.show_cameras(marks_around(camera))
    settle()
    assert screen(viewport).std() > 10
    viewport.show_gaussians(None)
    viewport.show_points(None)
    viewport.show_point_clouds([])
    viewport.show_meshes([])
    viewport.selected_camera = 1
    viewport.show_cameras([])
    assert viewport.selected_camera is None
    viewport.grid_visible = False
    settle()
    assert np.array_equal(viewport.grab(), empty)


def test_closing_in_the_middle_of_sorting_leaves_no_thread(opengl, qapp, make_cloud) -> None:
    from renderers.canvas import Viewport

    viewport = Viewport((64, 48))
    with pytest.raises(RuntimeError, match="never shown"):
        viewport.grab()
    viewport.native.show()
    qapp.processEvents()
    viewport.show_gaussians(make_cloud(20_000, degree=3))
    viewport.tick(1 / 30)
    assert any(thread.name == "splat sort" for thread in threading.enumerate())
    viewport.close()
    viewport.close()
    assert not any(thread.name == "splat sort" for thread in threading.enumerate())
    viewport.native.deleteLater()


def test_drawing_in_portions_is_the_same_picture(
    viewport, settle, make_cloud: Maker, camera, monkeypatch
) -> None:
    """On an emulated OpenGL a picture grows over many redraws; it must not show."""
    from renderers import gaussianview

    monkeypatch.setattr(gaussianview, "MOVING_MS", 0.5)
    monkeypatch.setattr(gaussianview, "SHARING_MS", 0.5)
    viewport.set_camera(camera)
    viewport.show_gaussians(make_cloud(3000, degree=1))
    draws = []
    viewport._canvas.events.draw.connect(draws.append)
    settle()
    assert len(draws) > 5
    assert np.abs(screen(viewport).astype(int) - viewport.grab()[..., :3]).max() <= 2
