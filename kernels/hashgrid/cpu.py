"""The hash encoding on the CPU: autograd around the numba loops."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from kernels.hashgrid.layout import GridLayout
from kernels.hashgrid.passes import (
    encode_forward,
    positions_backward,
    split_levels,
    table_backward,
)
from kernels.threads import parallel_region


def _array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers, copied only where it is not contiguous."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"expected float32, got {tensor.dtype}")
    return tensor.detach().contiguous().numpy()


class _Encode(Function):
    @staticmethod
    def forward(ctx: Any, positions: Tensor, table: Tensor, layout: GridLayout) -> Tensor:
        ctx.save_for_backward(positions, table)
        ctx.grids = (
            np.array(layout.resolutions, dtype=np.int64),
            np.array(layout.offsets, dtype=np.int64),
        )
        features = torch.empty(len(positions), layout.levels * table.shape[1])
        with parallel_region():
            encode_forward(_array(positions), _array(table), *ctx.grids, features.numpy())
        return features

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        positions, table = ctx.saved_tensors
        points, by_features = _array(positions), _array(grads[0])
        resolutions, offsets = ctx.grids
        by_positions = by_table = None
        with parallel_region():
            by_features = split_levels(by_features, len(resolutions))
        if ctx.needs_input_grad[0]:
            by_positions = torch.empty(positions.shape)
            with parallel_region():
                positions_backward(
                    points,
                    _array(table),
                    resolutions,
                    offsets,
                    by_features,
                    by_positions.numpy(),
                )
        if ctx.needs_input_grad[1]:
            # Of numpy: it asks for large pages, so that touching fresh memory costs a tenth.
            by_table = torch.from_numpy(np.zeros(table.shape, np.float32))
            with parallel_region():
                table_backward(points, resolutions, offsets, by_features, by_table.numpy())
        return by_positions, by_table, None


def hash_encode(positions: Tensor, table: Tensor, *, layout: GridLayout) -> Tensor:
    """[n, levels * f] features; see `kernels.hashgrid.hash_encode`."""
    return _Encode.apply(positions, table, layout)  # pyright: ignore
