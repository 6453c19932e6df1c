"""The definition of thinning, in short readable torch."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from kernels.raymarch import Samples
from kernels.stretch import to_unit

EVEN = 0.2
"""Share of the samples that are spread evenly over what light may reach."""
DOUBT = 0.5
"""What is known is held to stop only this power of the light that it would."""
FINEST = 16.0
"""A sample is cut into no more pieces than this."""
NOTHING = 1e-6
"""A ray that is known to be stopped less than this is cut evenly."""
LEAST = 1e-12
ROUNDING = 1e-6
"""A ray is not given one piece more for so little."""


def thin(
    origins: Tensor,
    directions: Tensor,
    samples: Samples,
    box: Tensor,
    densities: Tensor,
    *,
    draws: Tensor,
    count: int,
    stretch: float = 1.0,
) -> Samples:
    """See `kernels.thinning.thin`."""
    rays, offsets = samples.rays, samples.offsets
    if not len(rays):
        return samples
    middles, lengths = (samples.t_start + samples.t_end) / 2, samples.t_end - samples.t_start
    points = origins[rays] + directions[rays] * middles[:, None]
    size = torch.tensor(densities.shape, device=rays.device)
    cells = torch.minimum((to_unit(points, box, stretch) * size).long(), size - 1)
    thickness = densities[cells[:, 0], cells[:, 1], cells[:, 2]].double() * lengths

    def along(values: Tensor) -> tuple[Tensor, Tensor]:
        """What lies before each sample of its ray, and in all of the ray [n]."""
        sums = pad(values.cumsum(0), (1, 0))
        return sums[:-1] - sums[offsets[:-1]][rays], sums[offsets].diff()

    light = torch.exp(-DOUBT * along(thickness)[0])
    weight = light * -torch.expm1(-thickness)
    total = along(weight)[1][rays]
    even = torch.where(total > NOTHING, EVEN, 1.0)
    share = (1 - even) * weight / total.clamp_min(NOTHING)
    share = share + even * light / along(light)[1][rays]
    wanted = (count * share).clamp(max=FINEST)
    pieces = (along(wanted)[1] - ROUNDING).ceil()
    pieces = torch.where(offsets.diff() > 0, pieces.clamp_min(1), 0)
    wanted = wanted * (pieces / along(wanted)[1].clamp_min(LEAST))[rays]

    # All rays one behind the other on one line, once by pieces and once by length.
    by_piece, by_length = pad(wanted.cumsum(0), (1, 0)), pad(lengths.double().cumsum(0), (1, 0))
    many = (pieces + ((draws > 0) & (pieces > 0))).long()
    ends = pad(many.cumsum(0), (1, 0))
    ray = torch.arange(len(origins), device=rays.device).repeat_interleave(many)
    number = torch.arange(len(ray), device=rays.device) - ends[ray]

    def length_at(edge: Tensor) -> Tensor:
        edge = torch.minimum(edge.clamp_min(0), pieces[ray])
        place = by_piece[offsets[ray]] + edge
        first, last = offsets[ray], offsets[ray + 1] - 1
        i = torch.searchsorted(by_piece, place, right=True) - 1
        i = torch.minimum(torch.maximum(i, first), last)
        inside = ((place - by_piece[i]) / wanted[i].clamp_min(LEAST)).clamp(0, 1)
        return by_length[i] + inside * lengths[i]

    shift = torch.where(draws > 0, draws - 1, draws).double()[ray]
    start, end = length_at(number + shift), length_at(number + 1 + shift)
    middle = (start + end) / 2
    i = torch.searchsorted(by_length, middle, right=True) - 1
    i = torch.minimum(torch.maximum(i, offsets[ray]), offsets[ray + 1] - 1)
    at, half = samples.t_start[i] + (middle - by_length[i]), (end - start) / 2
    return Samples(
        offsets=ends,
        rays=ray,
        t_start=(at - half).to(lengths.dtype),
        t_end=(at + half).to(lengths.dtype),
    )
