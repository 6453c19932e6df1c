"""The numba loops of marching: a walk along each ray that steps over empty blocks and cells.

Arithmetic is in the order of the definition and without fastmath, so that the samples are the
same to the last bit; only how far to jump over what is empty is estimated, never too far.
"""

import numpy as np
from numba import njit, prange

from kernels.raymarch.types import STEPS_LIMIT

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}
RAYS = 64
"""Rays in one piece of work."""
SHIFT, SIDE = 3, 8
"""A block has 8 cells along each axis."""

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
INFINITY = np.float32(np.inf)
SHORT_OF = np.float32(0.01)
"""Share of a step by which a jump may fall short, against rounding."""
LIMIT = np.float32(STEPS_LIMIT)


@njit(parallel=True, **MODE)
def find_blocks(occupancy, blocks):
    """Fill `blocks` [bx, by, bz] bool: whether any cell of each block is occupied."""
    rx, ry, rz = occupancy.shape
    for bx in prange(blocks.shape[0]):
        blocks[bx] = False
        for x in range(bx * SIDE, min((bx + 1) * SIDE, rx)):
            for y in range(ry):
                for bz in range(blocks.shape[2]):
                    found = False
                    for z in range(bz * SIDE, min((bz + 1) * SIDE, rz)):
                        found |= occupancy[x, y, z]
                    blocks[bx, y >> SHIFT, bz] |= found


@njit(parallel=True, **MODE)
def cross_box(origins, directions, box, near, far, enter, leave):
    """Fill `enter` [n] and `leave` [n], both 0 for rays that do not cross the box."""
    n = origins.shape[0]
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            first, last, sound = near, far, True
            for axis in range(3):
                o, d = origins[ray, axis], directions[ray, axis]
                if d == ZERO:
                    sound &= (o >= box[0, axis]) and (o <= box[1, axis])
                    continue
                a, b = (box[0, axis] - o) / d, (box[1, axis] - o) / d
                sound &= not (np.isnan(a) or np.isnan(b))
                first, last = max(first, min(a, b)), min(last, max(a, b))
            hit = sound and last > first and last < INFINITY
            enter[ray] = first if hit else ZERO
            leave[ray] = last if hit else ZERO


@njit(**MODE)
def _cell(point, low, scale, size):
    """The cell along one axis that a point lies in, or the nearest of the grid."""
    place = (point - low) * scale
    return min(max(np.int64(place), 0), size - 1)


@njit(**MODE)
def _face(cell, size, side, o, inverse, low, width):
    """t at which a ray leaves, along one axis, the block of `side` cells that holds `cell`."""
    first = cell // side * side
    face = min(first + side, size) if inverse > ZERO else first
    return (low + np.float32(face) * width - o) * inverse


@njit(**MODE)
def _walk(
    origin, direction, box, occupancy, blocks, enter, leave, jitter, step, room, starts, ends
):
    """Number of samples of one ray, at most `room`; fills in them too unless `starts` is empty."""
    rx, ry, rz = occupancy.shape
    ox, oy, oz = origin
    dx, dy, dz = direction
    low_x, low_y, low_z = box[0, 0], box[0, 1], box[0, 2]
    wide_x, wide_y, wide_z = box[1, 0] - low_x, box[1, 1] - low_y, box[1, 2] - low_z
    scale_x, scale_y = np.float32(rx) / wide_x, np.float32(ry) / wide_y
    scale_z = np.float32(rz) / wide_z
    cell_x, cell_y = wide_x / np.float32(rx), wide_y / np.float32(ry)
    cell_z = wide_z / np.float32(rz)
    inverse_x, inverse_y, inverse_z = ONE / dx, ONE / dy, ONE / dz
    centre = jitter + HALF
    count, number = 0, 0
    while number < STEPS_LIMIT:
        t = enter + (np.float32(number) + centre) * step
        if not t < leave:
            break
        x = _cell(ox + dx * t, low_x, scale_x, rx)
        y = _cell(oy + dy * t, low_y, scale_y, ry)
        z = _cell(oz + dz * t, low_z, scale_z, rz)
        if occupancy[x, y, z]:
            if starts.size != 0:
                starts[count] = enter + (np.float32(number) + jitter) * step
                ends[count] = enter + (np.float32(number + 1) + jitter) * step
            count += 1
            if count == room:
                break
            number += 1
            continue
        side = 1 if blocks[x >> SHIFT, y >> SHIFT, z >> SHIFT] else SIDE
        out = INFINITY
        if dx != ZERO:
            out = min(out, _face(x, rx, side, ox, inverse_x, low_x, cell_x))
        if dy != ZERO:
            out = min(out, _face(y, ry, side, oy, inverse_y, low_y, cell_y))
        if dz != ZERO:
            out = min(out, _face(z, rz, side, oz, inverse_z, low_z, cell_z))
        beyond = (out - enter) / step - centre - SHORT_OF
        number = max(number + 1, np.int64(min(beyond, LIMIT)))
    return count


@njit(parallel=True, **MODE)
def walk_rays(
    origins,
    directions,
    box,
    occupancy,
    blocks,
    enter,
    leave,
    jitter,
    step,
    room,
    offsets,
    rays,
    starts,
    ends,
):
    """Count the samples of each ray into `offsets` [n + 1], or fill them in.

    While `rays` is empty, offsets[i + 1] becomes the number of samples of ray i. Once they are
    summed up to offsets, `rays`, `starts` and `ends` [m] are filled.
    """
    n = origins.shape[0]
    counting = rays.size == 0
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            if counting:
                first, until = 0, 0
            else:
                first, until = offsets[ray], offsets[ray + 1]
                rays[first:until] = ray
            count = 0
            if (counting and leave[ray] > enter[ray]) or until > first:
                count = _walk(
                    (origins[ray, 0], origins[ray, 1], origins[ray, 2]),
                    (directions[ray, 0], directions[ray, 1], directions[ray, 2]),
                    box,
                    occupancy,
                    blocks,
                    enter[ray],
                    leave[ray],
                    jitter[ray],
                    step,
                    room if counting else until - first,
                    starts[first:until],
                    ends[first:until],
                )
            if counting:
                offsets[ray + 1] = count
