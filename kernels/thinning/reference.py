"""The definition of thinning, in short readable torch."""

import torch
from torch import Tensor

from kernels.composite import composite
from kernels.raymarch import Samples
from kernels.stretch import to_unit

EVEN = 0.1
"""Share of the draws that fall evenly on all samples, however thin the field is there."""
NOTHING = 1e-6
"""A ray that is known to be stopped less than this is drawn from evenly."""


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
    middles, lengths = (samples.t_start + samples.t_end) / 2, samples.t_end - samples.t_start
    points = origins[rays] + directions[rays] * middles[:, None]
    size = torch.tensor(densities.shape, device=rays.device)
    cells = torch.minimum((to_unit(points, box, stretch) * size).long(), size - 1)
    known = densities[cells[:, 0], cells[:, 1], cells[:, 2]]
    seen = composite(known, known.new_empty(len(known), 0), samples.t_start, samples.t_end, offsets)
    counts = offsets.diff()[rays]
    whole = seen.accumulation[rays]
    share = torch.where(whole > NOTHING, seen.weights / whole.clamp_min(NOTHING), 1 / counts)
    wanted = count * ((1 - EVEN) * share.double() + EVEN / counts)
    sums = torch.nn.functional.pad(wanted.cumsum(0), (1, 0))
    begin = sums[offsets[:-1]][rays] - draws[rays]
    kept = (sums[1:] - begin).floor() > (sums[:-1] - begin).floor()
    kept |= counts <= count
    grown = torch.where(counts <= count, 1.0, 1 / wanted.clamp(max=1.0)).to(lengths.dtype)
    half = (lengths * grown / 2)[kept]
    return Samples(
        offsets=torch.nn.functional.pad(kept.cumsum(0), (1, 0))[offsets],
        rays=rays[kept],
        t_start=middles[kept] - half,
        t_end=middles[kept] + half,
    )
