"""The numba loops of marching: a walk along each ray that steps over empty blocks and cells.

Which step is kept is decided in the order of the definition and without fastmath, so that the
samples are the same to the last bit. Only how far to jump over what is empty is estimated, and
held back by more than rounding may amount to.
"""

import numpy as np
from numba import njit, prange

from kernels.raymarch.types import STEPS_LIMIT

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}
RAYS = 64
"""Rays in one piece of work."""
SHIFT = 3
"""A block has 2^3 cells along each axis."""

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
INFINITY = np.float32(np.inf)
ROUNDING = np.float32(4e-6)
"""Share of the coordinates by which the faces of cells are held to be nearer than they are."""
SHORT_OF, SHORTER = np.float32(0.01), np.float32(1 - 2e-6)
"""By which share of a step a jump falls short of a face, and by which factor."""
LIMIT = np.float32(STEPS_LIMIT)


@njit(parallel=True, **MODE)
def find_blocks(occupancy, blocks):
    """Fill `blocks` [bx, by, bz] bool: whether any cell of each block is occupied."""
    rx, ry, rz = occupancy.shape
    side = 1 << SHIFT
    for bx in prange(blocks.shape[0]):
        any_along = np.empty(blocks.shape[2] * side, np.uint8)
        for by in range(blocks.shape[1]):
            any_along[:] = 0
            for x in range(bx * side, min((bx + 1) * side, rx)):
                for y in range(by * side, min((by + 1) * side, ry)):
                    row = occupancy[x, y]
                    for z in range(rz):
                        any_along[z] |= row[z]
            for bz in range(blocks.shape[2]):
                blocks[bx, by, bz] = any_along[bz * side : (bz + 1) * side].any()


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
def _axis(o, d, low, high, size):
    """Cells per length, and t = first + cell * each at which a ray meets the faces of cells.

    A ray along the faces meets none: then t is infinite whatever the cell.
    """
    scale = np.float32(size) / (high - low)
    if d == ZERO:
        return scale, INFINITY, ZERO
    inverse = ONE / d
    slack = ROUNDING * max(abs(o), max(abs(low), abs(high)))
    first = (low - o) * inverse - slack * abs(inverse)
    return scale, first, (high - low) / np.float32(size) * inverse


@njit(**MODE)
def _cell(point, low, scale, size):
    """The cell along one axis that a point lies in, or the nearest of the grid."""
    return min(max(np.int64((point - low) * scale), 0), size - 1)


@njit(**MODE)
def _face(cell, shift, first, each):
    """t at which a ray leaves, along one axis, the block of 2^shift cells that `cell` is in."""
    beyond = (cell >> shift) + (1 if each > ZERO else 0)
    return first + np.float32(beyond << shift) * each


@njit(**MODE)
def _walk(origin, direction, box, occupancy, blocks, reach, jitter, step, number, starts, ends):
    """Follow one ray from step `number` on until `starts` and `ends` are full.

    `reach` is where the ray enters the box, where it leaves and how many samples there may be.
    Where `starts` is empty, nothing is written. Returns how many samples there are and the
    number of the first.
    """
    rx, ry, rz = occupancy.shape
    ox, oy, oz = origin
    dx, dy, dz = direction
    enter, leave, room = reach
    low_x, low_y, low_z = box[0, 0], box[0, 1], box[0, 2]
    scale_x, first_x, each_x = _axis(ox, dx, low_x, box[1, 0], rx)
    scale_y, first_y, each_y = _axis(oy, dy, low_y, box[1, 1], ry)
    scale_z, first_z, each_z = _axis(oz, dz, low_z, box[1, 2], rz)
    centre, per_step = jitter + HALF, ONE / step
    count, first = 0, number
    while number < STEPS_LIMIT:
        t = enter + (np.float32(number) + centre) * step
        if not t < leave:
            break
        x = _cell(ox + dx * t, low_x, scale_x, rx)
        y = _cell(oy + dy * t, low_y, scale_y, ry)
        z = _cell(oz + dz * t, low_z, scale_z, rz)
        if occupancy[x, y, z]:
            if count == 0:
                first = number
            if starts.size != 0:
                starts[count] = enter + (np.float32(number) + jitter) * step
                ends[count] = enter + (np.float32(number + 1) + jitter) * step
            count += 1
            number += 1
            if count == room:
                break
            continue
        shift = 0 if blocks[x >> SHIFT, y >> SHIFT, z >> SHIFT] else SHIFT
        out = min(
            _face(x, shift, first_x, each_x),
            min(_face(y, shift, first_y, each_y), _face(z, shift, first_z, each_z)),
        )
        jump = min((out - enter) * per_step * SHORTER - centre - SHORT_OF, LIMIT)
        # Written so that NaN is no jump.
        number = max(number + 1, np.int64(jump) if jump > ZERO else 0)
    return count, first


@njit(parallel=True, **MODE)
def count_samples(
    origins, directions, box, occupancy, blocks, enter, leave, jitter, step, room, counts, firsts
):
    """Fill `counts` [n] with how many samples each ray has, `firsts` [n] with their first steps."""
    n = origins.shape[0]
    none = np.empty(0, np.float32)
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            counts[ray] = 0
            if leave[ray] > enter[ray]:
                counts[ray], firsts[ray] = _walk(
                    (origins[ray, 0], origins[ray, 1], origins[ray, 2]),
                    (directions[ray, 0], directions[ray, 1], directions[ray, 2]),
                    box,
                    occupancy,
                    blocks,
                    (enter[ray], leave[ray], room),
                    jitter[ray],
                    step,
                    0,
                    none,
                    none,
                )


@njit(parallel=True, **MODE)
def write_samples(
    origins,
    directions,
    box,
    occupancy,
    blocks,
    enter,
    leave,
    jitter,
    step,
    offsets,
    firsts,
    rays,
    starts,
    ends,
):
    """Fill `rays`, `starts` and `ends` [m], given where each ray's samples lie in them."""
    n = origins.shape[0]
    for part in prange((n + RAYS - 1) // RAYS):
        for ray in range(part * RAYS, min((part + 1) * RAYS, n)):
            begin, end = offsets[ray], offsets[ray + 1]
            rays[begin:end] = ray
            if end > begin:
                _walk(
                    (origins[ray, 0], origins[ray, 1], origins[ray, 2]),
                    (directions[ray, 0], directions[ray, 1], directions[ray, 2]),
                    box,
                    occupancy,
                    blocks,
                    (enter[ray], leave[ray], end - begin),
                    jitter[ray],
                    step,
                    firsts[ray],
                    starts[begin:end],
                    ends[begin:end],
                )
