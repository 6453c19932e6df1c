"""The hash encoding: against the definition, finite differences and what can be told by hand."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kernels.hashgrid
from kernels.hashgrid import GridLayout, cpu, cuda, grid_layout, hash_encode, reference
from kernels.threads import use_threads

TWINS = pytest.mark.parametrize("twin", [cpu, cuda], ids=["cpu", "cuda's torch code"])


def points_and_table(layout: GridLayout, n: int, features: int, seed: int = 0):
    """Positions of which some lie on faces, corners and outside, and a table."""
    generator = torch.Generator().manual_seed(seed)
    positions = torch.rand(n, 3, generator=generator)
    on_faces = torch.rand(n, 3, generator=generator)
    positions[on_faces < 0.05] = 0
    positions[on_faces > 0.95] = 1
    positions[n // 2 : n // 2 + n // 10] = positions[n // 2 : n // 2 + n // 10] * 3 - 1
    return positions, torch.randn(layout.rows, features, generator=generator)


def encoded(twin, layout: GridLayout, positions: torch.Tensor, table: torch.Tensor, pull=None):
    """Features and the gradients of their sum, weighted by `pull`, by positions and table."""
    positions = positions.clone().requires_grad_()
    table = table.clone().requires_grad_()
    features = twin.hash_encode(positions, table, layout=layout)
    features.backward(torch.ones_like(features) if pull is None else pull)
    assert positions.grad is not None
    assert table.grad is not None
    return features.detach(), positions.grad, table.grad


def test_levels_grow_by_one_factor_and_only_large_ones_are_hashed():
    layout = grid_layout(levels=5, coarsest=4, finest=64, table_size=1 << 10)
    assert layout.resolutions == (4, 8, 16, 32, 64)
    assert [layout.dense(level) for level in range(5)] == [True, True, False, False, False]
    assert layout.offsets == (0, 125, 854, 1878, 2902, 3926)
    assert (layout.levels, layout.rows) == (5, 3926)
    assert grid_layout().resolutions[-1] == 2048
    assert grid_layout(levels=1, coarsest=7, finest=9).resolutions == (7,)


@pytest.mark.parametrize(
    "options", [{"levels": 0}, {"coarsest": 0}, {"coarsest": 9, "finest": 8}, {"table_size": 100}]
)
def test_numbers_that_make_no_grid_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        grid_layout(**options)


@pytest.mark.parametrize(
    ("resolutions", "offsets"), [((), (0,)), ((4,), (0,)), ((4,), (0, 100)), ((0,), (0, 1))]
)
def test_layouts_that_no_table_fits_are_refused(resolutions, offsets):
    with pytest.raises(ValueError, match=r"offsets|expected"):
        GridLayout(resolutions=resolutions, offsets=offsets)


@TWINS
def test_what_is_linear_in_space_stays_linear(twin):
    layout = grid_layout(levels=1, coarsest=5, finest=5, table_size=1 << 8)
    corners = torch.cartesian_prod(*[torch.arange(6.0)] * 3)
    slope = torch.tensor([[1.0, -2.0], [0.5, 3.0], [-4.0, 0.25]])
    table = torch.zeros(layout.rows, 2)
    table[reference.corner_rows(corners.long(), layout, 0)] = corners / 5 @ slope + 7
    positions, _ = points_and_table(layout, 200, 2)
    features, by_positions, _ = encoded(twin, layout, positions, table)
    torch.testing.assert_close(features, positions.clamp(0, 1) @ slope + 7)
    inside = (positions >= 0) & (positions <= 1)
    expected = torch.where(inside, slope.sum(dim=1).expand(200, 3), 0.0)
    torch.testing.assert_close(by_positions, expected, rtol=0, atol=1e-4)
    assert not inside.all()


@TWINS
def test_rows_of_a_hashed_level_are_those_of_the_paper(twin):
    layout = grid_layout(levels=1, coarsest=1000, finest=1000, table_size=1 << 12)
    corner = (123, 456, 789)
    row = (corner[0] ^ (corner[1] * 2654435761) ^ (corner[2] * 805459861)) % (1 << 12)
    table = torch.zeros(layout.rows, 1)
    table[row] = 5.0
    here = torch.tensor([corner], dtype=torch.float64) / 1000
    assert twin.hash_encode(here.float(), table, layout=layout).item() == pytest.approx(5, abs=1e-2)


def test_gradients_of_the_definition_agree_with_finite_differences():
    layout = grid_layout(levels=3, coarsest=2, finest=7, table_size=64)
    positions, table = points_and_table(layout, 12, 2)
    positions = positions.clamp(0.03, 0.97).double().requires_grad_()
    table = table.double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda p, t: reference.hash_encode(p, t, layout=layout), (positions, table)
    )


@settings(max_examples=25)
@given(
    n=st.sampled_from([1, 2, 255, 256, 257, 600]),
    levels=st.integers(1, 5),
    features=st.integers(1, 5),
    coarsest=st.integers(1, 9),
    finest=st.integers(9, 300),
    bits=st.integers(0, 11),
)
def test_cpu_agrees_with_the_definition(n, levels, features, coarsest, finest, bits):
    layout = grid_layout(levels=levels, coarsest=coarsest, finest=finest, table_size=1 << bits)
    positions, table = points_and_table(layout, n, features, seed=n * 100 + bits)
    pull = torch.randn(n, levels * features, generator=torch.Generator().manual_seed(1))
    found = encoded(cpu, layout, positions, table, pull)
    # In float32 both agree on which cell a position lies in; its gradient jumps between cells.
    expected = encoded(reference, layout, positions, table, pull)
    # What cancels does so to the size of its parts, for positions those of the finest slopes.
    for got, want, parts in zip(found, expected, (1, finest, 1), strict=True):
        scale = float(want.abs().max()) + parts
        torch.testing.assert_close(got, want, rtol=1e-4, atol=2e-5 * scale)


def test_enough_points_for_several_parts_agree_too():
    layout = grid_layout(levels=3, coarsest=16, finest=64, table_size=1 << 12)
    positions, table = points_and_table(layout, 20_000, 2)
    for got, want in zip(
        encoded(cpu, layout, positions, table),
        encoded(reference, layout, positions, table),
        strict=True,
    ):
        scale = float(want.abs().max())
        torch.testing.assert_close(got, want, rtol=1e-4, atol=5e-5 * scale)


@TWINS
def test_no_points_make_no_features(twin):
    layout = grid_layout(levels=2, coarsest=2, finest=4, table_size=64)
    table = torch.ones(layout.rows, 2)
    features, by_positions, by_table = encoded(twin, layout, torch.zeros(0, 3), table)
    assert (features.shape, by_positions.shape) == ((0, 4), (0, 3))
    assert not by_table.any()


@TWINS
@pytest.mark.parametrize("features", [2, 3])
def test_a_bad_position_gives_bad_features_of_its_own_only(twin, features):
    layout = grid_layout(levels=3, coarsest=2, finest=50, table_size=64)
    positions, table = points_and_table(layout, 20, features)
    positions[7, 1] = torch.nan
    positions[8, 0], positions[9, 2] = torch.inf, -torch.inf
    found, by_positions, _ = encoded(twin, layout, positions, table)
    assert found[7].isnan().all()
    assert found[torch.arange(20) != 7].isfinite().all()
    assert by_positions[torch.arange(20) != 7].isfinite().all()
    bad = torch.full_like(table, torch.nan)
    assert twin.hash_encode(positions, bad, layout=layout).isnan().all()


def test_only_what_is_asked_for_gets_a_gradient():
    layout = grid_layout(levels=2, coarsest=2, finest=4, table_size=64)
    positions, table = points_and_table(layout, 10, 2)
    hash_encode(positions.requires_grad_(), table, layout=layout).sum().backward()
    assert positions.grad is not None
    assert table.grad is None
    hash_encode(positions.detach(), table.requires_grad_(), layout=layout).sum().backward()
    assert table.grad is not None


def test_the_number_of_threads_changes_no_bit():
    layout = grid_layout(levels=4, coarsest=4, finest=100, table_size=1 << 10)
    positions, table = points_and_table(layout, 20_000, 2)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        results.append([t.numpy().tobytes() for t in encoded(cpu, layout, positions, table)])
    assert results[0] == results[1]


def test_two_threads_at_once_do_not_disturb_each_other():
    layout = grid_layout(levels=4, coarsest=4, finest=100, table_size=1 << 10)
    inputs = [points_and_table(layout, 10_000, 2, seed) for seed in range(4)]
    alone = [encoded(cpu, layout, *given) for given in inputs]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda given: encoded(cpu, layout, *given), inputs))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_tensors_that_are_not_contiguous_are_read_right():
    layout = grid_layout(levels=2, coarsest=2, finest=9, table_size=64)
    positions, table = points_and_table(layout, 30, 2)
    strided = positions.T.contiguous().T, table.T.contiguous().T
    for got, want in zip(
        encoded(cpu, layout, *strided), encoded(cpu, layout, positions, table), strict=True
    ):
        assert torch.equal(got, want)


def test_shapes_and_types_that_do_not_fit_are_refused():
    layout = grid_layout(levels=2, coarsest=2, finest=4, table_size=64)
    positions, table = torch.rand(5, 3), torch.rand(layout.rows, 2)
    with pytest.raises(ValueError, match="positions"):
        hash_encode(positions[:, :2], table, layout=layout)
    with pytest.raises(ValueError, match="table"):
        hash_encode(positions, table[1:], layout=layout)
    with pytest.raises(ValueError, match="table"):
        hash_encode(positions, table[:, :0], layout=layout)
    with pytest.raises(ValueError, match="the same"):
        hash_encode(positions.double(), table, layout=layout)
    with pytest.raises(ValueError, match="float32"):
        hash_encode(positions.double(), table.double(), layout=layout)


def test_public_function_reaches_the_twin(monkeypatch):
    layout = grid_layout(levels=2, coarsest=2, finest=4, table_size=64)
    positions, table = points_and_table(layout, 5, 2)
    monkeypatch.setattr(kernels.hashgrid, "_twin", lambda _: reference)
    features = hash_encode(positions.double(), table.double(), layout=layout)
    assert features.dtype == torch.float64
