"""The space of a radiance field: a box about what the photos look at, stretched around it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.frame import Normalisation
from assets.samples import sample_scene
from engines.nerf.space import FARTHEST, LIMIT, Space, space_of

FRAME = Normalisation(np.zeros(3), 1.0)


@pytest.fixture(scope="module")
def scene():
    return sample_scene()


def without_points(scene):
    return replace(scene, points=None)


def test_places_go_to_the_unit_cube_and_back():
    space = Space(torch.tensor([[-4.0, -4, -4], [4.0, 4, 4]]), 4.0)
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * 8 - 4
    unit = space.to_unit(points)
    assert bool(((unit >= 0) & (unit <= 1)).all())
    torch.testing.assert_close(space.from_unit(unit), points, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(space.inner, torch.tensor([[-1.0, -1, -1], [1.0, 1, 1]]))


def test_the_box_holds_what_the_cameras_look_at_and_the_rest_lies_around(scene):
    space = space_of(scene, FRAME)
    inner, outer = space.inner.numpy(), space.box.numpy()
    eyes = np.stack([view.camera.centre for view in scene.views])
    assert ((eyes >= outer[0]) & (eyes <= outer[1])).all(), "cameras are within"
    points = scene.points.positions
    inside = ((points >= inner[0]) & (points <= inner[1])).all(axis=1).mean()
    assert inside > 0.5
    assert 1 < space.stretch <= LIMIT
    assert space.notes == ()


def test_without_points_or_with_transparency_the_reach_is_set(scene):
    alone = without_points(scene)
    assert space_of(alone, FRAME).stretch == FARTHEST
    assert space_of(alone, FRAME, bounded=True).stretch == 1
    assert space_of(alone, FRAME, reach=3.0).stretch == 3


def test_a_box_that_is_asked_for_is_taken(scene):
    low, high = space_of(scene, FRAME).inner.numpy()
    middle, half = (low + high) / 2, (high - low) / 2
    box = (*(middle - 0.4 * half), *(middle + 0.4 * half))
    space = space_of(scene, FRAME, box=box)
    np.testing.assert_allclose(space.inner.numpy().ravel(), box, atol=1e-5)


def test_a_box_that_misses_the_scene_is_replaced_and_it_is_said(scene):
    space = space_of(scene, FRAME, box=(50.0, 50, 50, 51, 51, 51))
    assert "holds 0% of the points" in space.notes[0]
    blind = space_of(without_points(scene), FRAME, box=(500.0, 500, 500, 501, 501, 501))
    np.testing.assert_allclose(space.inner, space_of(scene, FRAME).inner)
    assert "is in none of the photos" in blind.notes[0]
