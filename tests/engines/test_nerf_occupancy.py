"""Which cells are worth looking at: those that photos see and that are not known to be empty."""

import numpy as np
import pytest
import torch

from assets.camera import Camera, look_at
from engines.nerf.occupancy import NEEDED_VIEWS, Occupancy, cell_lengths, views_of_cells
from engines.nerf.space import Space

SPACE = Space(torch.tensor([[-1.0, -1, -1], [1.0, 1, 1]]), 1.0)


def cameras(count: int) -> list[Camera]:
    """Around the space, all looking at its middle through narrow lenses."""
    middle, up = (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [
        Camera(
            width=20,
            height=20,
            fx=60.0,
            fy=60.0,
            cx=10.0,
            cy=10.0,
            camera_to_world=look_at((3 * np.cos(a), 3 * np.sin(a), 0.0), middle, up),
        )
        for a in angles
    ]


def ball(places: torch.Tensor) -> torch.Tensor:
    """A dense ball of radius 0.25 in the middle of the unit cube."""
    return 50.0 * ((places - 0.5).norm(dim=1) < 0.25)


def test_only_cells_in_enough_photos_count():
    few = Occupancy(SPACE, cameras(4), 16, stride=0.05)
    assert bool(few.cells[8, 8, 8]), "the middle is in all photos"
    assert not bool(few.cells[8, 8, 0]), "what is below is in none"
    counts = views_of_cells(SPACE, cameras(4), 16)
    assert torch.equal(few.seen, counts >= NEEDED_VIEWS)
    assert bool(Occupancy(SPACE, (), 16, stride=0.05).cells.all()), "without cameras, all"


def test_what_is_dense_is_found_and_the_rest_is_left_out():
    grid = Occupancy(SPACE, (), 16, stride=0.05)
    random = torch.Generator().manual_seed(0)
    grid.update(ball, random, everywhere=True)
    for _ in range(60):
        grid.update(ball, random, everywhere=False)
    assert bool(grid.cells[6:10, 6:10, 6:10].all())
    assert not bool(grid.cells[0].any())
    inside = 4 / 3 * np.pi * 0.25**3
    assert inside < grid.share < 2.5 * inside
    assert grid.share == pytest.approx(float(grid.cells.float().mean()))


def test_what_became_empty_is_forgotten_after_some_looks():
    grid = Occupancy(SPACE, (), 8, stride=0.05)
    place = torch.tensor([[0.51, 0.51, 0.51]] * 3)
    grid.note(place, torch.tensor([3.0, 40.0, 5.0]))
    assert float(grid.density_at(place[:1])) == 40.0, "the densest counts"
    grid.note(place, torch.zeros(3))
    once = float(grid.density_at(place[:1]))
    assert 30.0 < once < 40.0, "three looks in one step are one"
    for _ in range(100):
        grid.note(place, torch.zeros(3))
    assert float(grid.density_at(place[:1])) < 0.01
    assert float(grid.density.sum()) == float(grid.density_at(place[:1])), "nobody else changes"


def test_a_space_that_became_empty_is_all_worth_looking_at_again():
    grid = Occupancy(SPACE, cameras(4), 16, stride=0.05)
    grid.update(lambda places: torch.zeros(len(places)), torch.Generator(), everywhere=True)
    assert grid.recovered == 1
    assert torch.equal(grid.cells, grid.seen)


def test_cells_of_a_stretched_space_are_longer_outside():
    space = Space(SPACE.box, 4.0)
    sides = cell_lengths(space, 16)
    assert float(sides.min()) == pytest.approx(float(sides[8, 8, 8]))
    assert float(sides[0, 0, 0]) > 3 * float(sides.min())
