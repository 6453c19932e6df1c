"""The density grid's upkeep: the loops against the definition, and the definition by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels.densitygrid import cpu, occupied, reference, remember
from kernels.threads import use_threads


def found_at(seed: int, resolution: int, many: int):
    random = torch.Generator().manual_seed(seed)
    grid = torch.rand(resolution, resolution, resolution, generator=random)
    grid[torch.rand(grid.shape, generator=random) < 0.3] = 0
    places = torch.rand(many, 3, generator=random)
    places[::7] = places[::7].round()
    return grid, places, torch.rand(many, generator=random) * 2


@given(seed=st.integers(0, 99), resolution=st.integers(1, 9), many=st.integers(0, 300))
def test_remembering_is_as_defined(seed, resolution, many):
    grid, places, sigma = found_at(seed, resolution, many)
    defined = grid.clone()
    reference.remember(defined, places, sigma, decay=0.9)
    cpu.remember(grid, places, sigma, decay=0.9)
    torch.testing.assert_close(grid, defined, rtol=1e-6, atol=0)


def test_a_cell_decays_once_and_keeps_the_largest():
    grid = torch.full((2, 2, 2), 10.0)
    places = torch.tensor([[0.1, 0.1, 0.1], [0.2, 0.4, 0.3], [0.9, 0.9, 1.0], [0.6, 0.9, 0.9]])
    remember(grid, places, torch.tensor([1.0, 2.0, 11.0, 30.0]), decay=0.5)
    assert float(grid[0, 0, 0]) == 5.0
    assert float(grid[1, 1, 1]) == 30.0
    assert grid.sum() == 5.0 + 30.0 + 6 * 10.0


@given(
    seed=st.integers(0, 99),
    resolution=st.integers(1, 12),
    thickness=st.floats(0.01, 1.0),
    of_mean=st.floats(0.1, 2.0),
)
def test_occupied_cells_are_as_defined(seed, resolution, thickness, of_mean):
    grid, _, _ = found_at(seed, resolution, 1)
    random = torch.Generator().manual_seed(seed + 1)
    lengths, seen = torch.rand(grid.shape, generator=random), grid > 0.2
    limits = {"thickness": thickness, "of_mean": of_mean}
    found = cpu.occupied(grid, lengths, seen, **limits)
    defined = reference.occupied(grid, lengths, seen, **limits)
    # A cell whose thickness is the limit but for rounding may be told either way.
    assert int((found != defined).sum()) <= 1
    assert not bool((found & ~seen).any())


def test_all_cells_alike_are_all_worth_a_look():
    grid, seen = torch.full((4, 4, 4), 0.01), torch.ones(4, 4, 4, dtype=torch.bool)
    seen[0] = False
    found = occupied(grid, torch.ones(4, 4, 4), seen, thickness=0.5, of_mean=0.5)
    assert torch.equal(found, seen)
    grid[1] = 100.0
    found = occupied(grid, torch.ones(4, 4, 4), seen, thickness=0.5, of_mean=0.5)
    assert bool(found[1].all())
    assert int(found.sum()) == 16


def test_occupied_cells_are_the_same_for_any_number_of_threads():
    grid, _, _ = found_at(3, 40, 1)
    found = []
    for threads in (1, 2):
        use_threads(threads)
        seen = torch.ones_like(grid, dtype=torch.bool)
        found.append(cpu.occupied(grid, grid, seen, thickness=0.4, of_mean=1.0))
    assert torch.equal(*found)


def test_what_does_not_fit_is_refused():
    grid, places, sigma = found_at(0, 4, 8)
    with pytest.raises(ValueError, match="grid"):
        remember(grid[:2], places, sigma, decay=0.5)
    with pytest.raises(ValueError, match="places"):
        remember(grid, places[:, :2], sigma, decay=0.5)
    with pytest.raises(ValueError, match="float32"):
        remember(grid, places.double(), sigma, decay=0.5)
    seen = torch.ones(4, 4, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match="alike"):
        occupied(grid, grid[:3], seen, thickness=1.0, of_mean=0.5)
    with pytest.raises(ValueError, match="bool"):
        occupied(grid, grid, grid, thickness=1.0, of_mean=0.5)
