"""The numba loops of thinning, ray by ray."""

import math

import numpy as np
from numba import njit, prange

from kernels.thinning.reference import EVEN, NOTHING

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}
RAYS = 64
"""Rays in one piece of work."""
ZERO, HALF, ONE, TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)


@njit(**MODE)
def _cell(point, centre, per_length, half, size):
    """The stretched cell along one axis; the same sums as those of `kernels.stretch.to_unit`."""
    y = (point - centre) * per_length
    if abs(y) > ONE:
        y = math.copysign(TWO, y) - ONE / y if half != HALF else math.copysign(ONE, y)
    return min(max(np.int64((y * half + HALF) * np.float32(size)), 0), size - 1)


@njit(parallel=True, **MODE)
def choose(
    origins,
    directions,
    offsets,
    starts,
    ends,
    centre,
    per_length,
    half,
    densities,
    draws,
    count,
    grown,
    counts,
):
    """Fill `grown` [m]: how much longer each sample becomes, 0 where it is left out.

    `counts` [n] says how many each ray keeps.
    """
    n = origins.shape[0]
    rx, ry, rz = densities.shape
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            begin, end = offsets[ray], offsets[ray + 1]
            if end - begin <= count:
                grown[begin:end] = ONE
                counts[ray] = end - begin
                continue
            thickness, before = ZERO, ONE
            for i in range(begin, end):
                middle = (starts[i] + ends[i]) * HALF
                x = origins[ray, 0] + directions[ray, 0] * middle
                y = origins[ray, 1] + directions[ray, 1] * middle
                z = origins[ray, 2] + directions[ray, 2] * middle
                known = densities[
                    _cell(x, centre[0], per_length[0], half, rx),
                    _cell(y, centre[1], per_length[1], half, ry),
                    _cell(z, centre[2], per_length[2], half, rz),
                ]
                thickness += known * (ends[i] - starts[i])
                left = np.float32(math.exp(-thickness))
                grown[i] = before - left
                before = left
            whole = ONE - before
            even = 1.0 / (end - begin)
            total, ticks, kept = float(draws[ray]), 0, 0
            for i in range(begin, end):
                share = grown[i] / whole if whole > NOTHING else even
                wanted = count * ((1.0 - EVEN) * share + EVEN * even)
                total += wanted
                now = math.floor(total)
                if now > ticks:
                    grown[i] = np.float32(1.0 / min(wanted, 1.0))
                    kept += 1
                else:
                    grown[i] = ZERO
                ticks = now
            counts[ray] = kept


@njit(parallel=True, **MODE)
def write(offsets, starts, ends, grown, places, rays, t_start, t_end):
    """Fill `rays`, `t_start` and `t_end` with the samples that were chosen."""
    n = offsets.size - 1
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            at = places[ray]
            for i in range(offsets[ray], offsets[ray + 1]):
                if grown[i] > ZERO:
                    middle = (starts[i] + ends[i]) * HALF
                    half = (ends[i] - starts[i]) * HALF * grown[i]
                    rays[at], t_start[at], t_end[at] = ray, middle - half, middle + half
                    at += 1
