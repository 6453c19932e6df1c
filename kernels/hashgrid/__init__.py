"""Features of a point in space, learnt at the corners of grids from coarse to fine."""

from types import ModuleType

import torch
from torch import Tensor

from kernels.hashgrid import cpu, cuda
from kernels.hashgrid.layout import GridLayout, grid_layout

__all__ = ["GridLayout", "grid_layout", "hash_encode", "warm_up"]


def hash_encode(positions: Tensor, table: Tensor, *, layout: GridLayout) -> Tensor:
    """Features of each level at each position, trilinear between the corners of its cell.

    Where a level has fewer rows than corners, several corners share a row, found by a hash
    (Müller et al. 2022, "Instant Neural Graphics Primitives", section 3).

    Args:
        positions: [n, 3] float32 in the unit cube; what lies outside is moved to its nearest
            face and gets no gradient along the axes moved.
        table: [layout.rows, f] float32, features of the corners of all levels.
        layout: where each level lies in the table; see `grid_layout`.

    Returns [n, levels * f], the coarsest level first, differentiable once by positions and
    table. The gradient of the table is the same, bit for bit, on any number of threads. A
    position with NaN gives NaN. Raises ValueError for shapes or types that do not fit.
    """
    _check(positions, table, layout)
    return _twin(positions).hash_encode(positions, table, layout=layout)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    layout = grid_layout(levels=2, coarsest=2, finest=8, table_size=64)
    positions = torch.full((2, 3), 0.5, requires_grad=True)
    for features in (1, 2):
        table = torch.zeros(layout.rows, features, requires_grad=True)
        cpu.hash_encode(positions, table, layout=layout).sum().backward()


def _check(positions: Tensor, table: Tensor, layout: GridLayout) -> None:
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ValueError(f"expected positions [n, 3], got {list(positions.shape)}")
    if table.ndim != 2 or len(table) != layout.rows or not table.shape[1]:
        raise ValueError(f"expected a table [{layout.rows}, f], got {list(table.shape)}")
    if positions.dtype != table.dtype or positions.device != table.device:
        raise ValueError(
            f"positions are {positions.dtype} on {positions.device} and the table is "
            f"{table.dtype} on {table.device}; expected the same"
        )


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
