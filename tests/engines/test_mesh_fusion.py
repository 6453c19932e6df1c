"""Depth fused into a signed distance: against its definition and against a ball."""

import numpy as np
import pytest

from engines.mesh.box import Box, Grid
from engines.mesh.cubes import BRICK, brick_surface, bricks, joined
from engines.mesh.fusion import FusedViews, colours, distances
from engines.mesh.views import EMPTY, depth_view, orbit
from tests.engines.mesh_scenes import Ball

BOX = Box(np.full(3, -1.3), np.full(3, 1.3))
TRUNCATION = 4.0


def views_of_ball(count: int = 7, pixels: int = 96) -> list:
    ball = Ball()
    return [depth_view(ball.render(c), opacity=0.5) for c in orbit(BOX, count, pixels=pixels)]


def definition(views, grid: Grid, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean of the cut-off distances, camera by camera, in float64; nearest pixels."""
    total, weight = np.zeros(len(places)), np.zeros(len(places))
    cut = TRUNCATION * grid.spacing
    for view in views:
        pixels, away = view.camera.project(grid.to_world(places))
        column, row = np.floor(pixels).astype(int).T
        inside = (away > 0) & (pixels >= 0).all(axis=1)
        inside &= (column < view.camera.width) & (row < view.camera.height)
        column, row = np.where(inside, column, 0), np.where(inside, row, 0)
        before = (view.depth[row, column].astype(np.float64) - away) / cut
        says = inside & (before >= -1) & (view.trust[row, column] > 1e-3)
        w = np.where(says, view.trust[row, column], 0.0)
        total += w * np.minimum(before, 1.0)
        weight += w
    return total / np.where(weight > 0, weight, 1), weight


def test_the_kernel_does_what_the_definition_says():
    grid, views = Grid.over(BOX, 40), views_of_ball(7, 256)
    fused = FusedViews.of(views, grid)
    for corner in [(0, 0, 0), (4, 4, 4), (8, 0, 5)]:
        distance, weight = distances(fused, np.array([corner]), 33, truncation=TRUNCATION)
        places = np.stack(np.meshgrid(*[np.arange(33.0)] * 3, indexing="ij"), -1) + corner
        truth, truth_weight = definition(views, grid, places.reshape(-1, 3))
        # The kernel reads depth between pixels, so near the rim of the cut they may differ.
        assert np.isclose(weight.ravel(), truth_weight, rtol=1e-4, atol=1e-4).mean() > 0.98
        known = (weight.ravel() > 0) & (truth_weight > 0)
        assert np.abs(distance.ravel() - truth)[known].mean() < 0.02
        assert distance.min() < -0.3
        assert distance.max() == pytest.approx(1.0)


def test_what_too_few_cameras_saw_counts_as_not_seen():
    grid, views = Grid.over(BOX, 40), views_of_ball(2)
    corner = np.array([(4, 4, 4)])
    _, alone = distances(FusedViews.of(views[:1], grid), corner, 33, truncation=TRUNCATION)
    distance, strict = distances(
        FusedViews.of(views[:1], grid), corner, 33, truncation=TRUNCATION, agreement=2
    )
    assert (alone[distance < 0] > 0).any()
    assert not strict[distance < 0].any()
    assert (strict[distance > 0] > 0).any(), "empty space stays known"


def surface(views, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    grid = Grid.over(BOX, resolution)
    fused = FusedViews.of(views, grid)
    corners, pieces = bricks(grid), []
    distance, weight = distances(fused, corners, BRICK + 1, truncation=TRUNCATION)
    for i, corner in enumerate(corners):
        found = brick_surface(distance[i], weight[i], np.array(grid.cells) + 1 - corner)
        if found is not None:
            pieces.append((found[0] + corner, found[1]))
    vertices, faces = joined(pieces)
    return grid.to_world(vertices), faces


@pytest.mark.parametrize("resolution", [50, 70])
def test_a_ball_comes_out_round_closed_and_facing_out(resolution):
    vertices, faces = surface(views_of_ball(30, 160), resolution)
    radius = np.linalg.norm(vertices, axis=1)
    assert abs(radius.mean() - 1) < 0.4 * 2.6 / resolution
    assert radius.std() < 0.2 * 2.6 / resolution
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.05), "counter-clockwise seen from outside"
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses == 2).all(), "no seam where bricks meet"
    assert len(vertices) - len(faces) / 2 == 2, "one closed surface without holes (Euler)"


def test_colours_come_from_the_cameras_that_see_a_point():
    grid = Grid.over(BOX, 40)
    fused = FusedViews.of(views_of_ball(30, 160), grid)
    normals = np.array([[0, 0, 1.0], [0, 0, -1.0], [0.6, 0, 0.8], [0, 0, 1.0]])
    points = normals.copy()
    points[3] = 0  # the middle of the ball, which nobody sees
    places = (points - grid.origin) / grid.spacing
    colour, weight = colours(fused, places, normals, tolerance=2.0)
    assert np.allclose(colour[0], (0.8, 0.1, 0.1), atol=0.01)
    assert np.allclose(colour[1], (0.1, 0.1, 0.8), atol=0.01)
    assert np.allclose(colour[2], (0.8, 0.1, 0.1), atol=0.01)
    assert (weight[:3] > 0).all()
    assert weight[3] == 0


def test_pixels_at_an_edge_and_at_a_slant_are_not_believed():
    (view, *_) = views_of_ball(1, 96)
    solid = view.depth < EMPTY
    middle = view.trust[48, 48]
    assert middle > 0.95
    rim = solid & ~(np.roll(solid, 1, 0) & np.roll(solid, -1, 0))
    assert rim.any()
    assert not view.trust[rim].any()
    assert (view.trust[~solid] == 1).all(), "the void is believed"


def test_a_surface_that_ends_at_unknown_space_stays_open():
    distance = np.tile(np.linspace(1, -1, 9, dtype=np.float32), (9, 9, 1))
    weight = np.ones_like(distance)
    weight[:4] = 0
    vertices, faces = brick_surface(distance, weight, np.full(3, 9))
    assert len(faces) == 4 * 8 * 2
    assert vertices[:, 0].min() == 4
    assert np.allclose(vertices[:, 2], 4)
    assert brick_surface(distance, np.zeros_like(weight), np.full(3, 9)) is None
    assert brick_surface(np.ones_like(distance), np.ones_like(weight), np.full(3, 9)) is None


def test_a_grid_covers_its_box_with_cubes():
    grid = Grid.over(Box(np.array([-1.0, 0.0, 5.0]), np.array([1.0, 1.0, 5.05])), 20)
    assert grid.spacing == pytest.approx(0.1)
    assert grid.cells == (20, 10, 1)
    assert len(bricks(grid)) == 1
    assert (grid.origin <= (-1 + 1e-9, 1e-9, 5 + 1e-9)).all()
