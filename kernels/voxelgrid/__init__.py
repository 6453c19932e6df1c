"""Numbers kept at the corners of a grid, most of which have none: what lies between, how rough."""

from types import ModuleType

import torch
from torch import Tensor

from kernels.voxelgrid import cpu, cuda

__all__ = ["total_variation", "trilinear", "warm_up"]


def trilinear(positions: Tensor, table: Tensor, corners: Tensor) -> Tensor:
    """Features at each position, trilinear between the corners of its cell.

    That is how Fridovich-Keil et al. 2022, "Plenoxels", section 3.1, keep density and colour.

    Args:
        positions: [n, 3] float32 in the unit cube; what lies outside is moved to its nearest
            face and gets no gradient along the axes moved.
        table: [rows, f] float32, features of the corners. Some columns of a wider table are read
            where they lie, without a copy; but their gradient is as wide as that table, and
            rows that are short lie closer. What is asked for apart belongs in a table of its own.
        corners: [rx + 1, ry + 1, rz + 1] int32, the row of each corner of the grid's cells, or
            -1 where it has none and all its features are zero.

    Returns [n, f], differentiable once by positions and table. The gradient of the table is the
    same, bit for bit, on any number of threads, and fastest where neighbours in order are
    neighbours in space. A position with NaN gives NaN. Raises ValueError for shapes or types that
    do not fit, IndexError for a corner whose row the table does not have.
    """
    _check(table, corners)
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ValueError(f"expected positions [n, 3], got {list(positions.shape)}")
    if positions.dtype != table.dtype or positions.device != table.device:
        raise ValueError(
            f"positions are {positions.dtype} on {positions.device} and the table is "
            f"{table.dtype} on {table.device}; expected the same"
        )
    return _twin(table).trilinear(positions, table, corners)


def total_variation(
    table: Tensor,
    corners: Tensor,
    cells: Tensor,
    *,
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    eps: float = 1e-9,
) -> Tensor:
    """How much features differ from corner to corner, the prior of Plenoxels, equation 3.

    The mean over `cells` of the sum over features of sqrt(dx^2 + dy^2 + dz^2 + eps), where dx is
    how far the next corner along x is from the cell's own, times scale[0].

    Args:
        table, corners: as for `trilinear`; a corner without a row has zeros here too.
        cells: [k, 3] int64, indices of the corners to look at: x, y and z in `corners`. One that
            is named twice counts twice. Beyond the grid's far faces nothing differs, as
            `trilinear` continues there what lies on them.
        scale: factors of the differences along x, y and z, such as cells along that axis / 256,
            which makes grids of different resolution alike.
        eps: how round the root is at 0, above 0.

    Returns a scalar, 0 for no cells, differentiable once by the table. Value and gradient are the
    same, bit for bit, on any number of threads. Raises ValueError for shapes, types or numbers
    that do not fit, IndexError for cells outside the grid and rows outside the table.
    """
    _check(table, corners)
    if cells.ndim != 2 or cells.shape[1] != 3 or cells.dtype != torch.int64:
        raise ValueError(f"expected int64 cells [k, 3], got {cells.dtype} {list(cells.shape)}")
    if cells.device != table.device:
        raise ValueError(f"cells are on {cells.device} and the table is on {table.device}")
    if len(scale) != 3 or not 0 < eps < torch.inf:
        raise ValueError(f"expected 3 scales and an eps above 0, got {scale} and {eps}")
    if bool((cells < 0).any()) or bool((cells >= cells.new_tensor(corners.shape)).any()):
        raise IndexError(f"cells lie outside the grid of corners {list(corners.shape)}")
    return _twin(table).total_variation(table, corners, cells, scale=scale, eps=eps)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    corners = torch.arange(8, dtype=torch.int32).view(2, 2, 2)
    positions = torch.full((2, 3), 0.5, requires_grad=True)
    table = torch.zeros(8, 1, requires_grad=True)
    cpu.trilinear(positions, table, corners).sum().backward()
    scale = (1.0, 1.0, 1.0)
    cells = torch.zeros(1, 3, dtype=torch.int64)
    cpu.total_variation(table, corners, cells, scale=scale, eps=1.0).backward()


def _check(table: Tensor, corners: Tensor) -> None:
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError(f"expected a table [rows, f], got {list(table.shape)}")
    if corners.ndim != 3 or min(corners.shape) < 2 or corners.dtype != torch.int32:
        raise ValueError(
            f"expected int32 corners [rx + 1, ry + 1, rz + 1] of at least one cell, got "
            f"{corners.dtype} {list(corners.shape)}"
        )
    if corners.device != table.device:
        raise ValueError(f"corners are on {corners.device} and the table is on {table.device}")


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
