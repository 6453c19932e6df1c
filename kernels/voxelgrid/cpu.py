"""The sparse voxel grid on the CPU: autograd around the numba loops.

Large arrays are numpy's: it asks the system for large pages, torch does not, and a new gradient of
50 MB costs 5 ms instead of 40.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from kernels.threads import parallel_region
from kernels.voxelgrid.cells import find_cells, share_rows
from kernels.voxelgrid.passes import positions_backward, table_backward, trilinear_forward
from kernels.voxelgrid.roughness import find_neighbours, variation_backward, variation_forward


def _array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers, copied only where it is not contiguous."""
    if tensor.dtype not in (torch.float32, torch.int32, torch.int64):
        raise ValueError(f"expected float32, got {tensor.dtype}")
    return tensor.detach().contiguous().numpy()


def _flat(table: Tensor) -> tuple[np.ndarray, int]:
    """The table's numbers from the first to the last and the distance of its rows.

    Columns of a wider table are not copied; what lies between is there but not looked at.
    """
    rows, width = table.shape
    if rows == 0 or table.stride(1) != 1 or table.stride(0) < width:
        return _array(table).reshape(-1), width
    stride = table.stride(0)
    return _array(table.as_strided(((rows - 1) * stride + width,), (1,))), stride


def _check_rows(highest: int, table: Tensor) -> None:
    if highest >= len(table):
        raise IndexError(f"corners name row {highest} of a table that has {len(table)}")


class _Trilinear(Function):
    @staticmethod
    def forward(ctx: Any, positions: Tensor, table: Tensor, corners: Tensor) -> Tensor:
        n = len(positions)
        rows, inside = np.empty((n, 8), np.int32), np.empty((n, 3), np.float32)
        features = np.empty((n, table.shape[1]), np.float32)
        numbers, stride = _flat(table)
        with parallel_region():
            _check_rows(find_cells(_array(positions), _array(corners), rows, inside), table)
            trilinear_forward(numbers, stride, rows, inside, features)
        ctx.save_for_backward(positions, table)
        ctx.cells = np.array(corners.shape, np.float32) - np.float32(1)
        ctx.found = rows, inside
        return torch.from_numpy(features)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        positions, table = ctx.saved_tensors
        (rows, inside), by_features = ctx.found, _array(grads[0])
        by_positions = by_table = None
        if ctx.needs_input_grad[0]:
            points, (numbers, stride) = _array(positions), _flat(table)
            pulls = np.empty(points.shape, np.float32)
            with parallel_region():
                positions_backward(
                    points, numbers, stride, rows, inside, by_features, ctx.cells, pulls
                )
            by_positions = torch.from_numpy(pulls)
        if ctx.needs_input_grad[1]:
            zeros = np.zeros(table.numel(), np.float32)
            owners, shift, threads = share_rows(len(table))
            with parallel_region():
                table_backward(rows, inside, by_features, zeros, owners, shift, threads)
            by_table = torch.from_numpy(zeros).view(table.shape)
        return by_positions, by_table, None


class _TotalVariation(Function):
    @staticmethod
    def forward(
        ctx: Any,
        table: Tensor,
        corners: Tensor,
        cells: Tensor,
        scale: tuple[float, float, float],
        eps: float,
    ) -> Tensor:
        rows = np.empty((len(cells), 4), np.int32)
        ctx.save_for_backward(table)
        numbers, stride = _flat(table)
        factors, rounding = np.array(scale, np.float32), np.float32(eps)
        ctx.given = rows, factors, rounding
        with parallel_region():
            _check_rows(find_neighbours(_array(corners), _array(cells), rows), table)
            total = variation_forward(numbers, stride, table.shape[1], rows, factors, rounding)
        return torch.tensor(total / max(len(cells), 1), dtype=table.dtype)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        (table,) = ctx.saved_tensors
        rows, scale, eps = ctx.given
        pull = np.float32(float(grads[0]) / max(len(rows), 1))
        numbers, stride = _flat(table)
        width, dealt = table.shape[1], share_rows(len(table))
        zeros = np.zeros(table.numel(), np.float32)
        with parallel_region():
            variation_backward(numbers, stride, width, rows, scale, eps, pull, zeros, dealt)
        return torch.from_numpy(zeros).view(table.shape), None, None, None, None


def trilinear(positions: Tensor, table: Tensor, corners: Tensor) -> Tensor:
    """[n, f] features; see `kernels.voxelgrid.trilinear`."""
    return _Trilinear.apply(positions, table, corners)  # pyright: ignore


def total_variation(
    table: Tensor,
    corners: Tensor,
    cells: Tensor,
    *,
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    eps: float = 1e-9,
) -> Tensor:
    """A scalar; see `kernels.voxelgrid.total_variation`."""
    return _TotalVariation.apply(table, corners, cells, scale, eps)  # pyright: ignore
