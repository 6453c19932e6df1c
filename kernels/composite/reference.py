"""The definition of volume rendering's quadrature, in short readable torch.

Mildenhall et al. 2020, "NeRF", equation 3, with exclusive transmittance; the distortion loss
after Barron et al. 2022, "Mip-NeRF 360", equation 15. Rays are padded to one length with samples
of zero size. Autograd gives the gradients, in float32 or float64.
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
    taken, samples = padded(offsets)
    thickness = torch.where(taken, (sigma * (t_end - t_start))[samples], 0.0)
    light = torch.exp(-torch.nn.functional.pad(thickness, (1, 0)).cumsum(dim=1)[:, :-1])
    weights = torch.where(light < stop_below, 0.0, -light * torch.expm1(-thickness))
    middles = torch.where(taken, ((t_start + t_end) / 2)[samples], 0.0)
    accumulation = weights.sum(dim=1)
    seen = accumulation > ACCUMULATION_MIN
    depth = (weights * middles).sum(dim=1) / torch.where(seen, accumulation, 1.0)
    colours = torch.where(taken[..., None], colour[samples], 0.0)
    # A sample that no light reaches is not looked at, whatever its colour.
    colours = torch.where((light < stop_below)[..., None], 0.0, colours)
    return Composited(
        colour=(weights[..., None] * colours).sum(dim=1),
        depth=torch.where(accumulation <= ACCUMULATION_MIN, 0.0, depth),
        accumulation=accumulation,
        weights=weights[taken],
    )


def distortion(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] loss of each ray; see `kernels.composite.distortion`."""
    taken, samples = padded(offsets)
    w = torch.where(taken, weights[samples], 0.0)
    middles = torch.where(taken, ((t_start + t_end) / 2)[samples], 0.0)
    sizes = torch.where(taken, (t_end - t_start)[samples], 0.0)
    apart = (middles[:, :, None] - middles[:, None, :]).abs()
    between = (w[:, :, None] * w[:, None, :] * apart).sum(dim=(1, 2))
    return between + (w**2 * sizes).sum(dim=1) / 3


def median_depth(weights: Tensor, t_start: Tensor, t_end: Tensor, offsets: Tensor) -> Tensor:
    """[n] median depth; see `kernels.composite.median_depth`."""
    taken, samples = padded(offsets)
    w = torch.where(taken, weights[samples], 0.0)
    half = w.sum(dim=1) / 2
    until = w.cumsum(dim=1)
    here = (until >= half[:, None]) & (w > 0) & ((until - w) < half[:, None])
    share = (half[:, None] - (until - w)) / torch.where(here, w, 1.0)
    begin = torch.where(taken, t_start[samples], 0.0)
    size = torch.where(taken, (t_end - t_start)[samples], 0.0)
    depth = torch.where(here, begin + share * size, 0.0).sum(dim=1)
    return torch.where(2 * half <= ACCUMULATION_MIN, 0.0, depth)


def padded(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Which places of rays padded to one length are taken, [n, k], and by which sample, [n, k]."""
    counts = offsets.diff()
    longest = int(counts.max()) if len(counts) else 0
    places = torch.arange(longest, device=offsets.device)
    taken = places < counts[:, None]
    return taken, torch.where(taken, offsets[:-1, None] + places, 0)
