"""Thinning on the CPU: the numba loops, once to plan and once to write."""

import numpy as np
import torch
from torch import Tensor

from kernels.raymarch import Samples
from kernels.stretch import half_extent, inner_frame
from kernels.thinning.loops import choose, write
from kernels.threads import balanced_region

PARTS = 4
"""Pieces of work that a thread takes at a time."""


def _array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers, copied only where it is not contiguous."""
    return tensor.detach().contiguous().numpy()


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
    centre, per_length = inner_frame(box, stretch)
    half = 0.5 if stretch == 1 else half_extent(stretch)
    n, m = len(origins), len(samples.rays)
    offsets = _array(samples.offsets)
    starts, ends = _array(samples.t_start), _array(samples.t_end)
    wanted, shifts = np.empty(m, np.float64), _array(draws)
    places = np.zeros(n + 1, np.int64)
    with balanced_region(PARTS):
        choose(
            _array(origins),
            _array(directions),
            offsets,
            starts,
            ends,
            _array(centre),
            _array(per_length),
            np.float32(half),
            _array(densities),
            shifts,
            count,
            wanted,
            places[1:],
        )
    np.cumsum(places, out=places)
    rays = torch.empty(int(places[-1]), dtype=torch.int64)
    t_start, t_end = torch.empty(len(rays)), torch.empty(len(rays))
    with balanced_region(PARTS):
        write(
            offsets,
            starts,
            ends,
            wanted,
            shifts,
            places,
            rays.numpy(),
            t_start.numpy(),
            t_end.numpy(),
        )
    return Samples(offsets=torch.from_numpy(places), rays=rays, t_start=t_start, t_end=t_end)
