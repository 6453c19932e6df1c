"""The numba loops of marching: a walk along each ray that steps over empty blocks and cells.

Which step is kept is decided in the order of the definition and without fastmath, so that the
samples are the same to the last bit. Only how far the steps go on alike, through what is empty
or through a block that is full, is estimated, and held back by more than rounding may amount to.
"""

import numpy as np
from numba import njit, prange

from kernels.raymarch.axes import (
    HALF,
    INFINITY,
    MODE,
    ONE,
    ROUNDING,
    TWO,
    ZERO,
    even_axis,
    even_cell,
    even_face,
    stretched_axis,
    stretched_cell,
    stretched_face,
)
from kernels.raymarch.types import STEPS_LIMIT

RAYS = 64
"""Rays in one piece of work."""
SHIFT = 3
"""A block has 2^3 cells along each axis."""
EMPTY, MIXED, FULL = 0, 1, 2
"""What cells of a block are occupied: none, some or all."""
SHORT_OF, SHORTER = np.float32(0.01), np.float32(1 - 2e-6)
"""By which share of a step a jump falls short of a face, and by which factor."""
LIMIT = np.float32(STEPS_LIMIT)


@njit(parallel=True, **MODE)
def find_blocks(occupancy, blocks):
    """Fill `blocks` [bx, by, bz] uint8: whether each is `EMPTY`, `MIXED` or `FULL`."""
    rx, ry, rz = occupancy.shape
    side = 1 << SHIFT
    for bx in prange(blocks.shape[0]):
        any_along, all_along = np.empty(rz, np.uint8), np.empty(rz, np.uint8)
        for by in range(blocks.shape[1]):
            any_along[:], all_along[:] = 0, 1
            for x in range(bx * side, min((bx + 1) * side, rx)):
                for y in range(by * side, min((by + 1) * side, ry)):
                    row = occupancy[x, y]
                    for z in range(rz):
                        any_along[z] |= row[z]
                        all_along[z] &= row[z]
            for bz in range(blocks.shape[2]):
                along = slice(bz * side, (bz + 1) * side)
                any_of, all_of = any_along[along].any(), all_along[along].all()
                blocks[bx, by, bz] = FULL if all_of else MIXED if any_of else EMPTY


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
def _edge(number, enter, pace):
    """t at which sample `number` begins; see `kernels.raymarch.pace.Pace`."""
    jitter, step, bend, base, factors, _ = pace
    if number < bend:
        return enter + (np.float32(number) + jitter) * step
    return base * factors[min(number - bend, factors.size - 1)]


@njit(**MODE)
def _ahead(out, number, t, enter, pace):
    """A sample after `number`, whose middle is t, such that those between have theirs before `out`.

    Past the bend, the middle of sample number + i is t * exp(growth * i), and before `out` for
    i < log(out / t) / growth. log(r) is taken for 2 (r - 1) / (r + 1): never more where r >= 1, and
    little less as far as to the next block. Samples on both sides of the bend are not passed.
    """
    jitter, step, bend, _, _, growth = pace
    if number < bend:
        jump = (out - enter) * (ONE / step) * SHORTER - (jitter + HALF) - SHORT_OF
        most = np.float32(min(bend - 1, STEPS_LIMIT))
    else:
        out = max(out * SHORTER, t)  # where rounding puts it before t, or even before 0
        jump = np.float32(number) + (out - t) / ((out + t) * growth) * TWO * SHORTER - SHORT_OF
        most = LIMIT
    jump = min(jump, most)
    # Written so that NaN is no jump.
    return max(number + 1, np.int64(jump) if jump > ZERO else 0)


@njit(**MODE)
def _write(number, until, enter, pace, place, starts, ends):
    """Write the samples from `number` to `until` - 1 into `starts` and `ends` from `place` on."""
    jitter, step, bend, _, _, _ = pace
    while number < min(until, bend - 1):
        starts[place] = enter + (np.float32(number) + jitter) * step
        number, place = number + 1, place + 1
        ends[place - 1] = enter + (np.float32(number) + jitter) * step
    while number < until:
        starts[place] = _edge(number, enter, pace)
        number, place = number + 1, place + 1
        ends[place - 1] = _edge(number, enter, pace)


@njit(**MODE)
def _walk(origin, direction, grid, faces, reach, pace, number, starts, ends):
    """Follow one ray from step `number` on until `starts` and `ends` are full.

    `reach` is where the ray enters the box, where it leaves and how many samples there may be.
    Where `starts` is empty, nothing is written. Returns how many samples there are and the
    number of the first. Even and stretched cells are told apart by the dimensions of `faces`,
    which numba knows when it compiles.
    """
    box, occupancy, blocks, frame, half = grid
    rx, ry, rz = occupancy.shape
    ox, oy, oz = origin
    dx, dy, dz = direction
    enter, leave, room = reach
    jitter, step, bend, _, _, _ = pace
    low, high = box[0], box[1]
    if faces.ndim == 1:
        axis_x = even_axis(ox, dx, low[0], high[0], rx)
        axis_y = even_axis(oy, dy, low[1], high[1], ry)
        axis_z = even_axis(oz, dz, low[2], high[2], rz)
    else:
        axis_x = stretched_axis(ox, dx, low[0], high[0], rx, frame[:, 0], half, faces[0])
        axis_y = stretched_axis(oy, dy, low[1], high[1], ry, frame[:, 1], half, faces[1])
        axis_z = stretched_axis(oz, dz, low[2], high[2], rz, frame[:, 2], half, faces[2])
    centre, end = jitter + HALF, leave - ROUNDING * max(abs(enter), abs(leave))
    count, first = 0, number
    while number < STEPS_LIMIT:
        if number + 1 < bend:
            t = enter + (np.float32(number) + centre) * step
        else:
            t = HALF * (_edge(number, enter, pace) + _edge(number + 1, enter, pace))
        if not t < leave:
            break
        px, py, pz = ox + dx * t, oy + dy * t, oz + dz * t
        if faces.ndim == 1:
            x = even_cell(px, axis_x)
            y = even_cell(py, axis_y)
            z = even_cell(pz, axis_z)
        else:
            x = stretched_cell(px, axis_x)
            y = stretched_cell(py, axis_y)
            z = stretched_cell(pz, axis_z)
        occupied = occupancy[x, y, z]
        block = blocks[x >> SHIFT, y >> SHIFT, z >> SHIFT]
        until = number + 1
        if block == FULL or not occupied:
            shift = 0 if block == MIXED else SHIFT
            if faces.ndim == 1:
                out_x = even_face(x, shift, axis_x)
                out_y = even_face(y, shift, axis_y)
                out_z = even_face(z, shift, axis_z)
            else:
                out_x = stretched_face(x, shift, axis_x)
                out_y = stretched_face(y, shift, axis_y)
                out_z = stretched_face(z, shift, axis_z)
            out = min(out_x, min(out_y, out_z))
            until = _ahead(min(out, end), number, t, enter, pace)
        if occupied:
            until = min(until, number + (room - count))
            if count == 0:
                first = number
            if starts.size != 0:
                _write(number, until, enter, pace, count, starts, ends)
            count += until - number
            if count == room:
                break
        number = until
    return count, first


@njit(parallel=True, **MODE)
def count_samples(
    origins,
    directions,
    box,
    occupancy,
    blocks,
    faces,
    frame,
    half,
    enter,
    leave,
    jitter,
    step,
    bend,
    base,
    factors,
    growth,
    room,
    counts,
    firsts,
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
                    (box, occupancy, blocks, frame, half),
                    faces,
                    (enter[ray], leave[ray], room),
                    (jitter[ray], step, bend[ray], base[ray], factors, growth),
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
    faces,
    frame,
    half,
    enter,
    leave,
    jitter,
    step,
    bend,
    base,
    factors,
    growth,
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
                    (box, occupancy, blocks, frame, half),
                    faces,
                    (enter[ray], leave[ray], end - begin),
                    (jitter[ray], step, bend[ray], base[ray], factors, growth),
                    firsts[ray],
                    starts[begin:end],
                    ends[begin:end],
                )
