"""Marching: against the definition to the last bit, and against what can be told by hand."""

from concurrent.futures import ThreadPoolExecutor

import nerfacc
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nerfacc.data_specs import RayIntervals, RaySamples

import kernels.raymarch
from kernels.raymarch import STEPS_LIMIT, Samples, cpu, cuda, march, ray_box, reference
from kernels.threads import use_threads

BOX = torch.tensor([[-1.0, -2.0, -0.5], [1.3, 1.0, 2.0]])
CUBE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
TWINS = pytest.mark.parametrize("twin", [cpu, cuda], ids=["cpu", "cuda's torch code"])
FIELDS = ("offsets", "rays", "t_start", "t_end")


def rays_at(box: torch.Tensor, n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Rays from in and around a box, most of them towards it, some along its axes or faces."""
    generator = torch.Generator().manual_seed(seed)
    size = box[1] - box[0]
    origins = box[0] + size * (torch.rand(n, 3, generator=generator) * 3 - 1)
    targets = box[0] + size * torch.rand(n, 3, generator=generator)
    directions = (targets - origins) * (torch.rand(n, 1, generator=generator) + 0.2)
    directions[n // 2 :: 5, 0] = 0
    directions[n // 2 :: 7, 1:] = 0
    directions[n // 2 + 1 :: 6, 2] *= 1e-5  # along the faces of cells, all but
    origins[n // 2 + 1 :: 12, 2] = box[0, 2] + size[2] / 2
    origins[n // 3 :: 9] = box[0]
    origins[n // 4 :: 9] = box[1]
    return origins, directions


def random_cells(shape: tuple[int, int, int], share: float, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


def assert_same(found: Samples, expected: Samples) -> None:
    for field in FIELDS:
        assert torch.equal(getattr(found, field), getattr(expected, field)), field


@TWINS
def test_rays_cross_a_box_where_geometry_says(twin):
    origins = torch.tensor(
        [[-1, 0.5, 0.5], [0.5, 0.5, 0.5], [2, 0.5, 0.5], [-1, 2, 0.5], [0.5, -3, 0.5], [0, 0, 0]]
    )
    directions = torch.tensor(
        [[2.0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0], [0, 0.5, 0], [1, 1, 1]]
    )
    enter, leave = twin.ray_box(origins, directions, CUBE)
    np.testing.assert_allclose(enter, [0.5, 0, 0, 0, 6, 0])
    np.testing.assert_allclose(leave, [1.0, 0.5, 0, 0, 8, 1])
    enter, leave = twin.ray_box(origins, directions, CUBE, near=0.25, far=7)
    np.testing.assert_allclose(enter, [0.5, 0.25, 0, 0, 6, 0.25])
    np.testing.assert_allclose(leave, [1.0, 0.5, 0, 0, 7, 1])


def test_a_ray_along_a_face_belongs_to_the_box():
    enter, leave = ray_box(torch.tensor([[-1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0, 0]]), CUBE)
    assert (enter.item(), leave.item()) == (1, 2)


def test_crossings_agree_with_the_definition():
    rays = rays_at(BOX, 2000)
    for got, want in zip(ray_box(*rays, BOX), reference.ray_box(*rays, BOX), strict=True):
        assert torch.equal(got, want)
        assert (got > 0).sum() > 900


def test_a_full_box_is_cut_into_even_steps():
    samples = march(
        torch.tensor([[-1.0, 0.5, 0.5], [0.5, 0.5, 3.0], [5.0, 5.0, 5.0]]),
        torch.tensor([[1.0, 0, 0], [0, 0, -2.0], [1.0, 0, 0]]),
        CUBE,
        torch.ones(4, 4, 4, dtype=torch.bool),
        step=0.1,
        jitter=torch.tensor([0.0, 0.25, 0.0]),
    )
    assert samples.offsets.tolist() == [0, 10, 15, 15]
    assert samples.rays.tolist() == [0] * 10 + [1] * 5
    np.testing.assert_allclose(samples.t_start[:10], 1 + 0.1 * np.arange(10), rtol=1e-6)
    np.testing.assert_allclose(samples.t_start[10:], 1.025 + 0.1 * np.arange(5), rtol=1e-6)
    np.testing.assert_allclose(samples.t_end - samples.t_start, 0.1, rtol=1e-5)
    assert torch.equal(samples.t_start[1:10], samples.t_end[:9])


def test_samples_are_those_whose_middle_lies_in_an_occupied_cell():
    origins, directions = (tensor.double().numpy() for tensor in rays_at(BOX, 60))
    cells = random_cells((9, 20, 13), 0.2)
    samples = march(*rays_at(BOX, 60), BOX, cells, step=0.013)
    low, size = BOX[0].double().numpy(), (BOX[1] - BOX[0]).double().numpy()

    def occupied(ray: np.ndarray, t: np.ndarray) -> np.ndarray:
        places = (origins[ray] + directions[ray] * t[:, None] - low) / size * cells.shape
        x, y, z = np.clip(places.astype(int), 0, np.array(cells.shape) - 1).T
        return cells.numpy()[x, y, z]

    middles = ((samples.t_start + samples.t_end) / 2).double().numpy()
    # A few middles lie so near a face that rounding decides.
    assert occupied(samples.rays.numpy(), middles).mean() > 0.99
    enter, leave = (t.double().numpy() for t in ray_box(*rays_at(BOX, 60), BOX))
    expected = 0
    for ray in range(60):
        t = enter[ray] + (np.arange(int((leave[ray] - enter[ray]) / 0.013 + 1)) + 0.5) * 0.013
        expected += occupied(np.full(len(t), ray), t)[t < leave[ray]].sum()
    assert len(samples.rays) == pytest.approx(expected, rel=0.01)
    assert expected > 500


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 34), st.integers(1, 34), st.integers(1, 34)),
    share=st.sampled_from([0.0, 0.001, 0.05, 0.5, 1.0]),
    step=st.sampled_from([0.003, 0.02, 0.3, 50.0]),
    jittered=st.booleans(),
    max_samples=st.sampled_from([1, 5, 10_000]),
    span=st.sampled_from([(0.0, torch.inf), (0.3, 0.9), (2.0, 1.0)]),
    n=st.sampled_from([0, 1, 63, 200]),
)
def test_cpu_agrees_with_the_definition_to_the_last_bit(
    shape, share, step, jittered, max_samples, span, n
):
    rays = rays_at(BOX, n, seed=n)
    options = {
        "step": step,
        "jitter": torch.rand(n, generator=torch.Generator().manual_seed(3)) if jittered else None,
        "max_samples": max_samples,
        "near": span[0],
        "far": span[1],
    }
    cells = random_cells(shape, share)
    assert_same(march(*rays, BOX, cells, **options), reference.march(*rays, BOX, cells, **options))


def test_an_empty_grid_is_crossed_without_samples():
    samples = march(*rays_at(BOX, 50), BOX, torch.zeros(40, 40, 40, dtype=torch.bool), step=0.01)
    assert samples.offsets.tolist() == [0] * 51
    assert len(samples.rays) == len(samples.t_start) == len(samples.t_end) == 0


def test_nothing_is_followed_for_ever():
    rays = torch.tensor([[-1.0, 0.5, 0.5]]), torch.tensor([[1.0, 0, 0]])
    empty = torch.zeros(8, 8, 8, dtype=torch.bool)
    assert len(march(*rays, CUBE, empty, step=1e-30).rays) == 0
    last = empty.clone()
    last[7] = True
    assert len(march(*rays, CUBE, last, step=1e-30, max_samples=5).rays) == 0
    full = march(*rays, CUBE, ~empty, step=1e-7, max_samples=STEPS_LIMIT + 10)
    assert len(full.rays) == STEPS_LIMIT


@TWINS
def test_rays_with_bad_numbers_have_no_samples(twin):
    origins, directions = rays_at(CUBE, 8)
    origins[:] = 0.5
    directions[:] = torch.tensor([1.0, 0.5, 0.25])
    origins[0, 0], origins[1, 1] = torch.nan, torch.inf
    directions[2, 2], directions[3, 0] = torch.nan, torch.inf
    directions[4] = 0
    enter, leave = twin.ray_box(origins, directions, CUBE)
    assert not (leave[:5] > enter[:5]).any()
    assert (leave[5:] > enter[5:]).all()
    cells = torch.ones(4, 4, 4, dtype=torch.bool)
    samples = march(origins, directions, CUBE, cells, step=0.1)
    assert samples.offsets[5] == 0
    assert (samples.offsets.diff()[5:] > 0).all()


def test_the_nearest_samples_are_kept_where_there_are_too_many():
    rays, cells = rays_at(BOX, 40), random_cells((16, 16, 16), 0.5)
    every = march(*rays, BOX, cells, step=0.02)
    few = march(*rays, BOX, cells, step=0.02, max_samples=6)
    for ray in range(40):
        mine = slice(int(few.offsets[ray]), int(few.offsets[ray + 1]))
        begin = int(every.offsets[ray])
        count = min(6, int(every.offsets[ray + 1]) - begin)
        assert torch.equal(few.t_start[mine], every.t_start[begin : begin + count])


def test_the_number_of_threads_changes_no_bit():
    rays, cells = rays_at(BOX, 3000), random_cells((32, 32, 32), 0.1)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        results.append(march(*rays, BOX, cells, step=0.02))
    assert_same(*results)


def test_two_threads_at_once_do_not_disturb_each_other():
    cells = random_cells((32, 32, 32), 0.1)
    inputs = [rays_at(BOX, 2000, seed) for seed in range(4)]
    alone = [march(*rays, BOX, cells, step=0.02) for rays in inputs]
    with ThreadPoolExecutor(2) as pool:
        together = pool.map(lambda rays: march(*rays, BOX, cells, step=0.02), inputs)
        for one, other in zip(alone, together, strict=True):
            assert_same(one, other)


def test_what_nerfacc_is_asked_for_gives_the_definitions_samples(monkeypatch):
    def traverse(origins, directions, cells, boxes, **options):
        """What nerfacc documents, for one grid, step by step on the CPU."""
        assert (cells.shape, boxes.shape) == ((1, 16, 9, 12), (1, 6))
        assert torch.equal(options["t_indices"], torch.tensor([[0, 1]]).expand(len(origins), 2))
        vals, is_left, is_right, rays = [], [], [], []
        size = torch.tensor(cells.shape[1:])
        for ray in range(len(origins)):
            if not options["hits"][ray, 0]:
                continue
            t, taken, joined = options["near_planes"][ray], 0, False
            end = torch.minimum(options["t_sorted"][ray, 1], options["far_planes"][ray])
            step = options["step_size"]
            while t + 0.5 * step < end and taken < options["traverse_steps_limit"]:
                place = origins[ray] + directions[ray] * (t + 0.5 * step) - boxes[0, :3]
                place = (place / (boxes[0, 3:] - boxes[0, :3]) * size).long()
                x, y, z = torch.minimum(place.clamp(min=0), size - 1)
                if cells[0, x, y, z]:
                    if joined:
                        is_left[-1] = True
                    else:
                        vals, is_left, is_right = [*vals, t], [*is_left, True], [*is_right, False]
                    vals, is_left, is_right = (
                        [*vals, t + step],
                        [*is_left, False],
                        [*is_right, True],
                    )
                    rays, taken = [*rays, ray], taken + 1
                joined = bool(cells[0, x, y, z])
                t = t + step
        edges = RayIntervals(
            torch.tensor(vals), is_left=torch.tensor(is_left), is_right=torch.tensor(is_right)
        )
        middles = RaySamples(torch.zeros(len(rays)), ray_indices=torch.tensor(rays))
        return edges, middles, None

    monkeypatch.setattr(nerfacc, "traverse_grids", traverse)
    rays, cells = rays_at(BOX, 40), random_cells((16, 9, 12), 0.4)
    rays[0][3, 0] = torch.nan
    jitter = torch.rand(40, generator=torch.Generator().manual_seed(0))
    options = {"step": 0.11, "jitter": jitter, "max_samples": 9}
    found = cuda.march(*rays, BOX, cells, **options)
    expected = reference.march(*rays, BOX, cells, **options)
    assert torch.equal(found.offsets, expected.offsets)
    assert torch.equal(found.rays, expected.rays)
    torch.testing.assert_close(found.t_start, expected.t_start)
    torch.testing.assert_close(found.t_end, expected.t_end)
    assert len(found.rays) > 80
    assert cuda.march(rays[0][:0], rays[1][:0], BOX, cells, step=0.1).offsets.tolist() == [0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_whole_cuda_twin_agrees_with_the_definition():
    rays, cells = rays_at(BOX, 500), random_cells((16, 16, 16), 0.4)
    expected = reference.march(*rays, BOX, cells, step=0.05)
    on_device = (tensor.cuda() for tensor in (*rays, BOX, cells))
    found = cuda.march(*on_device, step=0.05)
    assert len(found.rays) == pytest.approx(len(expected.rays), rel=0.01)


def test_what_does_not_fit_is_refused():
    origins, directions = rays_at(CUBE, 4)
    cells = torch.ones(4, 4, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match="origins"):
        march(origins, directions[:3], CUBE, cells, step=0.1)
    with pytest.raises(ValueError, match="a box"):
        ray_box(origins, directions, CUBE.reshape(6))
    with pytest.raises(ValueError, match="no inside"):
        ray_box(origins, directions, CUBE.flip(0))
    with pytest.raises(ValueError, match="no inside"):
        ray_box(origins, directions, CUBE * torch.nan)
    with pytest.raises(ValueError, match="occupancy"):
        march(origins, directions, CUBE, cells.float(), step=0.1)
    with pytest.raises(ValueError, match="occupancy"):
        march(origins, directions, CUBE, cells[:0], step=0.1)
    with pytest.raises(ValueError, match="jitter"):
        march(origins, directions, CUBE, cells, step=0.1, jitter=torch.zeros(3))
    with pytest.raises(ValueError, match="float32"):
        march(origins.double(), directions.double(), CUBE.double(), cells, step=0.1)
    for step in (0.0, -1.0, torch.nan, torch.inf):
        with pytest.raises(ValueError, match="a step above 0"):
            march(origins, directions, CUBE, cells, step=step)


def test_public_functions_reach_the_twin(monkeypatch):
    origins, directions = (tensor.double() for tensor in rays_at(CUBE, 4))
    monkeypatch.setattr(kernels.raymarch, "_twin", lambda _: reference)
    cells = torch.ones(4, 4, 4, dtype=torch.bool)
    assert march(origins, directions, CUBE.double(), cells, step=0.1).t_end.dtype == torch.float64
    assert ray_box(origins, directions, CUBE.double())[0].dtype == torch.float64
