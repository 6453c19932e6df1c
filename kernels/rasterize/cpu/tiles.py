"""Which Gaussians reach which tile, nearest first: one depth sort and one counting sort."""

import math

import numba
import numpy as np
from numba import prange

from kernels.rasterize.cpu.layout import (
    BLUE,
    DEPTH,
    GREEN,
    HALF,
    LEAN,
    LEFT,
    LEVEL_MIN,
    LEVEL_SCALE,
    MEAN_X,
    MEAN_Y,
    OPTIONS,
    REACH_Y,
    RED,
    RIGHT,
    TILE,
    TOP,
    U_X,
    U_Y,
    V_Y,
)

CHUNKS = 16
"""Parts into which the Gaussians are cut for counting; fixed, so that no result depends on it."""
_DIGIT_BITS = 11
_DIGITS = 1 << _DIGIT_BITS
_SLACK = np.float32(2e-3)
"""Pixels by which footprints are widened against rounding; the exact test is per pixel."""
_CENTRE = np.float32(0.5)
_LOG_256 = np.float32(math.log(256.0))


@numba.njit(**OPTIONS)
def depth_order(depth_bits, extents):
    """Indices [v] int32 of the visible Gaussians, nearest first, ties by index.

    `depth_bits` [n] uint32 are the bit patterns of positive float32 depths, which sort as the
    depths do; `extents` [n, 2] are 0 where culled. A radix sort in three passes.
    """
    count = extents.shape[0]
    order, other = np.empty(count, np.int32), np.empty(count, np.int32)
    starts = np.zeros((3, _DIGITS), np.int64)
    visible = 0
    for i in range(count):
        if extents[i, 0] > 0:
            order[visible] = i
            visible += 1
            for k in range(3):
                starts[k, _digit(depth_bits[i], k)] += 1
    for k in range(3):
        first = 0
        for digit in range(_DIGITS):
            size = starts[k, digit]
            starts[k, digit] = first
            first += size
        for j in range(visible):
            digit = _digit(depth_bits[order[j]], k)
            other[starts[k, digit]] = order[j]
            starts[k, digit] += 1
        order, other = other, order
    return order[:visible]


@numba.njit(**OPTIONS)
def _digit(key, k):
    return np.int64((key >> np.uint32(_DIGIT_BITS * k)) & np.uint32(_DIGITS - 1))


@numba.njit(parallel=True, **OPTIONS)
def count_pairs(
    order, means2d, conics, depths, extents, opacities, colours, width, height, records, counts
):
    """Pack the visible Gaussians and count the tiles that each reaches.

    Args:
        order: [v] from `depth_order`.
        means2d, conics, depths, extents, opacities, colours: of all Gaussians.
        width, height: of the image in pixels.
        records: [v, RECORD] float32, filled.
        counts: [v] int32, filled with the number of tiles.

    Returns:
        [CHUNKS, tiles] int32: entries of each tile that come from each chunk of Gaussians.
    """
    visible = order.shape[0]
    tiles_x, tiles_y = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    histogram = np.zeros((CHUNKS, tiles_x * tiles_y), np.int32)
    for chunk in prange(CHUNKS):
        for r in range(chunk * visible // CHUNKS, (chunk + 1) * visible // CHUNKS):
            record = records[r]
            counts[r] = 0
            i = order[r]
            if not _pack(record, i, means2d, conics, depths, extents, opacities, colours):
                continue
            first_y, last_y = _rows(record, 0, height)
            for tile_y in range(first_y // TILE, last_y // TILE + 1):
                first_x, last_x = _columns(record, tile_y, first_y, last_y, width)
                for tile_x in range(first_x // TILE, last_x // TILE + 1):
                    histogram[chunk, tile_y * tiles_x + tile_x] += 1
                    counts[r] += 1
    return histogram


@numba.njit(**OPTIONS)
def start_lists(histogram, counts):
    """Turn counts into places, in place: where each chunk writes, and where each list begins.

    Returns:
        [tiles + 1] int64 begin of each tile's list and the total, and [v + 1] int64 begin of
        each Gaussian's pairs and the total.
    """
    chunks, tiles = histogram.shape
    tile_starts = np.empty(tiles + 1, np.int64)
    place = 0
    for tile in range(tiles):
        tile_starts[tile] = place
        for chunk in range(chunks):
            size = histogram[chunk, tile]
            histogram[chunk, tile] = place
            place += size
    tile_starts[tiles] = place
    pair_starts = np.empty(counts.shape[0] + 1, np.int64)
    place = 0
    for r in range(counts.shape[0]):
        pair_starts[r] = place
        place += counts[r]
    pair_starts[counts.shape[0]] = place
    return tile_starts, pair_starts


@numba.njit(parallel=True, **OPTIONS)
def fill_lists(records, counts, pair_starts, places, width, height, entries, slots):
    """Write the lists of all tiles, nearest first, and where each Gaussian stands in them.

    Args:
        records, counts: from `count_pairs`.
        pair_starts, places: from `start_lists`; `places` is its changed histogram.
        width, height: of the image in pixels.
        entries: [pairs] int32, filled: 4 * rank + the halves reached, tile by tile.
        slots: [pairs] int32, filled: index into `entries`, Gaussian by Gaussian.
    """
    visible = counts.shape[0]
    tiles_x = (width + TILE - 1) // TILE
    for chunk in prange(CHUNKS):
        for r in range(chunk * visible // CHUNKS, (chunk + 1) * visible // CHUNKS):
            if counts[r] == 0:
                continue
            record = records[r]
            pair = pair_starts[r]
            first_y, last_y = _rows(record, 0, height)
            for tile_y in range(first_y // TILE, last_y // TILE + 1):
                first_x, last_x = _columns(record, tile_y, first_y, last_y, width)
                for tile_x in range(first_x // TILE, last_x // TILE + 1):
                    middle = tile_x * TILE + HALF
                    halves = (LEFT if first_x < middle else 0) + (RIGHT if last_x >= middle else 0)
                    slot = places[chunk, tile_y * tiles_x + tile_x]
                    places[chunk, tile_y * tiles_x + tile_x] += 1
                    entries[slot] = 4 * r + halves
                    slots[pair] = slot
                    pair += 1


@numba.njit(**OPTIONS)
def _pack(record, i, means2d, conics, depths, extents, opacities, colours):
    """Fill the record of Gaussian i; False where its opacity or colour cannot be used."""
    opacity = opacities[i]
    red, green, blue = colours[i, 0], colours[i, 1], colours[i, 2]
    xx, xy, reach_y = conics[i, 0], conics[i, 1], extents[i, 1]
    if not (np.isfinite(opacity) and np.isfinite(red) and np.isfinite(green)):
        return False
    if not (np.isfinite(blue) and opacity > 0 and xx > 0):
        return False
    top = np.float32(math.log(opacity)) / _LOG_256
    room = top - LEVEL_MIN
    if not room > 0:
        return False
    root = np.float32(math.sqrt(xx))
    record[MEAN_X], record[MEAN_Y] = means2d[i, 0], means2d[i, 1]
    record[U_X] = LEVEL_SCALE * root
    record[U_Y] = LEVEL_SCALE * xy / root
    record[V_Y] = np.float32(math.sqrt(room)) / reach_y
    record[TOP] = top
    record[RED], record[GREEN], record[BLUE] = red, green, blue
    record[DEPTH] = depths[i]
    record[REACH_Y] = reach_y + _SLACK
    length = np.float32(math.sqrt(record[U_Y] ** 2 + record[V_Y] ** 2))
    record[LEAN] = -reach_y * record[U_Y] / length
    return True


@numba.njit(**OPTIONS)
def _pixels(low, high, first, end):
    """First and last pixel in [first, end) whose centre lies in [low, high]; may be none."""
    begin = max(math.ceil(max(low, np.float32(-1.0)) - _CENTRE), first)
    last = min(math.floor(min(high, np.float32(end)) - _CENTRE), end - 1)
    return int(begin), int(last)


@numba.njit(**OPTIONS)
def _rows(record, first, end):
    """First and last pixel row in [first, end) of the footprint."""
    middle, reach = record[MEAN_Y], record[REACH_Y]
    return _pixels(middle - reach, middle + reach, first, end)


@numba.njit(**OPTIONS)
def _columns(record, tile_y, first_y, last_y, width):
    """First and last pixel column that the ellipse reaches in a row of tiles; may be none."""
    low = np.float32(max(first_y, tile_y * TILE)) + _CENTRE - record[MEAN_Y]
    high = np.float32(min(last_y, tile_y * TILE + TILE - 1)) + _CENTRE - record[MEAN_Y]
    room = record[TOP] - LEVEL_MIN
    right = min(max(record[LEAN], low), high)
    left = min(max(-record[LEAN], low), high)
    wide = math.sqrt(max(room - (record[V_Y] * right) ** 2, np.float32(0.0)))
    wide_left = math.sqrt(max(room - (record[V_Y] * left) ** 2, np.float32(0.0)))
    x = record[MEAN_X]
    return _pixels(
        x - (wide_left + record[U_Y] * left) / record[U_X] - _SLACK,
        x + (wide - record[U_Y] * right) / record[U_X] + _SLACK,
        0,
        width,
    )
