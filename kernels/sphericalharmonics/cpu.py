"""Colours by spherical harmonics on the CPU: autograd around the numba loops."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from kernels.sphericalharmonics.bands import colours_backward, colours_forward
from kernels.threads import parallel_region

ALL_VISIBLE = np.zeros(0, np.bool_)
ORIGIN = np.zeros(3, np.float32)


def _rows(tensor: Tensor) -> np.ndarray:
    """[n, ...] float32 as a matrix of n rows, copied only where it is not contiguous."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"expected float32, got {tensor.dtype}")
    return tensor.detach().contiguous().numpy().reshape(len(tensor), tensor[0:1].numel())


class _Colours(Function):
    @staticmethod
    def forward(
        ctx: Any,
        constant: Tensor,
        rest: Tensor,
        directions: Tensor,
        degree: int,
        visible: Tensor | None,
    ) -> Tensor:
        seen = ALL_VISIBLE if visible is None else visible.contiguous().numpy()
        colours = torch.empty_like(directions, memory_format=torch.contiguous_format)
        with parallel_region():
            colours_forward(
                _rows(constant),
                _rows(rest),
                0,
                _rows(directions),
                ORIGIN,
                seen,
                degree,
                colours.numpy(),
            )
        ctx.save_for_backward(constant, rest, directions, colours)
        ctx.degree, ctx.seen = degree, seen
        return colours

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        constant, rest, directions, colours = ctx.saved_tensors
        by_constant, by_direction = torch.empty(constant.shape), torch.empty(directions.shape)
        # Most numbers are in the bands above the first: none are written while none are used.
        by_rest = torch.empty(rest.shape if ctx.degree > 0 else (len(rest), 0, 3))
        with parallel_region():
            colours_backward(
                _rows(rest),
                _rows(directions),
                ctx.seen,
                ctx.degree,
                colours.numpy(),
                _rows(grads[0]),
                _rows(by_constant),
                _rows(by_rest),
                by_direction.numpy(),
            )
        return by_constant, by_rest if ctx.degree > 0 else None, by_direction, None, None


def spherical_harmonics(
    coefficients: tuple[Tensor, Tensor],
    directions: Tensor,
    *,
    degree: int,
    visible: Tensor | None = None,
) -> Tensor:
    """[n, 3] colours; see `kernels.sphericalharmonics.spherical_harmonics`."""
    return _Colours.apply(*coefficients, directions, degree, visible)  # pyright: ignore


def colours_of_view(sh: np.ndarray, means: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """[n, 3] colours; see `kernels.sphericalharmonics.colours_of_view`."""
    n, bands = sh.shape[:2]
    degree = round(bands**0.5) - 1
    if (degree + 1) ** 2 != bands or degree > 3 or means.shape != (n, 3):
        raise ValueError(
            f"expected coefficients [n, 1, 4, 9 or 16, 3] and centres [n, 3], "
            f"got {list(sh.shape)} and {list(means.shape)}"
        )
    table = np.ascontiguousarray(sh, dtype=np.float32).reshape(n, 3 * bands)
    points = np.ascontiguousarray(means, dtype=np.float32)
    colours = np.empty((n, 3), np.float32)
    origin = np.asarray(eye, dtype=np.float32).reshape(3)
    with parallel_region():
        colours_forward(table, table, 3, points, origin, ALL_VISIBLE, degree, colours)
    return colours
