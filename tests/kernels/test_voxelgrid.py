"""The sparse voxel grid: against the definition, finite differences, and as told by hand."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kernels.voxelgrid
from kernels.threads import use_threads
from kernels.voxelgrid import cpu, cuda, reference, total_variation, trilinear

TWINS = pytest.mark.parametrize("twin", [cpu, cuda], ids=["cpu", "cuda's torch code"])


def grid(shape: tuple[int, int, int], features: int, share: float = 0.6, seed: int = 0):
    """Corners of a grid of `shape` cells, of which a share has rows in no order, and a table."""
    generator = torch.Generator().manual_seed(seed)
    size = tuple(cells + 1 for cells in shape)
    there = torch.rand(size, generator=generator) < share
    corners = torch.full(size, -1, dtype=torch.int32)
    count = int(there.sum())
    corners[there] = torch.randperm(count, generator=generator).int()
    return corners, torch.randn(count, features, generator=generator)


def points(n: int, seed: int = 0) -> torch.Tensor:
    """Positions of which some lie on faces, corners and outside."""
    generator = torch.Generator().manual_seed(seed)
    positions = torch.rand(n, 3, generator=generator)
    on_faces = torch.rand(n, 3, generator=generator)
    positions[on_faces < 0.05] = 0
    positions[on_faces > 0.95] = 1
    positions[n // 2 : n // 2 + n // 10] = positions[n // 2 : n // 2 + n // 10] * 3 - 1
    return positions


def looked_up(twin, positions, table, corners, pull=None):
    """Features and the gradients of their sum, weighted by `pull`, by positions and table."""
    positions = positions.clone().requires_grad_()
    table = table.clone().requires_grad_()
    features = twin.trilinear(positions, table, corners)
    features.backward(torch.ones_like(features) if pull is None else pull)
    assert positions.grad is not None
    assert table.grad is not None
    return features.detach(), positions.grad, table.grad


def varied(twin, table, corners, cells, **options):
    """The total variation and its gradient."""
    table = table.clone().requires_grad_()
    value = twin.total_variation(table, corners, cells, **options)
    (value * 3).backward()
    assert table.grad is not None
    return value.detach(), table.grad


def cells_of(corners: torch.Tensor, k: int, seed: int = 0) -> torch.Tensor:
    """Indices [k, 3] of corners, some of them twice."""
    generator = torch.Generator().manual_seed(seed)
    each = [torch.randint(0, size, (k,), generator=generator) for size in corners.shape]
    return torch.stack(each, dim=1)


@TWINS
def test_what_is_linear_in_space_stays_linear(twin):
    shape = torch.tensor([3, 5, 4])
    corners = torch.randperm(4 * 6 * 5).int().view(4, 6, 5)
    places = torch.cartesian_prod(*[torch.arange(size + 1.0) / size for size in shape])
    slope = torch.tensor([[1.0, -2.0], [0.5, 3.0], [-4.0, 0.25]])
    table = torch.zeros(len(places), 2)
    table[corners.view(-1).long()] = places @ slope + 7
    positions = points(200)
    features, by_positions, _ = looked_up(twin, positions, table, corners)
    torch.testing.assert_close(features, positions.clamp(0, 1) @ slope + 7)
    inside = (positions >= 0) & (positions <= 1)
    expected = torch.where(inside, slope.sum(dim=1).expand(200, 3), 0.0)
    torch.testing.assert_close(by_positions, expected, rtol=0, atol=1e-4)
    assert not inside.all()


@TWINS
def test_corners_without_a_row_are_zero(twin):
    corners = torch.full((3, 2, 2), -1, dtype=torch.int32)
    corners[1, 0, 1] = 1
    table = torch.tensor([[torch.nan, torch.nan], [2.0, -6.0]])
    positions = torch.tensor([[0.375, 0.0, 0.5], [0.625, 0.5, 1.0], [1.0, 0.5, 0.5]])
    features, by_positions, by_table = looked_up(twin, positions, table, corners)
    share = torch.tensor([[0.75 * 0.5], [0.75 * 0.5], [0.0]])
    torch.testing.assert_close(features, share * table[1])
    torch.testing.assert_close(by_table, torch.tensor([[0.0, 0.0], [0.75, 0.75]]))
    slopes = [[2 * 0.5, -0.75 * 0.5, 0.75], [-2 * 0.5, -0.75, 0.75 * 0.5], [-2 * 0.25, 0, 0]]
    torch.testing.assert_close(by_positions, -4 * torch.tensor(slopes))


@TWINS
def test_an_empty_grid_is_zero_everywhere(twin):
    corners = torch.full((3, 3, 3), -1, dtype=torch.int32)
    for table in (torch.zeros(0, 4), torch.ones(3, 4)):
        features, by_positions, by_table = looked_up(twin, points(50), table, corners)
        assert features.shape == (50, 4)
        assert not features.any()
        assert not by_positions.any()
        assert by_table.shape == table.shape
        assert not by_table.any()
        value, by_table = varied(twin, table, corners, cells_of(corners, 10), eps=0.25)
        assert value == pytest.approx(4 * 0.5)
        assert not by_table.any()


def test_gradients_of_the_definition_agree_with_finite_differences():
    corners, table = grid((2, 4, 3), 2)
    positions = (points(12).clamp(0.03, 0.97)).double().requires_grad_()
    table = table.double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda p, t: reference.trilinear(p, t, corners), (positions, table)
    )
    cells = cells_of(corners, 9)
    assert torch.autograd.gradcheck(
        lambda t: reference.total_variation(t, corners, cells, scale=(1, 2, 0.5), eps=0.01), table
    )


@settings(max_examples=25)
@given(
    n=st.sampled_from([1, 2, 7, 1023, 1025, 2500]),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    features=st.sampled_from([1, 2, 4, 13, 28, 33]),
    share=st.sampled_from([0.1, 0.6, 1.0]),
)
def test_cpu_agrees_with_the_definition(n, shape, features, share):
    corners, table = grid(shape, features, share, seed=n)
    pull = torch.randn(n, features, generator=torch.Generator().manual_seed(1))
    given = points(n, seed=n), table, corners, pull
    found, expected = looked_up(cpu, *given), looked_up(reference, *given)
    # What cancels does so to the size of its parts, for positions those of the steepest slopes.
    for got, want, parts in zip(found, expected, (1, 9, 1), strict=True):
        scale = (float(want.abs().max()) if want.numel() else 0.0) + parts
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5 * scale)


@settings(max_examples=25)
@given(
    k=st.sampled_from([1, 3, 1023, 1025, 2500]),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    features=st.sampled_from([1, 4, 27, 28]),
    share=st.sampled_from([0.1, 0.6, 1.0]),
)
def test_total_variation_agrees_with_the_definition(k, shape, features, share):
    corners, table = grid(shape, features, share, seed=k)
    given = table, corners, cells_of(corners, k, seed=k)
    options = {"scale": (0.5, 2.0, 1.0), "eps": 1e-4}
    value, by_table = varied(cpu, *given, **options)
    expected, by_expected = varied(reference, *given, **options)
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(by_table, by_expected, rtol=1e-3, atol=1e-5)


@TWINS
def test_total_variation_is_that_of_the_paper(twin):
    corners = torch.tensor([[[0, 1], [2, -1]], [[3, -1], [-1, -1]]], dtype=torch.int32)
    table = torch.tensor([[1.0], [3.0], [-5.0], [2.0]])
    cells = torch.tensor([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
    value, _ = varied(twin, table, corners, cells, scale=(3.0, 1.0, 2.0), eps=1e-12)
    first = ((3 * 1) ** 2 + 6**2 + (2 * 2) ** 2) ** 0.5
    # Along x and y lie corners without a row, along z the end of the grid.
    second = ((3 * 3) ** 2 + 3**2) ** 0.5
    assert float(value) == pytest.approx((first + second) / 3, rel=1e-5)


@TWINS
def test_what_is_even_has_no_total_variation_up_to_the_faces(twin):
    corners, _ = grid((3, 2, 4), 5, share=1.0)
    table = torch.full((corners.numel(), 5), 7.0)
    value, by_table = varied(twin, table, corners, cells_of(corners, 40), eps=1e-12)
    assert float(value) == pytest.approx(0, abs=1e-4)
    assert not by_table.any()


@TWINS
def test_no_points_and_no_cells_make_nothing(twin):
    corners, table = grid((2, 2, 2), 3)
    features, by_positions, by_table = looked_up(twin, torch.zeros(0, 3), table, corners)
    assert (features.shape, by_positions.shape) == ((0, 3), (0, 3))
    assert not by_table.any()
    value, by_table = varied(twin, table, corners, torch.zeros(0, 3, dtype=torch.int64))
    assert value == 0
    assert not by_table.any()


@TWINS
@pytest.mark.parametrize("features", [1, 3, 28])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_bad_position_gives_bad_features_of_its_own_only(twin, features, share):
    corners, table = grid((4, 3, 2), features, share)
    positions = points(20)
    positions[7, 1] = torch.nan
    positions[8, 0], positions[9, 2] = torch.inf, -torch.inf
    found, by_positions, by_table = looked_up(twin, positions, table, corners)
    others = torch.arange(20) != 7
    assert found[7].isnan().all()
    assert found[others].isfinite().all()
    assert by_positions[others].isfinite().all()
    assert by_table.isnan().any() == bool(len(table))
    if len(table):
        bad = torch.full_like(table, torch.nan)
        assert twin.trilinear(positions, bad, corners).isnan().all()
        assert twin.total_variation(bad, corners, cells_of(corners, 5)).isnan()


def test_only_what_is_asked_for_gets_a_gradient():
    corners, table = grid((2, 2, 2), 3)
    positions = points(10)
    trilinear(positions.requires_grad_(), table, corners).sum().backward()
    assert positions.grad is not None
    assert table.grad is None
    trilinear(positions.detach(), table.requires_grad_(), corners).sum().backward()
    assert table.grad is not None


@pytest.mark.parametrize("features", [1, 28])
def test_the_number_of_threads_changes_no_bit(features):
    corners, table = grid((12, 9, 15), features)
    positions, cells = points(20_000), cells_of(corners, 5_000)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        found = *looked_up(cpu, positions, table, corners), *varied(cpu, table, corners, cells)
        results.append([t.numpy().tobytes() for t in found])
    assert results[0] == results[1]


def test_two_threads_at_once_do_not_disturb_each_other():
    given = [(points(10_000, seed), *reversed(grid((8, 9, 7), 13, seed=seed))) for seed in range(4)]
    alone = [looked_up(cpu, *each) for each in given]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda each: looked_up(cpu, *each), given))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_tensors_that_are_not_contiguous_are_read_right():
    corners, table = grid((4, 5, 6), 4)
    positions, cells = points(30), cells_of(corners, 10)
    wide = torch.full((len(table), 9), torch.nan)
    wide[:, 2:6] = table
    expected = looked_up(cpu, positions, table, corners)
    value = cpu.total_variation(table, corners, cells)
    turned = corners.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    for view in (wide[:, 2:6], table.T.contiguous().T):
        view = view.detach().requires_grad_()
        place = positions.T.contiguous().T.requires_grad_()
        features = cpu.trilinear(place, view, turned)
        features.sum().backward()
        for got, want in zip((features, place.grad, view.grad), expected, strict=True):
            assert torch.equal(got, want)
        assert torch.equal(cpu.total_variation(view, turned, cells), value)


def test_columns_of_a_wide_table_are_not_copied():
    _, table = grid((4, 5, 6), 28)
    numbers, stride = cpu._flat(table[:, 1:4])
    assert stride == 28
    assert numbers.ctypes.data == table[:, 1:].data_ptr()


def test_rows_that_the_table_does_not_have_are_refused():
    corners, table = grid((3, 3, 3), 2, share=1.0)
    with pytest.raises(IndexError, match="63"):
        trilinear(torch.ones(1, 3), table[: int(corners[-1, -1, -1])], corners.clamp(min=63))
    with pytest.raises(IndexError, match="63"):
        total_variation(table[:9], corners.clamp(min=63), torch.zeros(1, 3, dtype=torch.int64))
    for cell in ([0, 4, 0], [-1, 0, 0]):
        with pytest.raises(IndexError, match="outside"):
            total_variation(table, corners, torch.tensor([cell]))


def test_shapes_and_types_that_do_not_fit_are_refused():
    corners, table = grid((2, 2, 2), 3)
    positions, cells = points(5), cells_of(corners, 5)
    with pytest.raises(ValueError, match="positions"):
        trilinear(positions[:, :2], table, corners)
    with pytest.raises(ValueError, match="table"):
        trilinear(positions, table[:, :0], corners)
    with pytest.raises(ValueError, match="corners"):
        trilinear(positions, table, corners.long())
    with pytest.raises(ValueError, match="corners"):
        trilinear(positions, table, corners[:1])
    with pytest.raises(ValueError, match="the same"):
        trilinear(positions.double(), table, corners)
    with pytest.raises(ValueError, match="float32"):
        trilinear(positions.double(), table.double(), corners)
    with pytest.raises(ValueError, match="cells"):
        total_variation(table, corners, cells.int())
    with pytest.raises(ValueError, match="eps"):
        total_variation(table, corners, cells, eps=0)
    with pytest.raises(ValueError, match="float32"):
        total_variation(table.double(), corners, cells)


def test_public_functions_reach_the_twin(monkeypatch):
    corners, table = grid((2, 2, 2), 3)
    monkeypatch.setattr(kernels.voxelgrid, "_twin", lambda _: reference)
    assert trilinear(points(5).double(), table.double(), corners).dtype == torch.float64
    cells = cells_of(corners, 5)
    assert total_variation(table.double(), corners, cells).dtype == torch.float64
