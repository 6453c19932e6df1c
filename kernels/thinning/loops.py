"""The numba loops of thinning, ray by ray."""

import math

import numpy as np
from numba import njit, prange

from kernels.thinning.reference import EVEN, FINEST, LEAST, NOTHING, ROUNDING

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}
RAYS = 64
"""Rays in one piece of work."""
DOUBTED = np.float32(0.5)
"""Half the thickness lets the square root of the light through; see `reference.DOUBT`."""
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
    wanted,
    counts,
):
    """Fill `wanted` [m]: how many pieces fall on each sample; `counts` [n] of each ray."""
    n = origins.shape[0]
    rx, ry, rz = densities.shape
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            begin, end = offsets[ray], offsets[ray + 1]
            if begin == end:
                counts[ray] = 0
                continue
            light, weights, lights = 1.0, 0.0, 0.0
            # How much light each lets through is kept for now.
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
                passed = math.exp(-np.float64(DOUBTED * known * (ends[i] - starts[i])))
                wanted[i] = passed
                weights += light * (1.0 - passed * passed)
                lights += light
                light *= passed
            even = EVEN if weights > NOTHING else 1.0
            by_weight = count * (1.0 - even) / max(weights, NOTHING)
            by_light = count * even / lights
            total, light = 0.0, 1.0
            for i in range(begin, end):
                passed = wanted[i]
                whole = light * (1.0 - passed * passed)
                pieces = min(by_weight * whole + by_light * light, FINEST)
                wanted[i] = pieces
                total += pieces
                light *= passed
            pieces = max(1, math.ceil(total - ROUNDING))
            stretch = pieces / max(total, LEAST)
            for i in range(begin, end):
                wanted[i] *= stretch
            counts[ray] = pieces + (1 if draws[ray] > ZERO and pieces > 0 else 0)


@njit(parallel=True, **MODE)
def write(offsets, starts, ends, wanted, draws, places, rays, t_start, t_end):
    """Fill `rays`, `t_start` and `t_end` with the pieces."""
    n = offsets.size - 1
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            begin, end = offsets[ray], offsets[ray + 1]
            first, many = places[ray], places[ray + 1] - places[ray]
            if many == 0:
                continue
            shift = draws[ray] - 1.0 if draws[ray] > ZERO else 0.0
            # Lengths at which the pieces end go to t_end for now.
            edge, before, length, piece = shift + 1.0, 0.0, 0.0, 0
            for i in range(begin, end):
                long = np.float64(ends[i] - starts[i])
                while piece < many - 1 and edge <= before + wanted[i]:
                    t_end[first + piece] = length + (edge - before) / wanted[i] * long
                    piece += 1
                    edge += 1.0
                before += wanted[i]
                length += long
            while piece < many:
                t_end[first + piece] = length
                piece += 1
            i, length, last = begin, 0.0, 0.0
            for at in range(first, first + many):
                rays[at] = ray
                here = np.float64(t_end[at])
                middle, reach = (last + here) * 0.5, (here - last) * 0.5
                while i < end - 1 and middle >= length + (ends[i] - starts[i]):
                    length += ends[i] - starts[i]
                    i += 1
                t = starts[i] + (middle - length)
                t_start[at], t_end[at] = t - reach, t + reach
                last = here
