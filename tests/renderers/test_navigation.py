"""The camera goes where the hand says: no window needed."""

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.similarity import Similarity
from renderers.navigation import GLIDE_S, Navigator


@pytest.fixture
def navigator() -> Navigator:
    navigator = Navigator(400, 300)
    navigator.set_camera(
        Camera(
            width=400,
            height=300,
            fx=350.0,
            fy=350.0,
            cx=200.0,
            cy=150.0,
            camera_to_world=look_at(np.array([0.0, -1.0, -4.0]), np.zeros(3), np.array([0, -1, 0])),
        )
    )
    return navigator


def pixels(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Where `points` [n, 3] are seen, [n, 2]."""
    local = (points - camera.centre) @ camera.camera_to_world[:3, :3]
    return local[:, :2] / local[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)


def is_rigid(pose: np.ndarray) -> bool:
    rotation = pose[:3, :3]
    return np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) > 0


def test_orbit_keeps_the_pivot_in_place_and_the_horizon_level(navigator: Navigator) -> None:
    pivot, distance = navigator.pivot, navigator.distance
    for _ in range(40):
        navigator.orbit(13.0, -7.0)
    assert np.allclose(navigator.pivot, pivot, atol=1e-9)
    assert np.linalg.norm(navigator.camera.centre - pivot) == pytest.approx(distance)
    assert navigator.camera.camera_to_world[:3, 0] @ navigator.up == pytest.approx(0, abs=1e-9)
    assert is_rigid(navigator.camera.camera_to_world)


def test_dragging_pulls_the_scene_along(navigator: Navigator) -> None:
    in_front = navigator.pivot - 0.5 * navigator.camera.forward
    before, _ = navigator.camera.project(in_front[None])
    navigator.orbit(20.0, 0.0)
    after, _ = navigator.camera.project(in_front[None])
    assert after[0, 0] > before[0, 0] + 1.0
    navigator.orbit(0.0, 20.0)
    lower, _ = navigator.camera.project(in_front[None])
    assert lower[0, 1] > after[0, 1] + 1.0


def test_orbit_stops_before_the_poles(navigator: Navigator) -> None:
    for _ in range(50):
        navigator.orbit(0.0, 40.0)
    assert navigator.camera.up @ navigator.up > 0.0
    assert navigator.camera.forward @ navigator.up == pytest.approx(
        -np.sin(np.radians(89)), abs=1e-6
    )


def test_orbit_takes_out_the_roll_of_a_photo(navigator: Navigator) -> None:
    tilted = look_at(np.array([0.0, 0.0, -4.0]), np.zeros(3), np.array([0.5, -1.0, 0.0]))
    navigator.set_camera(navigator.camera.moved(tilted))
    for _ in range(60):
        navigator.orbit(10.0, 0.0)
    assert abs(navigator.camera.camera_to_world[:3, 0] @ navigator.up) < 0.05


def test_pan_moves_the_pivot_with_the_cursor(navigator: Navigator) -> None:
    point = navigator.pivot
    before, _ = navigator.camera.project(point[None])
    navigator.pan(31.0, -17.0)
    after, _ = navigator.camera.project(point[None])
    assert after[0] - before[0] == pytest.approx([31.0, -17.0])


def test_zoom_keeps_what_is_under_the_cursor(navigator: Navigator) -> None:
    x, y = 90.0, 220.0
    camera = navigator.camera
    ray = np.array([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, 1.0])
    point = camera.centre + camera.camera_to_world[:3, :3] @ (navigator.distance * ray)
    navigator.zoom(2.5, x, y)
    pixel, depth = navigator.camera.project(point[None])
    assert pixel[0] == pytest.approx([x, y])
    assert depth[0] == pytest.approx(navigator.distance)
    assert depth[0] < 4.0


def test_zooming_for_ever_still_goes_on(navigator: Navigator) -> None:
    before = navigator.camera.centre
    for _ in range(300):
        navigator.zoom(1.0, 200.0, 150.0)
    assert np.isfinite(navigator.camera.centre).all()
    halfway = navigator.camera.centre
    for _ in range(20):
        navigator.zoom(1.0, 200.0, 150.0)
    assert (navigator.camera.centre - halfway) @ (halfway - before) > 0.0


def test_flying_goes_forward_faster_with_shift_and_stops(navigator: Navigator) -> None:
    forward = navigator.camera.forward

    def gone(seconds: float) -> float:
        start = navigator.camera.centre
        for _ in range(round(seconds * 30)):
            navigator.tick(1 / 30)
        return float((navigator.camera.centre - start) @ forward)

    assert navigator.press("w")
    slow = gone(1.0)
    navigator.hurry(True)
    assert gone(1.0) > 2.5 * slow > 0.0
    assert navigator.release("W")
    gone(2.0)
    assert not navigator.moving
    assert gone(0.5) == 0.0
    assert not navigator.press("x")


def test_flying_scales_with_the_scene(navigator: Navigator) -> None:
    navigator.scene_size = 100.0
    navigator.press("d")
    start = navigator.camera.centre
    for _ in range(30):
        navigator.tick(1 / 30)
    moved = navigator.camera.centre - start
    assert 10.0 < np.linalg.norm(moved) < 100.0
    assert moved @ navigator.camera.camera_to_world[:3, 0] > 0.0


def test_losing_the_keyboard_stops_the_flight(navigator: Navigator) -> None:
    navigator.press("s")
    navigator.tick(0.1)
    navigator.release_all()
    for _ in range(60):
        navigator.tick(1 / 30)
    assert not navigator.moving


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (1000, 200)])
def test_looking_through_a_photo_shows_all_of_it(navigator: Navigator, size) -> None:
    navigator.resize(*size)
    pose = look_at(np.array([2.0, 1.0, -3.0]), np.ones(3), np.array([0.1, -1.0, 0.0]))
    photo = Camera(
        width=1080, height=1920, fx=1375.0, fy=1380.0, cx=560.0, cy=950.0, camera_to_world=pose
    )
    navigator.look_through(photo, animate=False)
    camera = navigator.camera
    assert (camera.width, camera.height) == size
    corners = np.array([[0, 0, 1], [1080, 0, 1], [1080, 1920, 1], [0, 1920, 1]], dtype=float)
    world = photo.centre + (corners @ np.linalg.inv(photo.intrinsics).T) @ pose[:3, :3].T
    pixels, _ = camera.project(world)
    assert (pixels >= -1e-6).all()
    assert (pixels <= np.array(size) + 1e-6).all()
    # It touches two opposite edges and is centred between the other two.
    gaps = np.array([*pixels.min(axis=0), *(np.array(size) - pixels.max(axis=0))])
    assert gaps[:2] == pytest.approx(gaps[2:], abs=1e-6)
    assert min(gaps[:2]) == pytest.approx(0.0, abs=1e-6)


def test_a_glide_arrives_exactly_and_turns_smoothly(navigator: Navigator) -> None:
    target = look_at(np.array([3.0, 0.0, 1.0]), np.zeros(3), np.array([0, -1, 0]))
    photo = navigator.camera.moved(target)
    start = navigator.camera.forward
    navigator.look_through(photo)
    angles = []
    for _ in range(40):
        navigator.tick(GLIDE_S / 30)
        assert is_rigid(navigator.camera.camera_to_world)
        angles.append(np.degrees(np.arccos(np.clip(navigator.camera.forward @ start, -1, 1))))
    assert np.allclose(navigator.camera.camera_to_world, target)
    assert not navigator.moving
    assert (np.diff(angles) >= -1e-9).all()
    assert max(np.diff(angles)) < 0.1 * angles[-1]


def test_grabbing_the_view_in_a_glide_stays_there(navigator: Navigator) -> None:
    target = look_at(np.array([3.0, 0.0, 1.0]), np.zeros(3), np.array([0, -1, 0]))
    navigator.look_through(navigator.camera.moved(target))
    navigator.tick(0.4 * GLIDE_S)
    seen = navigator.camera.centre
    navigator.pan(0.0, 0.0)
    assert not navigator.moving
    assert navigator.camera.centre == pytest.approx(seen)


def test_half_a_turn_has_a_way(navigator: Navigator) -> None:
    behind = look_at(np.array([0.0, 0.0, 4.0]), np.zeros(3), np.array([0, -1, 0]))
    ahead = look_at(np.array([0.0, 0.0, -4.0]), np.zeros(3), np.array([0, -1, 0]))
    navigator.set_camera(navigator.camera.moved(ahead))
    navigator.look_through(navigator.camera.moved(behind))
    for _ in range(40):
        navigator.tick(GLIDE_S / 30)
        assert is_rigid(navigator.camera.camera_to_world)
    assert np.allclose(navigator.camera.camera_to_world, behind)


def test_focus_centres_the_point(navigator: Navigator) -> None:
    point = np.array([0.7, 0.2, 0.3])
    navigator.focus(point, animate=False)
    pixel, _ = navigator.camera.project(point[None])
    assert pixel[0] == pytest.approx([200.0, 150.0])
    assert navigator.pivot == pytest.approx(point)


def test_frame_shows_the_whole_sphere(navigator: Navigator) -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(500, 3))
    centre = np.array([5.0, 6.0, 7.0])
    sphere = centre + 2.0 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    navigator.frame(centre, 2.0, animate=False)
    pixels, depth = navigator.camera.project(sphere)
    assert (depth > 0).all()
    assert (pixels >= 0).all()
    assert (pixels <= [400, 300]).all()
    assert np.ptp(pixels[:, 1]) > 200


def test_another_frame_of_the_world_leaves_everything_where_it_was(navigator: Navigator) -> None:
    navigator.orbit(80.0, -30.0)
    turn = look_at(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))[:3, :3]
    change = Similarity(0.25, turn, np.array([4.0, -1.0, 2.0]))
    points = np.random.default_rng(0).normal(0.0, 0.5, (20, 3))
    before, pivot = pixels(navigator.camera, points), navigator.pivot
    navigator.reframe(change)
    np.testing.assert_allclose(pixels(navigator.camera, change.points(points)), before, atol=1e-6)
    np.testing.assert_allclose(navigator.pivot, change.points(pivot))
    assert is_rigid(navigator.pose)


def test_straight_down_is_a_direction_too(navigator: Navigator) -> None:
    navigator.home(np.zeros(3), 1.0, -navigator.up, animate=False)
    assert is_rigid(navigator.camera.camera_to_world)
    assert navigator.camera.forward == pytest.approx(-navigator.up)


def test_no_size_is_no_division_by_zero(navigator: Navigator) -> None:
    navigator.resize(0, 0)
    navigator.orbit(1.0, 1.0)
    navigator.zoom(1.0, 0.0, 0.0)
    assert np.isfinite(navigator.camera.intrinsics).all()
