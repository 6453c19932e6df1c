"""The small multilayer perceptron on the CPU: autograd around the numba loops."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from kernels.mlp.passes import backward, forward, split
from kernels.mlp.tiles import TILE
from kernels.threads import parallel_region


def _array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers, copied only where it is not contiguous."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"expected float32, got {tensor.dtype}")
    return tensor.detach().contiguous().numpy()


def _tiles(widths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Height and width of each layer's matrix in whole tiles."""
    padded = [-(-width // TILE) * TILE for width in widths]
    for width, height in pairwise(padded):
        yield height, width


def _packed(weights: Sequence[Tensor], widths: Sequence[int], *, turned: bool) -> np.ndarray:
    """All matrices one after the other, filled up with zeros to whole tiles; or transposed."""
    pieces = []
    for weight, shape in zip(weights, _tiles(widths), strict=True):
        piece = np.zeros(shape, np.float32)
        piece[: weight.shape[0], : weight.shape[1]] = _array(weight)
        pieces.append((piece.T if turned else piece).ravel())
    return np.concatenate(pieces)


def _unpacked(numbers: np.ndarray, widths: Sequence[int]) -> Iterator[Tensor]:
    """The matrices that `_packed` has put one after the other."""
    begin = 0
    for (height, width), (inner, outer) in zip(_tiles(widths), pairwise(widths), strict=True):
        piece = numbers[begin : begin + height * width].reshape(height, width)
        yield torch.from_numpy(piece[:outer, :inner].copy())
        begin += height * width


class _Network(Function):
    """(inputs, *weights) -> outputs."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, *weights)
        ctx.widths = [inputs.shape[1], *(len(weight) for weight in weights)]
        outputs = torch.empty(len(inputs), ctx.widths[-1])
        matrices = _packed(weights, ctx.widths, turned=False)
        with parallel_region():
            forward(_array(inputs), matrices, np.array(ctx.widths, dtype=np.int64), outputs.numpy())
        return outputs

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        inputs, *weights = ctx.saved_tensors
        matrices = _packed(weights, ctx.widths, turned=False)
        by_inputs = torch.empty(inputs.shape if ctx.needs_input_grad[0] else (0, 0))
        learnt = any(ctx.needs_input_grad[1:])
        _, pieces = split(len(inputs))
        sums = np.zeros((pieces, len(matrices) if learnt else 0), np.float32)
        with parallel_region():
            backward(
                _array(inputs),
                matrices,
                _packed(weights, ctx.widths, turned=True),
                np.array(ctx.widths, dtype=np.int64),
                _array(grads[0]),
                by_inputs.numpy(),
                sums,
            )
        by_weights = [None] * len(weights)
        if learnt:
            by_weights = _unpacked(sums.sum(axis=0), ctx.widths)
        return by_inputs if ctx.needs_input_grad[0] else None, *by_weights


def mlp(inputs: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """[n, d_last] outputs; see `kernels.mlp.mlp`."""
    return _Network.apply(inputs, *weights)  # pyright: ignore
