"""Which Gaussians reach which tile, nearest first: one depth sort and one counting sort."""

import math

import numba
import numpy as np
from numba import prange

from kernels.rasterize.cpu.layout import (
    BLUE,
    DEPTH,
    GREEN,
    LEVEL_MIN,
    LEVEL_SCALE,
    MEAN_X,
    MEAN_Y,
    OPTIONS,
    RANK_SHIFT,
    RED,
    TILE_X,
    TILE_Y,
    TOP,
    U_X,
    U_Y,
    V_Y,
    tile_grid,
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
def list_pairs(
    order,
    means2d,
    conics,
    depths,
    extents,
    opacities,
    colours,
    width,
    height,
    records,
    begins,
    counts,
    histogram,
):
    """Pack the visible Gaussians and list the tiles that each reaches.

    Args:
        order: [v] from `depth_order`.
        means2d, conics, depths, extents, opacities, colours: of all Gaussians.
        width, height: of the image in pixels.
        records: [v, RECORD] float32, filled.
        begins: [v] int64, filled with where each Gaussian's pairs begin.
        counts: [v] int32, filled with how many it has.
        histogram: [CHUNKS, tiles] int64, zero before: each chunk adds its pairs per tile.

    Returns:
        ends [CHUNKS, 2] int64, where the pairs of each chunk begin and end, and of each pair its
        tile and its entry, both int32, with gaps between the chunks.
    """
    visible = order.shape[0]
    _, tiles_y = tile_grid(width, height)
    ends = np.zeros((CHUNKS, 2), np.int64)
    for chunk in prange(CHUNKS):
        room = 0
        for r in range(chunk * visible // CHUNKS, (chunk + 1) * visible // CHUNKS):
            room += _room(means2d, extents, order[r], width, height)
        ends[chunk, 1] = room
    for chunk in range(CHUNKS):
        ends[chunk, 0] = ends[chunk - 1, 0] + ends[chunk - 1, 1] if chunk else 0
    whole = ends[CHUNKS - 1, 0] + ends[CHUNKS - 1, 1]
    tiles, entries = np.empty(whole, np.int32), np.empty(whole, np.int32)
    for chunk in prange(CHUNKS):
        pair = ends[chunk, 0]
        for r in range(chunk * visible // CHUNKS, (chunk + 1) * visible // CHUNKS):
            begins[r] = pair
            if _pack(records, r, order[r], means2d, conics, depths, extents, opacities, colours):
                shape, first_x, last_x = _shape(records, r, width)
                for tile_x in range(first_x // TILE_X, last_x // TILE_X + 1):
                    first_y, last_y = _rows(shape, tile_x, first_x, last_x, height)
                    for tile_y in range(first_y // TILE_Y, last_y // TILE_Y + 1):
                        first = max(first_y - tile_y * TILE_Y, 0) // 2
                        last = min(last_y - tile_y * TILE_Y, TILE_Y - 1) // 2
                        tiles[pair] = tile_x * tiles_y + tile_y
                        entries[pair] = (r << RANK_SHIFT) + (first << 4) + last
                        histogram[chunk, tiles[pair]] += 1
                        pair += 1
            counts[r] = pair - begins[r]
        ends[chunk, 1] = pair
    return ends, tiles, entries


@numba.njit(**OPTIONS)
def start_lists(histogram):
    """Turn counts into places, in place: where each chunk writes its part of each tile's list.

    Returns [tiles + 1] int64: where each tile's list begins, and the end of the last.
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
    return tile_starts


@numba.njit(parallel=True, **OPTIONS)
def sort_pairs(ends, tiles, entries, places, sorted_entries):
    """Sort entries by tile, keeping the order by depth, and note where each pair went.

    Args:
        ends, tiles, entries: from `list_pairs`; `tiles` is filled with each pair's slot, its
            index into `sorted_entries`.
        places: the histogram as `start_lists` left it.
        sorted_entries: [pairs] int32, filled.
    """
    for chunk in prange(CHUNKS):
        for pair in range(ends[chunk, 0], ends[chunk, 1]):
            tile = tiles[pair]
            slot = places[chunk, tile]
            places[chunk, tile] = slot + 1
            sorted_entries[slot] = entries[pair]
            tiles[pair] = slot


@numba.njit(**OPTIONS)
def _room(means2d, extents, i, width, height):
    """No fewer tiles than the footprint of Gaussian i touches."""
    x, y, reach_x, reach_y = means2d[i, 0], means2d[i, 1], extents[i, 0], extents[i, 1]
    left, right = max(x - reach_x, np.float32(0.0)), min(x + reach_x, np.float32(width))
    top, bottom = max(y - reach_y, np.float32(0.0)), min(y + reach_y, np.float32(height))
    across = int(max(right - left, np.float32(0.0))) // TILE_X + 2
    down = int(max(bottom - top, np.float32(0.0))) // TILE_Y + 2
    return across * down


@numba.njit(**OPTIONS)
def _pack(records, r, i, means2d, conics, depths, extents, opacities, colours):
    """Fill record r with Gaussian i; False where its opacity or colour cannot be used."""
    opacity = opacities[i]
    red, green, blue = colours[i, 0], colours[i, 1], colours[i, 2]
    xx, xy, reach_y = conics[i, 0], conics[i, 1], extents[i, 1]
    if not (np.isfinite(red) and np.isfinite(green) and np.isfinite(blue)):
        return False
    if not (np.isfinite(opacity) and opacity > 0 and xx > 0):
        return False
    top = np.float32(math.log(opacity)) / _LOG_256
    room = top - LEVEL_MIN
    if not room > 0:
        return False
    root = np.float32(math.sqrt(xx))
    records[r, MEAN_X], records[r, MEAN_Y] = means2d[i, 0], means2d[i, 1]
    records[r, U_X] = LEVEL_SCALE * root
    records[r, U_Y] = LEVEL_SCALE * xy / root
    records[r, V_Y] = np.float32(math.sqrt(room)) / reach_y
    records[r, TOP] = top
    records[r, RED], records[r, GREEN], records[r, BLUE] = red, green, blue
    records[r, DEPTH] = depths[i]
    return True


@numba.njit(**OPTIONS)
def _shape(records, r, width):
    """What `_rows` needs of a Gaussian, and the first and last pixel column it reaches.

    The ellipse is bounded by y = -tilt x +- sqrt(E^2 - (G x)^2) around the mean and reaches
    highest at x = lean, lowest at -lean.
    """
    a, b, c = records[r, U_X], records[r, U_Y], records[r, V_Y]
    mean_x, mean_y = records[r, MEAN_X], records[r, MEAN_Y]
    square = b * b + c * c
    tilt, g = a * b / square, a * c / square
    room = (records[r, TOP] - LEVEL_MIN) / square
    root = np.float32(math.sqrt(square))
    reach_x = np.float32(math.sqrt(records[r, TOP] - LEVEL_MIN)) * root / (a * c) + _SLACK
    lean = -reach_x * b / root
    first_x, last_x = _pixels(mean_x - reach_x, mean_x + reach_x, width)
    return (mean_x, mean_y, tilt, g * g, room, lean), first_x, last_x


@numba.njit(**OPTIONS)
def _rows(shape, tile_x, first_x, last_x, height):
    """First and last pixel row that the ellipse reaches in a column of tiles; may be none."""
    mean_x, mean_y, tilt, g_squared, room, lean = shape
    low = np.float32(max(first_x, tile_x * TILE_X)) + _CENTRE - mean_x
    high = np.float32(min(last_x, tile_x * TILE_X + TILE_X - 1)) + _CENTRE - mean_x
    bottom, top = min(max(lean, low), high), min(max(-lean, low), high)
    down = math.sqrt(max(room - g_squared * bottom * bottom, np.float32(0.0)))
    up = math.sqrt(max(room - g_squared * top * top, np.float32(0.0)))
    first = mean_y - tilt * top - up - _SLACK
    return _pixels(first, mean_y - tilt * bottom + down + _SLACK, height)


@numba.njit(**OPTIONS)
def _pixels(low, high, end):
    """First and last pixel in [0, end) whose centre lies in [low, high]; may be none."""
    begin = math.ceil(max(low, np.float32(0.0)) - _CENTRE)
    last = math.floor(min(high, np.float32(end)) - _CENTRE)
    return int(begin), int(last)
