"""Colour that depends on where one looks from: spherical harmonics for each Gaussian."""

from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from kernels.sphericalharmonics import cpu, cuda
from kernels.sphericalharmonics.reference import basis

__all__ = ["basis", "colours_of_view", "spherical_harmonics", "warm_up"]


def spherical_harmonics(
    coefficients: tuple[Tensor, Tensor] | Tensor,
    directions: Tensor,
    *,
    degree: int,
    visible: Tensor | None = None,
) -> Tensor:
    """max(0, 0.5 + sum over k of Y_k(d) c_k), the colour of each Gaussian in its direction d.

    Y_k are the real spherical harmonics of Kerbl et al. 2023, in the order and with the signs
    of their files.

    Args:
        coefficients: the constant band [n, 1, 3] and the other bands [n, k - 1, 3], float32,
            as two tensors, so that each may be a parameter of its own and none is copied;
            bands above `degree` are not read and get zero gradient, or none at all at degree
            0. One tensor [n, k, 3] is taken too, at the price of a copy.
        directions: [n, 3] float32 from the camera to the Gaussians, of any length. One
            without a length, or too long to have a finite one, shows the constant band only.
        degree: highest degree to use, 0 to 3; k must be at least (degree + 1)^2.
        visible: bool [n]; the other rows give 0 and get zero gradients. All if None.

    Returns [n, 3] colours, differentiable by coefficients and directions. NaN in a visible
    row gives NaN. Raises ValueError for shapes or degrees that do not fit.
    """
    if isinstance(coefficients, Tensor):
        coefficients = coefficients[:, :1], coefficients[:, 1:]
    _check(*coefficients, directions, degree, visible)
    twin = _twin(directions)
    return twin.spherical_harmonics(coefficients, directions, degree=degree, visible=visible)


def colours_of_view(sh: np.ndarray, means: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Colours of all Gaussians as seen from one point, for drawing; releases the GIL.

    Args:
        sh: [n, k, 3] coefficients, k being 1, 4, 9 or 16; all bands are used.
        means: [n, 3] centres, world units.
        eye: [3] where the camera is, world units.

    Returns [n, 3] float32, at least 0 and not clipped at 1. Raises ValueError for shapes that
    do not fit.
    """
    return cpu.colours_of_view(sh, means, eye)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    constant, rest = torch.zeros(2, 1, 3, requires_grad=True), torch.zeros(2, 3, 3)
    spherical_harmonics((constant, rest), torch.ones(2, 3), degree=1).sum().backward()


def _check(
    constant: Tensor, rest: Tensor, directions: Tensor, degree: int, visible: Tensor | None
) -> None:
    if not 0 <= degree <= 3:
        raise ValueError(f"degree is {degree}; expected 0 to 3")
    n = len(directions)
    bands = 1 + rest.shape[1]
    fits = constant.shape == (n, 1, 3) and rest.shape == (n, bands - 1, 3)
    if not fits or directions.shape != (n, 3) or bands < (degree + 1) ** 2:
        raise ValueError(
            f"expected coefficients [n, 1, 3] and [n, {(degree + 1) ** 2 - 1} or more, 3] and "
            f"directions [n, 3], got {list(constant.shape)}, {list(rest.shape)} and "
            f"{list(directions.shape)}"
        )
    if visible is not None and (visible.shape != (n,) or visible.dtype != torch.bool):
        raise ValueError(f"visible must be bool [{n}], got {visible.dtype} {list(visible.shape)}")


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
