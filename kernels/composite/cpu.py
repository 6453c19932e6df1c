"""Volume rendering's quadrature on the CPU: autograd around the numba loops."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from kernels.composite import loops
from kernels.composite.types import Composited
from kernels.threads import parallel_region


def _array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers, copied only where it is not contiguous."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"expected float32, got {tensor.dtype}")
    return tensor.detach().contiguous().numpy()


def _offsets(offsets: Tensor, samples: int) -> np.ndarray:
    """The offsets, after a look whether they stay within the samples."""
    places = offsets.contiguous().numpy()
    if places[0] != 0 or places[-1] != samples or (places[1:] < places[:-1]).any():
        raise ValueError(f"expected offsets that rise from 0 to {samples}, the number of samples")
    return places


class _Composite(Function):
    """(sigma, colour, t_start, t_end, offsets, stop_below) -> the fields of `Composited`."""

    @staticmethod
    def forward(ctx: Any, sigma, colour, t_start, t_end, offsets, stop_below):
        m, n = len(sigma), len(offsets) - 1
        out, depth = torch.empty(n, colour.shape[1]), torch.empty(n)
        accumulation, weights = torch.empty(n), torch.empty(m)
        places = _offsets(offsets, m)
        left, ends = np.empty(m, np.float32), np.empty(n, np.int64)
        with parallel_region():
            loops.composite_forward(
                _array(sigma),
                _array(colour),
                _array(t_start),
                _array(t_end),
                places,
                np.float32(stop_below),
                out.numpy(),
                depth.numpy(),
                accumulation.numpy(),
                weights.numpy(),
                left,
                ends,
            )
        ctx.save_for_backward(colour, t_start, t_end, depth, accumulation, weights)
        ctx.places, ctx.left, ctx.ends = places, left, ends
        ctx.set_materialize_grads(False)
        return out, depth, accumulation, weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Any):  # pyright: ignore[reportIncompatibleMethodOverride]
        colour, t_start, t_end, depth, accumulation, weights = ctx.saved_tensors
        n, channels = len(depth), colour.shape[1]
        none = np.zeros(0, np.float32)
        by_out, by_depth, by_accumulation = (
            np.zeros(shape, np.float32) if grad is None else _array(grad)
            for grad, shape in zip(grads, [(n, channels), n, n], strict=False)
        )
        by_sigma = torch.empty(len(weights))
        by_colour = torch.empty(colour.shape if ctx.needs_input_grad[1] else (0, channels))
        with parallel_region():
            loops.composite_backward(
                _array(colour),
                _array(t_start),
                _array(t_end),
                ctx.places,
                _array(depth),
                _array(accumulation),
                _array(weights),
                ctx.left,
                ctx.ends,
                by_out,
                by_depth,
                by_accumulation,
                none if grads[3] is None else _array(grads[3]),
                by_sigma.numpy(),
                by_colour.numpy(),
            )
        return by_sigma, by_colour if ctx.needs_input_grad[1] else None, None, None, None, None


class _Distortion(Function):
    @staticmethod
    def forward(ctx: Any, weights, t_start, t_end, offsets):
        ctx.places = _offsets(offsets, len(weights))
        ctx.save_for_backward(weights, t_start, t_end)
        loss = torch.empty(len(offsets) - 1)
        with parallel_region():
            loops.distortion_forward(
                _array(weights), _array(t_start), _array(t_end), ctx.places, loss.numpy()
            )
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        weights, t_start, t_end = (_array(tensor) for tensor in ctx.saved_tensors)
        by_weights = torch.empty(len(weights))
        with parallel_region():
            loops.distortion_backward(
                weights, t_start, t_end, ctx.places, _array(grads[0]), by_weights.numpy()
            )
        return by_weights, None, None, None


def composite(
    sigma: Tensor,
    colour: Tensor,
    t_start: Tensor,
    t_end: Tensor,
    offsets: Tensor,
    *,
    stop_below: float = 0.0,
) -> Composited:
    """See `kernels.composite.composite`."""
    out, depth, accumulation, weights = _Composite.apply(  # pyright: ignore
        sigma, colour, t_start, t_end, offsets, stop_below
    )
    return Composited(colour=out, depth=depth, accumulation=accumulation, weights=weights)


def distortion(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] loss of each ray; see `kernels.composite.distortion`."""
    return _Distortion.apply(weights, t_start, t_end, offsets)  # pyright: ignore


def median_depth(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] median depth; see `kernels.composite.median_depth`."""
    depth = torch.empty(len(offsets) - 1)
    places = _offsets(offsets, len(weights))
    with parallel_region():
        loops.find_medians(_array(weights), _array(t_start), _array(t_end), places, depth.numpy())
    return depth
