"""The ray in the viewport: where it is, what hides it, and how a click asks for one."""

import numpy as np
import pytest
from viewport_pictures import is_plain, marks_around

from assets.camera import look_at
from assets.mesh import Mesh
from renderers.ray import MOST_PX, RayMark

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def a_ray(length: float = 3.0) -> RayMark:
    """Along x through the origin, with a light red dot at x = -1 and a heavy green one at 0.5."""
    return RayMark(
        origin=np.array([-1.5, 0.0, 0.0]),
        direction=np.array([1.0, 0.0, 0.0]),
        length=length,
        t=np.array([0.5, 2.0]),
        weights=np.array([0.0, 1.0]),
        colours=np.array([RED, GREEN]),
    )


@pytest.fixture
def beside(viewport, camera):
    """The viewport, seeing the ray from the side."""
    pose = look_at(np.array([0.0, -0.7, -3.0]), np.zeros(3), np.array([0.0, -1.0, 0.0]))
    viewport.set_camera(camera.moved(pose))
    return viewport


def lit(picture: np.ndarray, x: float, y: float, reach: int = 1) -> np.ndarray:
    """[3] brightest value of each channel around a pixel."""
    part = picture[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1, :3]
    return part.reshape(-1, 3).max(axis=0)


def place(viewport, x: float) -> np.ndarray:
    (pixel,), _ = viewport.camera.project(np.array([[x, 0.0, 0.0]]))
    return pixel


def test_line_and_dots_are_where_they_belong(beside, settle) -> None:
    plain = beside.grab()
    beside.show_ray(a_ray())
    settle()
    picture = beside.grab()
    assert lit(picture, *place(beside, -0.3))[0] > 200
    assert lit(picture, *place(beside, 1.3))[0] > 200
    assert (lit(picture, *place(beside, 1.7)) < 60).all()
    green = (picture[..., 1] > 180) & (picture[..., 0] < 80)
    rows, columns = np.nonzero(green)
    assert [columns.mean() + 0.5, rows.mean() + 0.5] == pytest.approx(place(beside, 0.5), abs=1.0)
    assert np.ptp(columns) + 1 == pytest.approx(MOST_PX - 2, abs=2)
    red = (picture[..., 0] > 180) & (picture[..., 1] < 80)
    assert 0 < red.sum() < green.sum() / 3
    beside.show_ray(None)
    settle()
    assert np.array_equal(beside.grab(), plain)


def test_it_stays_while_the_view_orbits(beside, settle) -> None:
    beside.show_ray(a_ray())
    settle()
    for _ in range(3):
        beside.orbit(40.0, 5.0)
        settle()
        picture = beside.grab()
        assert lit(picture, *place(beside, 0.5))[1] > 200
        assert lit(picture, *place(beside, -0.3))[0] > 200
    assert beside.ray is not None


def test_seen_end_on_from_the_very_eye_it_is_a_dot(viewport, settle, camera) -> None:
    viewport.set_camera(camera)
    mark = RayMark(
        origin=camera.centre,
        direction=camera.forward,
        length=0.0,
        t=np.array([2.0]),
        weights=np.array([0.5]),
        colours=np.array([GREEN]),
    )
    viewport.show_ray(mark)
    settle()
    picture = viewport.grab()
    assert lit(picture, camera.cx, camera.cy)[1] > 200
    touched = np.ptp(picture[..., :3].astype(int) - picture[0, 0, :3], axis=2) > 20
    assert touched.sum() < 300


def test_what_is_in_front_lets_it_shine_through_only_faintly(beside, settle) -> None:
    beside.show_ray(a_ray())
    settle()
    before = lit(beside.grab(), *place(beside, -0.3)).astype(int)
    wall = np.float32([(-2, -2, -1), (2, -2, -1), (2, 2, -1), (-2, 2, -1)])
    mesh = Mesh(
        vertices=wall,
        faces=np.int32([[0, 1, 2], [0, 2, 3]]),
        normals=np.tile(np.float32([0, 0, -1]), (4, 1)),
        colours=np.full((4, 3), 0.1, dtype=np.float32),
    )
    beside.show_meshes([mesh])
    settle()
    picture = beside.grab()
    behind = lit(picture, *place(beside, -0.3)).astype(int)
    ground = lit(picture, *(place(beside, -0.3) - [0, 25])).astype(int)
    assert 25 < behind[0] - ground[0] < 0.6 * (before[0] - ground[0])


def test_it_hides_the_gaussians_behind_it(beside, settle, one_gaussian) -> None:
    beside.show_gaussians(one_gaussian((0.5, 0.2, 1.0), (1.0, 1.0, 1.0), scale=0.5))
    beside.show_ray(a_ray())
    settle()
    picture = beside.grab()
    assert lit(picture, *place(beside, 0.5), reach=0).tolist() == pytest.approx([0, 255, 0], abs=40)
    assert lit(picture, *(place(beside, 0.5) - [0, 14])).min() > 150


def test_places_that_are_pointed_at_show_over_everything(beside, settle, one_gaussian) -> None:
    beside.show_gaussians(one_gaussian((0.0, 0.0, -1.0), (0.0, 0.0, 1.0), scale=0.4))
    beside.show_ray(a_ray())
    settle()
    plain = beside.grab()
    spots = np.array([[0.5, 0.0, 0.0], [0.5, 0.6, 0.0]])
    beside.point_out(spots)
    settle()
    picture = beside.grab()
    pixels, _ = beside.camera.project(np.vstack([spots, spots.mean(axis=0)]))
    for (x, y), least in zip(pixels, (240, 240, 150), strict=True):
        red, green, _ = lit(picture, x, y, reach=0).astype(int)
        assert red > least
        assert red > 1.2 * green
    beside.point_out(None)
    settle()
    assert np.array_equal(beside.grab(), plain)


def test_no_ray_is_in_the_way_of_comparing(viewport, settle, camera) -> None:
    viewport.set_camera(camera)
    viewport.show_ray(a_ray())
    settle()
    assert not is_plain(viewport.grab()[..., :3])
    viewport.show_photo(np.zeros((24, 32, 3), dtype=np.float32), 0.0)
    settle()
    assert is_plain(viewport.grab()[..., :3])


def test_dots_that_are_nowhere_are_left_out(beside, settle) -> None:
    mark = a_ray()
    beside.show_ray(
        RayMark(
            origin=mark.origin,
            direction=mark.direction,
            length=3.0,
            t=np.array([np.nan, 2.0, np.inf]),
            weights=np.array([1.0, 1.0, np.nan]),
            colours=np.array([RED, GREEN, RED]),
        )
    )
    settle()
    assert lit(beside.grab(), *place(beside, 0.5))[1] > 200


def test_a_click_beside_all_cameras_picks_the_pixel(viewport, settle, camera, qtbot) -> None:
    from PySide6.QtCore import QPoint, Qt

    viewport.set_camera(camera)
    marks = marks_around(camera)
    viewport.show_cameras(marks)
    settle()
    pixels, cameras = [], []
    viewport.pixel_picked.connect(lambda x, y: pixels.append((x, y)))
    viewport.camera_picked.connect(cameras.append)
    qtbot.mouseClick(viewport.native, Qt.MouseButton.LeftButton, pos=QPoint(33, 21))
    assert pixels == [(33.0, 21.0)]
    (at,), _ = viewport.camera.project(marks[0].camera.centre[None])
    qtbot.mouseClick(
        viewport.native, Qt.MouseButton.LeftButton, pos=QPoint(*np.round(at).astype(int).tolist())
    )
    qtbot.mouseClick(viewport.native, Qt.MouseButton.RightButton, pos=QPoint(33, 21))
    assert (len(pixels), cameras) == (1, [0])
    settle()
