"""Marching unbounded scenes: stretched cells and growing samples, against the definition to the
last bit, and the definition against formulas by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.raymarch import STEPS_LIMIT, Samples, cuda, march, places, ray_box, reference
from kernels.stretch import from_unit

BOX = torch.tensor([[-9.0, -12.0, -6.0], [11.0, 10.0, 14.0]])
CUBE = torch.tensor([[-8.0, -8.0, -8.0], [8.0, 8.0, 8.0]])
STRETCHES, GROWTHS = (1.0, 4.0, 16.0), (0.0, 0.004, 0.02)


def rays_at(n: int, seed: int = 0, box: torch.Tensor = BOX) -> tuple[torch.Tensor, torch.Tensor]:
    """Rays from the middle of a box, from all over it and from around it; some along its axes."""
    generator = torch.Generator().manual_seed(seed)
    size = box[1] - box[0]
    origins = box[0] + size * (0.4 + 0.2 * torch.rand(n, 3, generator=generator))
    origins[::3] = box[0] + size * (torch.rand(n, 3, generator=generator) * 3 - 1)[::3]
    targets = box[0] + size * torch.rand(n, 3, generator=generator)
    directions = (targets - origins) * (torch.rand(n, 1, generator=generator) + 0.2)
    directions[n // 2 :: 5, 0] = 0
    directions[n // 2 :: 7, 1:] = 0
    directions[n // 2 + 1 :: 6, 2] *= 1e-5  # along the faces of cells, all but
    origins[n // 2 + 1 :: 12] = (box[0] + box[1]) / 2
    return origins, torch.nn.functional.normalize(directions, dim=1)


def cells_of(shape: tuple[int, int, int], kind: str, seed: int = 0) -> torch.Tensor:
    """Occupied cells: a share of all, or a half where whole blocks of cells are full and empty."""
    if kind == "half":
        cells = torch.zeros(shape, dtype=torch.bool)
        cells[shape[0] // 3 :, : 3 * shape[1] // 4] = True
        return cells
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < float(kind)


def assert_same(found: Samples, expected: Samples) -> None:
    for field in ("offsets", "rays", "t_start", "t_end"):
        assert torch.equal(getattr(found, field), getattr(expected, field)), field


def number_at(t: np.ndarray, step: float, growth: float) -> np.ndarray:
    """The number s of the step at which t is reached."""
    bend = step / growth
    return np.where(t <= bend, t / step, (1 + np.log(np.maximum(t, bend) / bend)) / growth)


@pytest.mark.parametrize("growth", GROWTHS)
@pytest.mark.parametrize("stretch", STRETCHES)
def test_cpu_agrees_with_the_definition_on_fine_and_coarse_grids(stretch, growth):
    rays = rays_at(150, seed=1)
    jitter = torch.rand(150, generator=torch.Generator().manual_seed(2))
    for shape, kind in (((64, 64, 64), "0.05"), ((40, 17, 9), "half"), ((33, 70, 64), "0.999")):
        options = {"step": 0.05, "jitter": jitter, "stretch": stretch, "growth": growth}
        found = march(*rays, BOX, cells_of(shape, kind), **options)
        assert_same(found, reference.march(*rays, BOX, cells_of(shape, kind), **options))
        assert len(found.rays) > 300


@settings(max_examples=60)
@given(
    stretch=st.sampled_from([1.0, 1.1, 4.0, 16.0, 1000.0]),
    growth=st.sampled_from([0.0, 1e-7, 0.004, 0.02, 0.7, 50.0]),
    shape=st.tuples(st.integers(1, 34), st.integers(1, 34), st.integers(1, 34)),
    kind=st.sampled_from(["0", "0.001", "0.05", "0.5", "half", "1"]),
    step=st.sampled_from([0.01, 0.2, 50.0]),
    jittered=st.booleans(),
    max_samples=st.sampled_from([1, 5, 10_000]),
    span=st.sampled_from([(0.0, torch.inf), (0.3, 2.9), (2.0, 1.0), (-3.0, 8.0)]),
    n=st.sampled_from([0, 1, 63, 100]),
)
def test_cpu_agrees_with_the_definition_to_the_last_bit(
    stretch, growth, shape, kind, step, jittered, max_samples, span, n
):
    rays = rays_at(n, seed=n)
    options = {
        "step": step,
        "jitter": torch.rand(n, generator=torch.Generator().manual_seed(3)) if jittered else None,
        "max_samples": max_samples,
        "near": span[0],
        "far": span[1],
        "stretch": stretch,
        "growth": growth,
    }
    cells = cells_of(shape, kind)
    assert_same(march(*rays, BOX, cells, **options), reference.march(*rays, BOX, cells, **options))


@pytest.mark.parametrize("share", ["0.02", "0.3", "half"])
def test_far_from_the_origin_no_sample_is_jumped_over(share):
    """Where rounding moves points by a good part of a sample."""
    shift = torch.tensor([3000.0, -20_000.0, 500.0])
    origins, directions = rays_at(100, seed=4)
    cells = cells_of((48, 48, 48), share)
    for growth in GROWTHS:
        options = {"step": 0.01, "stretch": 8.0, "growth": growth, "max_samples": 10_000}
        for rays, box in (
            ((origins + shift, directions), BOX + shift),
            ((origins - 900 * directions, directions), BOX),
        ):
            found = march(*rays, box, cells, **options)
            assert_same(found, reference.march(*rays, box, cells, **options))
            assert len(found.rays) > 0


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_sample_is_kept_in_the_cell_that_holds_its_middle(stretch):
    """Cells as upright boxes between the faces that `from_unit` gives."""
    shape = (12, 7, 9)
    cells = cells_of(shape, "0.3", seed=5)
    faces = [
        from_unit(torch.arange(size + 1).double()[:, None] / size, BOX.double()[:, [axis]], stretch)
        for axis, size in enumerate(shape)
    ]
    origins, directions = rays_at(80, seed=6)
    every = march(origins, directions, BOX, torch.ones(1, 1, 1, dtype=torch.bool), step=0.07)
    middles = (every.t_start + every.t_end) / 2
    points = (origins[every.rays] + directions[every.rays] * middles[:, None]).double()
    at = [
        (torch.searchsorted(edges[:, 0], points[:, axis].contiguous()) - 1).clamp(0, size - 1)
        for axis, (edges, size) in enumerate(zip(faces, shape, strict=True))
    ]
    clear = torch.stack(
        [(points[:, [axis]] - faces[axis].T).abs().amin(dim=1) > 1e-4 for axis in range(3)]
    ).all(dim=0)
    expected = {
        (int(ray), round(float(t), 3))
        for ray, t, kept in zip(every.rays, every.t_start, cells[at[0], at[1], at[2]], strict=True)
        if kept
    }
    unclear = {
        (int(ray), round(float(t), 3))
        for ray, t in zip(every.rays[~clear], every.t_start[~clear], strict=True)
    }
    found = march(origins, directions, BOX, cells, step=0.07, stretch=stretch)
    got = {(int(ray), round(float(t), 3)) for ray, t in zip(found.rays, found.t_start, strict=True)}
    assert (got ^ expected) <= unclear
    assert len(got) > 1000
    assert len(unclear) < 0.05 * len(every.rays)


@pytest.mark.parametrize("growth", [0.004, 0.02, 0.3])
@pytest.mark.parametrize("step", [0.03, 0.06])
def test_edges_are_where_the_formula_says(step, growth):
    origins, directions = rays_at(60, seed=7)
    jitter = torch.rand(60, generator=torch.Generator().manual_seed(8))
    full = torch.ones(3, 3, 3, dtype=torch.bool)
    samples = march(origins, directions, BOX, full, step=step, jitter=jitter, growth=growth)
    enter, leave = (t.double().numpy() for t in ray_box(origins, directions, BOX))
    bend, grown = step / growth, 0
    for ray in np.flatnonzero(leave > enter):
        mine = slice(int(samples.offsets[ray]), int(samples.offsets[ray + 1]))
        starts, ends = samples.t_start[mine].numpy(), samples.t_end[mine].numpy()
        first = number_at(enter[ray], step, growth) + float(jitter[ray])
        s = first + np.arange(len(starts) + 2)
        edges = np.where(s <= 1 / growth, s * step, bend * np.exp(np.minimum(growth * s - 1, 300)))
        np.testing.assert_allclose(starts, edges[: len(starts)], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(ends, edges[1 : len(starts) + 1], rtol=1e-6, atol=1e-6)
        assert (starts[1:] == ends[:-1]).all()
        middles = (edges[:-1] + edges[1:]) / 2  # of the samples, and of the one after the last
        assert (middles[: len(starts)] < leave[ray] * (1 + 1e-6)).all()
        assert middles[len(starts)] > leave[ray] * (1 - 1e-6)
        grown += (starts > bend).sum()
    assert grown > 30


def test_lengths_go_from_even_to_a_share_of_the_distance():
    ray = torch.tensor([[0.0, 0, 0]]), torch.tensor([[1.0, 0, 0]])
    full = torch.ones(3, 3, 3, dtype=torch.bool)
    samples = march(*ray, CUBE, full, step=0.01, growth=0.01)
    lengths, starts = samples.t_end - samples.t_start, samples.t_start
    np.testing.assert_allclose(lengths[:99], 0.01, rtol=1e-3)  # up to t = 1
    far = starts > 1.001
    np.testing.assert_allclose(lengths[far] / starts[far], math.expm1(0.01), rtol=1e-3)
    assert len(lengths) == pytest.approx(100 + math.log(8) / 0.01, abs=1)


def test_a_growth_too_small_to_matter_changes_no_bit():
    rays = rays_at(100)
    cells = cells_of((24, 24, 24), "0.3")
    even = march(*rays, BOX, cells, step=0.05, growth=0.0)
    assert_same(march(*rays, BOX, cells, step=0.05, growth=1e-9), even)
    assert_same(march(*rays, BOX, cells, step=0.05, growth=5e-324), even)


def test_the_nearest_samples_are_kept_where_there_are_too_many():
    rays, cells = rays_at(60), cells_of((32, 32, 32), "half")
    options = {"step": 0.05, "stretch": 4.0, "growth": 0.02}
    every = march(*rays, BOX, cells, **options)
    few = march(*rays, BOX, cells, max_samples=7, **options)
    counts = every.offsets.diff()
    assert torch.equal(few.offsets.diff(), counts.clamp(max=7))
    assert (counts > 7).any()
    for ray in range(60):
        mine = slice(int(few.offsets[ray]), int(few.offsets[ray + 1]))
        begin = int(every.offsets[ray])
        assert torch.equal(few.t_start[mine], every.t_start[begin : begin + min(counts[ray], 7)])


def test_nothing_is_followed_for_ever():
    ray = torch.tensor([[-9.0, 0.5, 0.5]]), torch.tensor([[1.0, 0, 0]])
    empty = torch.zeros(8, 8, 8, dtype=torch.bool)
    options = {"stretch": 4.0, "max_samples": STEPS_LIMIT + 10}
    for growth in (1e-30, 1e-9, 0.01, 1e30):
        assert len(march(*ray, CUBE, empty, step=1e-30, growth=growth, **options).rays) == 0
    full = march(*ray, CUBE, ~empty, step=1e-7, growth=1e-7, **options)
    assert len(full.rays) == STEPS_LIMIT
    assert (full.t_end >= full.t_start).all()
    assert full.t_end[-1] < 2.0  # lengths of some 1e-7 of t, from t = 1 on


def test_rays_with_bad_numbers_have_no_samples():
    origins, directions = rays_at(8)
    origins[0, 0], origins[1, 1] = torch.nan, torch.inf
    directions[2, 2], directions[3, 0] = torch.nan, torch.inf
    directions[4] = 0
    cells = torch.ones(4, 4, 4, dtype=torch.bool)
    for march_by in (march, reference.march):
        samples = march_by(origins, directions, BOX, cells, step=0.1, stretch=4, growth=0.01)
        assert samples.offsets[5] == 0
        assert len(samples.rays) > 0


def test_cuda_leaves_what_nerfacc_does_not_know_to_the_definition(monkeypatch):
    monkeypatch.setattr(cuda, "RAYS_AT_ONCE", 16)
    rays, cells = rays_at(50), cells_of((16, 9, 12), "0.4")
    jitter = torch.rand(50, generator=torch.Generator().manual_seed(9))
    for uneven in ({"stretch": 4.0}, {"growth": 0.02}, {"stretch": 4.0, "growth": 0.02}):
        options = {"step": 0.1, "jitter": jitter, "max_samples": 9, "near": 0.2, "far": 9.0}
        found = cuda.march(*rays, BOX, cells, **options, **uneven)
        assert_same(found, march(*rays, BOX, cells, **options, **uneven))


def test_what_does_not_fit_is_refused():
    rays, cells = rays_at(4), torch.ones(4, 4, 4, dtype=torch.bool)
    for stretch in (0.5, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="a stretch of at least 1"):
            march(*rays, BOX, cells, step=0.1, stretch=stretch)
    for growth in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="a growth of at least 0"):
            march(*rays, BOX, cells, step=0.1, growth=growth)


@pytest.mark.parametrize("stretch", STRETCHES)
def test_middles_lie_where_the_definition_has_them(stretch):
    rays = rays_at(200, seed=5)
    cells = cells_of((16, 16, 16), "0.5")
    samples = march(*rays, BOX, cells, step=0.2, stretch=stretch, growth=0.02)
    found = places(*rays, samples, BOX, stretch=stretch)
    defined = reference.places(*rays, samples, BOX, stretch=stretch)
    torch.testing.assert_close(found, defined, rtol=0, atol=2e-6)
    assert len(found) > 1000
    for axis in range(3):
        assert 0 <= float(found[:, axis].min()) < 0.1
        assert 0.9 < float(found[:, axis].max()) <= 1
