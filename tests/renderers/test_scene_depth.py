"""Everything hides what is behind it: Gaussians, meshes, cameras, points, ground, pictures."""

from collections.abc import Callable

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

pytestmark = pytest.mark.gl
BLACK = (0.0, 0.0, 0.0)
RED, GREEN = (0.9, 0.1, 0.1), (0.1, 0.9, 0.1)
UP = np.array([0.0, -1.0, 0.0])


@pytest.fixture
def render(opengl):
    from renderers.offscreen import render

    return render


@pytest.fixture
def view() -> Camera:
    return Camera(width=160, height=120, fx=120.0, fy=120.0, cx=80.0, cy=60.0)


@pytest.fixture
def ball(one_gaussian: Callable[..., GaussianCloud]) -> GaussianCloud:
    """A red Gaussian that covers the middle of the view, four units away."""
    return one_gaussian((0, 0, 4), RED, scale=0.6, opacity=0.99)


def sheet(z: float, colour, *, size: float = 0.4, texture=None) -> Mesh:
    corners = np.float32([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
    return Mesh(
        vertices=(size * corners + np.float32([0, 0, z])).astype(np.float32),
        faces=np.int32([[0, 1, 2], [0, 2, 3]]),
        normals=np.tile(np.float32([-0.35, -0.55, -0.75]), (4, 1)),
        colours=np.tile(np.float32(colour), (4, 1)),
        texture=texture,
        uvs=None if texture is None else np.float32([[0, 1], [1, 1], [1, 0], [0, 0]]),
    )


def middle(picture: np.ndarray) -> np.ndarray:
    return picture[58:63, 78:83, :3].reshape(-1, 3).mean(axis=0)


def is_green(colour: np.ndarray) -> bool:
    return bool(colour[1] > 2 * colour[0] and colour[1] > 100)


def is_red(colour: np.ndarray) -> bool:
    return bool(colour[0] > 2 * colour[1] and colour[0] > 100)


@pytest.mark.parametrize("mode", ["colour", "ellipsoids"])
def test_a_mesh_before_and_behind_gaussians(render, view, ball, mode) -> None:
    before = render(view, gaussians=ball, meshes=[sheet(2.0, GREEN)], mode=mode, background=BLACK)
    behind = render(view, gaussians=ball, meshes=[sheet(7.0, GREEN)], mode=mode, background=BLACK)
    assert is_green(middle(before))
    assert is_red(middle(behind))


def test_a_camera_before_and_behind_gaussians(render, view, ball) -> None:
    from renderers.frusta import CameraMark

    thumbnail = np.tile(np.float32(GREEN), (30, 40, 1))
    for z, seen in ((1.8, is_green), (7.0, is_red)):
        pose = look_at(np.array([0, 0, z]), np.array([0, 0, 99.0]), UP)
        mark = CameraMark(camera=view.moved(pose), thumbnail=thumbnail)
        picture = render(view, gaussians=ball, cameras=[mark], background=BLACK)
        assert seen(middle(picture))


def test_points_before_and_behind_gaussians(render, view, ball) -> None:
    for z, seen in ((2.0, is_green), (7.0, is_red)):
        points = PointCloud(np.float32([[0, 0, z]]), np.float32([GREEN]))
        picture = render(view, gaussians=ball, points=points, background=BLACK)
        assert seen(picture[60, 80, :3].astype(float)) or seen(picture[59, 79, :3].astype(float))


def test_the_ground_is_hidden_by_gaussians_above_it_and_hides_those_below(
    render, one_gaussian
) -> None:
    """Seen from above, a line of the ground crosses the Gaussian below and not the one above."""
    pose = look_at(np.array([0.0, -6.0, -0.1]), np.zeros(3), UP)
    camera = Camera(
        width=120, height=120, fx=200.0, fy=200.0, cx=60.0, cy=60.0, camera_to_world=pose
    )
    frame = PointCloud(np.float32([[-1, 0, -1], [1, 0, 1]]), np.zeros((2, 3), np.float32))
    found = {}
    for name, y in (("above", -0.8), ("below", 0.8)):
        cloud = one_gaussian((0, y, 0), RED, scale=0.5, opacity=0.99)
        with_grid = render(camera, gaussians=cloud, points=frame, up=UP, grid=True)
        without = render(camera, gaussians=cloud, points=frame, up=UP)
        core = np.s_[58:62, 58:62, :3]
        found[name] = np.abs(with_grid[core].astype(int) - without[core]).max()
    assert found["below"] > 25
    assert found["above"] <= 6


def test_textures_stand_upright(render, view) -> None:
    texture = np.zeros((8, 8, 3), dtype=np.float32)
    texture[:4] = RED
    texture[4:] = GREEN
    picture = render(view, meshes=[sheet(3.0, (1, 1, 1), texture=texture)], background=BLACK)
    assert is_red(picture[52, 80, :3].astype(float))
    assert is_green(picture[68, 80, :3].astype(float))


def test_broken_meshes_and_points_are_drawn_as_far_as_they_go(render, view) -> None:
    mesh = sheet(3.0, GREEN)
    mesh.vertices[2] = np.nan
    whole = Mesh(
        vertices=mesh.vertices,
        faces=np.int32([[0, 1, 2], [0, 1, 3], [0, 1, 44], [-1, 0, 1]]),
        normals=mesh.normals,
        colours=mesh.colours,
    )
    points = PointCloud(np.full((3, 3), np.nan, np.float32), np.zeros((3, 3), np.float32))
    picture = render(view, meshes=[whole], points=points, background=BLACK)
    assert is_green(picture[55, 72, :3].astype(float))
    nothing = Mesh(
        vertices=np.zeros((0, 3), np.float32),
        faces=np.zeros((0, 3), np.int32),
        normals=np.zeros((0, 3), np.float32),
        colours=np.zeros((0, 3), np.float32),
    )
    assert render(view, meshes=[nothing], background=BLACK)[..., :3].max() == 0


class TestRenderedPicture:
    """A picture with depth that was made elsewhere."""

    def show(self, viewport, view: Camera, depth: float, *, alpha=None) -> None:
        image = np.tile(np.float32(GREEN), (60, 80, 1))
        depths = np.full((60, 80), depth, dtype=np.float32)
        depths[:, :10] = 0.0
        viewport.show_rendered(image, depths, view, alpha=alpha)

    def test_meshes_are_before_or_behind_it(self, viewport, settle, view) -> None:
        viewport.set_camera(view)
        viewport.show_meshes([sheet(4.0, RED)])
        self.show(viewport, view, 6.0)
        settle()
        assert is_red(viewport.grab()[120, 160, :3].astype(float))
        self.show(viewport, view, 2.0)
        settle()
        picture = viewport.grab()
        assert is_green(picture[120, 160, :3].astype(float))
        # Where its depth says that nothing is, it shows what is behind.
        assert picture[120, 10, :3].max() < 40
        viewport.show_rendered(None)
        settle()
        assert is_red(viewport.grab()[120, 160, :3].astype(float))

    def test_it_follows_a_turning_camera(self, viewport, settle, view) -> None:
        self.show(viewport, view, 5.0)
        turn = look_at(np.zeros(3), np.array([-0.15, 0.0, 1.0]), UP)
        viewport.set_camera(view.moved(turn))
        settle()
        picture = viewport.grab()
        (edge,), _ = viewport.camera.project(np.array([[-5.0 * 60 / 120, 0.0, 5.0]]))
        green = np.flatnonzero(picture[120, :, 1] > 100)
        assert green[0] == pytest.approx(edge[0], abs=2)

    def test_transparent_parts_show_the_ground_colour(self, viewport, settle, view) -> None:
        viewport.set_camera(view)
        viewport.background = (0.0, 0.0, 1.0)
        alpha = np.full((60, 80), 0.5, dtype=np.float32)
        self.show(viewport, view, 5.0, alpha=alpha)
        settle()
        _, green, blue = viewport.grab()[120, 160, :3]
        assert (int(green), int(blue)) == (230, pytest.approx(154, abs=3))

    def test_its_depth_can_be_looked_at_and_picked(self, viewport, settle, view) -> None:
        viewport.set_camera(view)
        self.show(viewport, view, 5.0)
        viewport.mode = "depth"
        settle()
        assert not is_green(viewport.grab()[120, 160, :3].astype(float))
        picked = []
        viewport.point_picked.connect(lambda position, index: picked.append((position, index)))
        viewport.double_clicked(160.0, 120.0)
        ((position, index),) = picked
        assert position == pytest.approx([0, 0, 5], abs=1e-6)
        assert index == -1
