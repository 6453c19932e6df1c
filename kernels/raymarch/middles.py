"""The numba loop that finds where the middles of samples lie in the unit cube."""

import numpy as np
from numba import njit, prange

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}
PART = 1 << 11
"""Samples in one piece of work."""
ZERO, HALF, ONE, TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)


@njit(parallel=True, **MODE)
def fill_places(
    origins, directions, rays, starts, ends, centre, per_length, half, stretched, places
):
    """Fill `places` [m, 3]: the sums of `kernels.stretch.to_unit` at the middle of each sample."""
    m = rays.size
    for part in prange((m + PART - 1) // PART):
        for i in range(part * PART, min((part + 1) * PART, m)):
            ray, t = rays[i], (starts[i] + ends[i]) * HALF
            for axis in range(3):
                point = origins[ray, axis] + directions[ray, axis] * t
                y = (point - centre[axis]) * per_length[axis]
                if stretched and abs(y) > ONE:
                    y = (TWO if y > ZERO else -TWO) - ONE / y
                places[i, axis] = min(max(y * half + HALF, ZERO), ONE)
