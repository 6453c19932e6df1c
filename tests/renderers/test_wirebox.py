"""The box that is meant, and showing only some of what there is."""

import numpy as np
import pytest
from viewport_pictures import is_plain

from assets.mesh import Mesh
from renderers.colours import ACCENT
from renderers.wirebox import EDGES

pytestmark = pytest.mark.gl
BOX = np.array([[-0.5, -0.4, 3.0], [0.5, 0.4, 4.0]])


def wall(depth: float) -> Mesh:
    """A white square across the view at `depth`."""
    corners = np.float32([[-9, -9, depth], [9, -9, depth], [9, 9, depth], [-9, 9, depth]])
    return Mesh(
        vertices=corners,
        faces=np.int32([[0, 1, 2], [0, 2, 3]]),
        normals=np.tile(np.float32([0, 0, -1]), (4, 1)),
        colours=np.ones((4, 3), np.float32),
    )


def brightness(picture: np.ndarray, place: np.ndarray) -> float:
    """How much of the accent's orange there is at pixel (x, y), 0 to 1."""
    x, y = np.floor(place).astype(int)
    part = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 4)[:, :3].astype(float) / 255
    return float((part[:, 0] - part[:, 2]).max() / (ACCENT[0] - ACCENT[2]))


def test_a_box_has_twelve_edges_that_differ_along_one_axis():
    assert len(EDGES) == 12
    assert np.bincount(EDGES.ravel()).tolist() == [3] * 8


def test_its_edges_are_seen_where_they_are_and_faintly_behind_things(viewport, settle, camera):
    viewport.set_camera(camera)
    settle()
    empty = viewport.grab()
    viewport.show_box(BOX)
    settle()
    picture = viewport.grab()
    # The middles of an edge of the near side and of one of the far side.
    near, far = (camera.project(np.array([[0.0, 0.4, z]]))[0][0] for z in (3.0, 4.0))
    assert brightness(picture, near) > 0.6
    assert brightness(picture, far) > 0.6
    viewport.show_meshes([wall(3.5)])
    settle()
    picture = viewport.grab()
    assert brightness(picture, near) > 0.6
    assert 0.05 < brightness(picture, far) < 0.5
    viewport.show_meshes([])
    viewport.show_box(None)
    settle()
    assert np.array_equal(viewport.grab(), empty)


def test_what_was_learnt_and_meshes_are_shown_apart(viewport, settle, camera, make_cloud):
    viewport.set_camera(camera)
    viewport.show_gaussians(make_cloud(500))
    settle()
    alone = viewport.grab()
    viewport.show_meshes([wall(2.0)])
    viewport.meshes_visible = False
    settle()
    assert np.abs(viewport.grab().astype(int) - alone).max() <= 2
    viewport.learnt_visible = False
    settle()
    assert is_plain(viewport.grab()[..., :3])
    viewport.show_gaussians(make_cloud(600))
    viewport.show_rendered(
        np.ones((12, 16, 3), np.float32), np.full((12, 16), 2.0, np.float32), camera.resized(16, 12)
    )
    settle()
    assert is_plain(viewport.grab()[..., :3]), "newer ones are not shown either"
    viewport.meshes_visible = True
    settle()
    assert viewport.grab()[120, 160, :3].min() > 150
    viewport.show_rendered(None)
    viewport.show_meshes([])
    viewport.learnt_visible = True
    settle()
    assert viewport.stats.gaussians == 600
