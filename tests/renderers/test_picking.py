"""What is under the cursor is what is seen there."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from renderers.frusta import natural_size, pyramid
from renderers.picking import camera_under, gaussian_under, mesh_under, point_under
from renderers.splatsort import prepared

Maker = Callable[..., GaussianCloud]


@pytest.fixture
def row() -> GaussianCloud:
    """Three opaque Gaussians one behind another, listed from the middle one."""
    return GaussianCloud(
        means=np.array([[0, 0, 5], [0, 0, 8], [0, 0, 3]], dtype=np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (3, 1)),
        log_scales=np.full((3, 3), np.log(0.2), dtype=np.float32),
        logit_opacities=np.full(3, 4.0, dtype=np.float32),
        sh=np.zeros((3, 1, 3), dtype=np.float32),
    )


@pytest.fixture
def straight() -> Camera:
    return Camera(width=200, height=100, fx=150.0, fy=150.0, cx=100.0, cy=50.0)


def test_the_nearest_opaque_one_is_picked(row: GaussianCloud, straight: Camera) -> None:
    index, position = gaussian_under(prepared(row), straight, 100.0, 50.0, near=0.1)
    assert index == 2
    assert position == pytest.approx([0, 0, 3], abs=1e-5)


def test_a_faint_one_in_front_is_looked_through(row: GaussianCloud, straight: Camera) -> None:
    faint = row.logit_opacities.copy()
    faint[2] = -2.5
    cloud = replace(row, logit_opacities=faint)
    index, position = gaussian_under(prepared(cloud), straight, 101.0, 50.0, near=0.1)
    assert index == 0
    assert position[2] == pytest.approx(5, abs=0.05)


def test_indices_are_those_of_the_cloud_that_was_given(
    row: GaussianCloud, straight: Camera
) -> None:
    broken = row.selected(np.array([0, 0, 1, 2]))
    means = broken.means.copy()
    means[0] = np.nan
    hit = gaussian_under(prepared(replace(broken, means=means)), straight, 100.0, 50.0, near=0.1)
    assert hit[0] == 3


def test_beside_them_is_nothing(row: GaussianCloud, straight: Camera) -> None:
    assert gaussian_under(prepared(row), straight, 10.0, 50.0, near=0.1) is None
    assert gaussian_under(prepared(row.selected(np.zeros(3, bool))), straight, 9, 9, near=1) is None


def test_a_flat_one_is_hit_where_its_plane_is(straight: Camera) -> None:
    tilted = np.float32([np.cos(np.pi / 8), 0, np.sin(np.pi / 8), 0])  # 45 degrees about y
    cloud = GaussianCloud(
        means=np.float32([[0, 0, 5]]),
        quats=tilted[None],
        log_scales=np.log(np.float32([[1.0, 1.0, 1e-4]])),
        logit_opacities=np.float32([4.0]),
        sh=np.zeros((1, 1, 3), dtype=np.float32),
    )
    _, position = gaussian_under(prepared(cloud), straight, 115.0, 50.0, near=0.1)
    normal = np.array([1.0, 0.0, 1.0])
    assert position @ normal == pytest.approx(5.0, abs=0.02)
    assert position[0] / position[2] == pytest.approx(0.1)


def test_meshes_are_hit_on_their_nearest_face(straight: Camera) -> None:
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    mesh = Mesh(
        vertices=np.float32([(x, y, z) for z in (7, 4) for x, y in corners]),
        faces=np.int32([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7], [0, 1, 99]]),
        normals=np.tile(np.float32([0, 0, -1]), (8, 1)),
        colours=np.ones((8, 3), dtype=np.float32),
    )
    assert mesh_under(mesh, straight, 115.0, 50.0) == pytest.approx([0.4, 0.0, 4.0])
    assert mesh_under(mesh, straight, 199.0, 50.0) is None


def test_points_near_the_cursor(straight: Camera) -> None:
    positions = np.float32([[0, 0, 5], [0.1, 0, 3], [0, 0, -2], [np.nan, 0, 1]])
    assert point_under(positions, straight, 103.0, 50.0, radius=7.0) == pytest.approx([0.1, 0, 3])
    assert point_under(positions, straight, 150.0, 50.0, radius=7.0) is None


def test_cameras_are_picked_by_picture_and_edge(straight: Camera) -> None:
    def at(x: float, z: float) -> Camera:
        return straight.moved(look_at(np.array([x, 0, z]), np.array([x, 0, 99]), [0, -1, 0]))

    cameras = [at(0, 6), at(0, 4), at(1.5, 5)]
    assert camera_under(cameras, 0.5, straight, 100, 50, radius=5) == 1
    corner, _ = straight.project(pyramid(cameras[2], 0.5)[1:2])
    x, y = corner[0]
    assert camera_under(cameras, 0.5, straight, x - 3, y - 3, radius=5) == 2
    assert camera_under(cameras, 0.5, straight, 5, 5, radius=5) is None
    # One cannot pick the camera in which one stands.
    assert camera_under([straight], 0.5, straight, 100, 50, radius=5) is None


def test_pyramids_open_towards_the_view_and_point_up(camera: Camera) -> None:
    corners = pyramid(camera, 0.3)
    pixels, depth = camera.project(corners[1:])
    assert (depth > 0.05).all()
    assert np.ptp(depth) < 1e-9
    assert pixels[0] == pytest.approx([0, 0])
    assert pixels[2] == pytest.approx([camera.width, camera.height])
    assert pixels[4][1] < 0


def test_natural_size_follows_the_gaps(camera: Camera) -> None:
    cameras = []
    for x in range(5):
        pose = np.array(camera.camera_to_world)
        pose[0, 3] += 0.2 * x
        cameras.append(camera.moved(pose))
    assert natural_size(cameras, 2.0) == pytest.approx(0.08)
    assert 0 < natural_size(cameras[:1], 2.0) < 1
    assert 0 < natural_size([camera, camera], 2.0) < 1
