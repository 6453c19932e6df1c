"""Thinned samples fill the same stretch of each ray, and lie close where the field is dense."""

import numba
import pytest
import torch

from kernels.composite import composite
from kernels.raymarch import Samples, march
from kernels.thinning import cpu, reference, thin

BOX = torch.tensor([[-3.0, -3.0, -3.0], [3.0, 3.0, 3.0]])
COUNT = 12


def scene(stretch: float, *, rays: int = 200, draws: bool = True):
    """Rays through a patchy grid: positional and keyword arguments of `thin`."""
    random = torch.Generator().manual_seed(1)
    origins = torch.randn(rays, 3, generator=random) * 0.3
    directions = torch.nn.functional.normalize(torch.randn(rays, 3, generator=random))
    occupied = torch.rand(16, 16, 16, generator=random) < 0.5
    growth = 0.0 if stretch == 1 else 1 / 32
    samples = march(origins, directions, BOX, occupied, step=0.04, stretch=stretch, growth=growth)
    densities = torch.rand(16, 16, 16, generator=random) ** 6 * 40 * occupied
    shift = torch.rand(rays, generator=random) if draws else torch.zeros(rays)
    given = {"draws": shift, "count": COUNT, "stretch": stretch}
    return (origins, directions, samples, BOX, densities), given


def length_of_rays(samples: Samples) -> torch.Tensor:
    total = torch.zeros(len(samples.offsets) - 1, dtype=torch.float64)
    return total.index_add_(0, samples.rays, (samples.t_end - samples.t_start).double())


@pytest.mark.parametrize("stretch", [1.0, 3.0])
@pytest.mark.parametrize("draws", [True, False])
def test_the_processor_does_what_is_defined(stretch, draws):
    given, more = scene(stretch, draws=draws)
    found, defined = cpu.thin(*given, **more), reference.thin(*given, **more)
    assert torch.equal(found.offsets, defined.offsets)
    assert torch.equal(found.rays, defined.rays)
    torch.testing.assert_close(found.t_start, defined.t_start, rtol=1e-4, atol=2e-4)
    torch.testing.assert_close(found.t_end, defined.t_end, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_nothing_of_a_ray_is_lost_or_counted_twice(stretch):
    given, more = scene(stretch)
    found = thin(*given, **more)
    torch.testing.assert_close(length_of_rays(found), length_of_rays(given[2]), rtol=0, atol=1e-5)
    counts = found.offsets.diff()
    assert int(counts.max()) <= COUNT + 1
    assert torch.equal(counts > 0, given[2].offsets.diff() > 0)
    middles = (found.t_start + found.t_end) / 2
    within = found.rays[1:] == found.rays[:-1]
    assert bool((middles.diff()[within] > 0).all()), "pieces follow one another"


def test_a_wall_is_looked_at_closely_and_what_it_hides_hardly():
    densities = torch.full((64, 4, 4), 0.01)
    densities[32] = 200.0
    origins, directions = torch.tensor([[-3.0, 0.1, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]])
    everywhere = torch.ones(64, 4, 4, dtype=torch.bool)
    samples = march(origins, directions, BOX, everywhere, step=6 / 64)
    found = thin(origins, directions, samples, BOX, densities, draws=torch.zeros(1), count=COUNT)
    lengths, middles = found.t_end - found.t_start, (found.t_start + found.t_end) / 2
    wall = (middles > 3.0) & (middles < 3.0 + 6 / 64)
    assert int(wall.sum()) >= 3, "many pieces are made of a dense sample"
    assert float(lengths[wall].max()) < 6 / 64 / 2
    assert int((middles > 3.2).sum()) <= 1


def test_rays_are_the_same_for_any_number_of_threads():
    given, more = scene(3.0)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = thin(*given, **more)
    finally:
        numba.set_num_threads(before)
    together = thin(*given, **more)
    for name in ("offsets", "rays", "t_start", "t_end"):
        assert torch.equal(getattr(alone, name), getattr(together, name)), name


def test_rays_that_meet_nothing_keep_nothing():
    (origins, directions, samples, box, densities), more = scene(1.0, rays=5)
    none = torch.zeros(16, 16, 16, dtype=torch.bool)
    samples = march(origins, directions, box, none, step=0.04)
    for twin in (cpu, reference):
        found = twin.thin(origins, directions, samples, box, densities, **more)
        assert len(found.rays) == 0
        assert found.offsets.tolist() == [0] * 6


def test_a_grid_that_knows_nothing_gives_even_pieces():
    given, more = scene(1.0, rays=20, draws=False)
    everywhere = torch.ones(16, 16, 16, dtype=torch.bool)
    samples = march(given[0], given[1], BOX, everywhere, step=0.04)
    found = thin(given[0], given[1], samples, BOX, torch.zeros(16, 16, 16), **more)
    lengths = found.t_end - found.t_start
    mean = length_of_rays(found) / found.offsets.diff()
    torch.testing.assert_close(lengths.double(), mean[found.rays], rtol=1e-3, atol=1e-4)
    seen = composite(
        torch.ones_like(lengths), lengths[:, None], found.t_start, found.t_end, found.offsets
    )
    expected = 1 - torch.exp(-length_of_rays(samples))
    torch.testing.assert_close(seen.accumulation.double(), expected, rtol=1e-4, atol=1e-5)


def test_shapes_that_do_not_fit_are_named():
    (origins, directions, samples, box, densities), more = scene(1.0, rays=3)
    with pytest.raises(ValueError, match="densities"):
        thin(origins, directions, samples, box, densities[0], **more)
    with pytest.raises(ValueError, match="draws"):
        thin(origins, directions, samples, box, densities, **(more | {"draws": torch.zeros(2)}))
    with pytest.raises(ValueError, match="count is 0"):
        thin(origins, directions, samples, box, densities, **(more | {"count": 0}))
