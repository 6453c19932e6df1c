"""From densities and colours along rays to pixels: the quadrature of volume rendering.

Samples are packed: those of all rays in one row, ray by ray and near to far, as
`kernels.raymarch.march` gives them.
"""

from types import ModuleType

import torch
from torch import Tensor

from kernels.composite import cpu, cuda
from kernels.composite.types import ACCUMULATION_MIN, Composited

__all__ = [
    "ACCUMULATION_MIN",
    "Composited",
    "composite",
    "distortion",
    "median_depth",
    "warm_up",
]


def composite(
    sigma: Tensor,
    colour: Tensor,
    t_start: Tensor,
    t_end: Tensor,
    offsets: Tensor,
    *,
    stop_below: float = 0.0,
) -> Composited:
    """Weights w_i = T_i (1 - exp(-sigma_i dt_i)) with T_i = exp(-sum_{j<i} sigma_j dt_j).

    The quadrature of Mildenhall et al. 2020, "NeRF", equation 3: exact where density and colour
    are constant within a sample. A background is for the caller to add, times 1 - accumulation.

    Args:
        sigma: [m] density at least 0, per unit of t.
        colour: [m, c] colours, or whatever else is to be seen.
        t_start, t_end: [m] where each sample begins and ends along its ray; get no gradient.
        offsets: [n + 1] int64, where each ray's samples begin, and m; a ray may have none.
        stop_below: a ray ends before the first sample that less light than this reaches. What
            follows has weight 0 and gets no gradient; 0 takes every sample.

    Returns what each ray sees and the weight of each sample, differentiable once by sigma and
    colour. NaN in a sample gives NaN in its ray only. Raises ValueError for shapes or types
    that do not fit.
    """
    _check(offsets, sigma=sigma, t_start=t_start, t_end=t_end)
    if colour.ndim != 2 or len(colour) != len(sigma) or colour.dtype != sigma.dtype:
        raise ValueError(
            f"expected {sigma.dtype} colours [{len(sigma)}, c], got {colour.dtype} "
            f"{list(colour.shape)}"
        )
    return _twin(sigma).composite(sigma, colour, t_start, t_end, offsets, stop_below=stop_below)


def distortion(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """sum_ij w_i w_j |m_i - m_j| + 1/3 sum_i w_i^2 dt_i with the samples' middles m, for each ray.

    The loss of Barron et al. 2022, "Mip-NeRF 360", equation 15, which draws the weights of a
    ray together; in time linear in the samples, which must not overlap.

    Args:
        weights: [m] from `composite`.
        t_start, t_end: [m] where each sample begins and ends, in whatever measure of distance
            the loss is wanted; get no gradient.
        offsets: [n + 1] int64, where each ray's samples begin, and m.

    Returns [n], 0 for rays without samples, differentiable once by the weights. Raises
    ValueError for shapes or types that do not fit.
    """
    _check(offsets, weights=weights, t_start=t_start, t_end=t_end)
    return _twin(weights).distortion(weights, t_start, t_end, offsets)


def median_depth(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] where half of what stops each ray has stopped it; 0 where nothing does.

    Arguments as for `distortion`. Within a sample the weight is spread evenly. Not
    differentiable.
    """
    _check(offsets, weights=weights, t_start=t_start, t_end=t_end)
    with torch.no_grad():
        return _twin(weights).median_depth(weights, t_start, t_end, offsets)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    sigma, colour = torch.ones(2, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    t_start, t_end = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0])
    offsets = torch.tensor([0, 2])
    seen = cpu.composite(sigma, colour, t_start, t_end, offsets)
    spread = cpu.distortion(seen.weights, t_start, t_end, offsets)
    (seen.colour.sum() + seen.depth.sum() + spread.sum()).backward()
    cpu.median_depth(seen.weights.detach(), t_start, t_end, offsets)


def _check(offsets: Tensor, **named: Tensor) -> None:
    first, *_ = named.values()
    for name, tensor in named.items():
        if tensor.ndim != 1 or len(tensor) != len(first) or tensor.dtype != first.dtype:
            raise ValueError(
                f"{name} is {tensor.dtype} {list(tensor.shape)}; expected {first.dtype} "
                f"[{len(first)}]"
            )
    if offsets.ndim != 1 or not len(offsets) or offsets.dtype != torch.int64:
        raise ValueError(
            f"expected int64 offsets [n + 1], got {offsets.dtype} {list(offsets.shape)}"
        )


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
