"""Volume rendering's quadrature on an NVIDIA GPU with nerfacc's sums along packed rays.

Written against nerfacc 0.5.3; its arithmetic is checked on the CPU, too, with
torch's sums in place of nerfacc's. nerfacc is imported inside the functions, because its import
may start a compiler.
"""

import torch
from torch import Tensor

from kernels.composite.types import ACCUMULATION_MIN, Composited


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
    thickness = sigma * (t_end - t_start)
    light = torch.exp(-_sum_before(thickness, offsets))
    dark = light < stop_below
    weights = torch.where(dark, 0.0, -light * torch.expm1(-thickness))
    accumulation = _sum_of_rays(weights, offsets)
    seen = accumulation > ACCUMULATION_MIN
    depth = _sum_of_rays(weights * (t_start + t_end) / 2, offsets)
    depth = depth / torch.where(seen, accumulation, 1.0)
    return Composited(
        colour=_sum_of_rays(weights[:, None] * torch.where(dark[:, None], 0.0, colour), offsets),
        depth=torch.where(accumulation <= ACCUMULATION_MIN, 0.0, depth),
        accumulation=accumulation,
        weights=weights,
    )


def distortion(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] loss of each ray; see `kernels.composite.distortion`."""
    middles = (t_start + t_end) / 2
    before = _sum_before(weights, offsets)
    apart = middles * before - _sum_before(weights * middles, offsets)
    return _sum_of_rays(2 * weights * apart + weights**2 * (t_end - t_start) / 3, offsets)


def median_depth(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] median depth; see `kernels.composite.median_depth`."""
    total = _sum_of_rays(weights, offsets)
    half = torch.repeat_interleave(total / 2, offsets.diff())
    before = _sum_before(weights, offsets)
    here = (before < half) & (before + weights >= half)
    share = (half - before) / torch.where(here, weights, 1.0)
    depth = torch.where(here, t_start + share * (t_end - t_start), 0.0)
    return torch.where(total <= ACCUMULATION_MIN, 0.0, _sum_of_rays(depth, offsets))


def _sum_before(values: Tensor, offsets: Tensor) -> Tensor:
    """[m] sum of the ray's values before each."""
    import nerfacc

    return nerfacc.exclusive_sum(values, torch.stack([offsets[:-1], offsets.diff()], dim=1))


def _sum_of_rays(values: Tensor, offsets: Tensor) -> Tensor:
    """[n, ...] sum of each ray's values [m, ...]."""
    n = len(offsets) - 1
    rays = torch.repeat_interleave(torch.arange(n, device=offsets.device), offsets.diff())
    return values.new_zeros(n, *values.shape[1:]).index_add(0, rays, values)
