"""Our cameras and OpenGL's clip space are the same view."""

import numpy as np
import pytest

from assets.camera import Camera, look_at
from renderers.projection import (
    Lens,
    clip_matrix,
    letterbox,
    letterboxed,
    neighbours,
    plane_homography,
    rays,
)


def test_clip_space_gives_the_pixels_of_the_camera(camera: Camera) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.8, 0.8, (50, 3))
    pixels, depth = camera.project(points)
    local = np.c_[points, np.ones(50)] @ camera.world_to_camera.T
    clip = local @ clip_matrix(camera, 0.5, 20.0).T
    ndc = clip[:, :3] / clip[:, 3:]
    assert (ndc[:, 0] + 1) / 2 * camera.width == pytest.approx(pixels[:, 0])
    assert (1 - ndc[:, 1]) / 2 * camera.height == pytest.approx(pixels[:, 1])
    assert (np.argsort(ndc[:, 2]) == np.argsort(depth)).all()


def test_near_and_far_are_the_ends_of_depth(camera: Camera) -> None:
    for z, end in ((0.5, -1.0), (20.0, 1.0)):
        clip = clip_matrix(camera, 0.5, 20.0) @ (0.0, 0.0, z, 1.0)
        assert clip[2] / clip[3] == pytest.approx(end)


def test_rays_are_the_way_back(camera: Camera) -> None:
    pixels = np.array([[3.0, 7.0], [300.0, 200.0]])
    back, depth = camera.project(camera.centre + 2.5 * rays(camera, pixels))
    assert back == pytest.approx(pixels)
    assert depth == pytest.approx(2.5)


def test_letterbox_is_where_the_photo_lies(camera: Camera) -> None:
    left, top, right, bottom = letterbox(camera, 1000, 300)
    assert (right - left) / (bottom - top) == pytest.approx(camera.width / camera.height)
    shown = letterboxed(camera, 1000, 300)
    corner = camera.centre + rays(camera, np.array([[camera.width, camera.height]], dtype=float))
    pixel, _ = shown.project(corner)
    assert pixel[0] == pytest.approx([right, bottom])


def test_homography_is_exact_for_turns_and_for_its_plane(camera: Camera) -> None:
    pose = np.array(camera.camera_to_world)
    pose[:3, 3] += (0.2, -0.1, 0.15)
    other = camera.moved(pose).resized(200, 100)
    pixels = np.array([[20.0, 30.0], [310.0, 220.0], [160.0, 5.0]])
    on_plane = camera.centre + 3.0 * rays(camera, pixels)
    seen, _ = other.project(on_plane)
    back = np.c_[seen, np.ones(3)] @ plane_homography(camera, other, 3.0).T
    assert back[:, :2] / back[:, 2:] == pytest.approx(pixels)

    turned = camera.moved(look_at(camera.centre, np.array([0.5, 0.2, 0.0]), camera.up))
    anywhere = camera.centre + np.array([[1.0], [7.0], [40.0]]) * rays(camera, pixels)
    seen, _ = turned.project(anywhere)
    back = np.c_[seen, np.ones(3)] @ plane_homography(camera, turned, 3.0).T
    assert back[:, :2] / back[:, 2:] == pytest.approx(pixels)


def test_neighbours_are_near_in_place_direction_and_lens(camera: Camera) -> None:
    assert neighbours(camera, camera, 1.0)
    moved = np.array(camera.camera_to_world)
    moved[:3, 3] += 1.0
    assert not neighbours(camera, camera.moved(moved), 1.0)
    assert neighbours(camera, camera.moved(moved), 10.0)
    behind = camera.moved(look_at(-camera.centre, np.zeros(3), camera.up))
    assert not neighbours(camera, behind, 100.0)


def test_scaled_lens_is_the_same_view(camera: Camera) -> None:
    point = np.array([[0.2, 0.1, 0.3]])
    small = Lens(camera, 0.1, 10.0).scaled(0.5).camera
    assert (small.width, small.height) == (160, 120)
    assert 2 * small.project(point)[0] == pytest.approx(camera.project(point)[0])
    tiny = Lens(camera, 0.1, 10.0).scaled(1e-6).camera
    assert (tiny.width, tiny.height) == (1, 1)
