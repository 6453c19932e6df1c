"""Blending front to back, tile by tile."""

import numba
import numpy as np
from numba import prange

from kernels.rasterize.cpu.layout import (
    BLUE,
    DEPTH,
    GREEN,
    HALF,
    LEVEL_MIN,
    LIGHT_MIN,
    MEAN_X,
    MEAN_Y,
    OPTIONS,
    PIXELS,
    REACH_Y,
    RED,
    TILE,
    TOP,
    U_X,
    U_Y,
    V_Y,
)
from kernels.rasterize.cpu.power import alpha_of

CHECK_EVERY = 16
"""Gaussians between two looks at whether a tile has any light left."""
_CENTRE = np.float32(0.5)
_ZERO = np.float32(0.0)
# Unsigned indices spare the compiler the question whether one is negative.
_COLUMNS = np.uint64(HALF)
_PLANE = np.uint64(PIXELS)
_SIDE = np.uint64(PIXELS // 2)


@numba.njit(parallel=True, **OPTIONS)
def blend_tiles(records, tile_starts, entries, background, image, depth, light, done):
    """Blend every tile's list.

    Args:
        records: [v, RECORD] float32.
        tile_starts: [tiles + 1] int64 begin of each list in `entries`.
        entries: [pairs] int32.
        background: [3] float32.
        image: [height, width, 3] float32, filled.
        depth: [height, width] float32, filled.
        light: [height, width] float32, filled: transmittance left at the end.
        done: [tiles] int32, filled: entries looked at before the tile was opaque.
    """
    height, width = depth.shape
    tiles_x = (width + TILE - 1) // TILE
    for tile in prange(tile_starts.shape[0] - 1):
        x, y = tile % tiles_x * TILE, tile // tiles_x * TILE
        state = start_tile(5, min(width - x, TILE), min(height - y, TILE))
        begin, end = tile_starts[tile], tile_starts[tile + 1]
        slot = begin
        while slot < end:
            if (slot - begin) % CHECK_EVERY == 0 and not any_light(state):
                break
            _draw(state, records, entries[slot], x, y)
            slot += 1
        done[tile] = slot - begin
        for row in range(min(height - y, TILE)):
            for column in range(min(width - x, TILE)):
                k = column // HALF * (PIXELS // 2) + row * HALF + column % HALF
                left = abs(state[k])
                light[y + row, x + column] = left
                depth[y + row, x + column] = state[k + 4 * PIXELS]
                for c in range(3):
                    value = state[k + (c + 1) * PIXELS]
                    image[y + row, x + column, c] = value + left * background[c]


@numba.njit(**OPTIONS)
def start_tile(planes, columns, rows):
    """`planes` of one tile, float32 [planes * PIXELS]: transmittance first, the rest zero.

    Each plane holds the left half row by row, then the right half. A transmittance below 0
    marks a finished pixel and keeps its last value with the sign turned; pixels outside the
    image are finished from the start.
    """
    state = np.zeros(planes * PIXELS, np.float32)
    for row in range(rows):
        for column in range(columns):
            state[column // HALF * (PIXELS // 2) + row * HALF + column % HALF] = 1.0
    return state


@numba.njit(**OPTIONS)
def any_light(state):
    """Whether any pixel of the tile is not finished."""
    most = _ZERO
    for k in range(_PLANE):
        most = max(most, state[k])
    return most > _ZERO


@numba.njit(**OPTIONS)
def reached_rows(record, y):
    """First and last + 1 row within the tile at pixel row `y` that the footprint reaches."""
    low = record[MEAN_Y] - record[REACH_Y] - np.float32(y)
    high = record[MEAN_Y] + record[REACH_Y] - np.float32(y)
    first = np.ceil(max(low, _ZERO) - _CENTRE)
    last = np.floor(min(high, np.float32(TILE)) - _CENTRE)
    return np.uint64(max(first, _ZERO)), np.uint64(max(last + np.float32(1.0), _ZERO))


@numba.njit(**OPTIONS)
def _draw(state, records, entry, x, y):
    record = records[entry >> 2]
    red, green, blue, depth = record[RED], record[GREEN], record[BLUE], record[DEPTH]
    u_x, u_y, v_y, top = record[U_X], record[U_Y], record[V_Y], record[TOP]
    first, end = reached_rows(record, y)
    for half in range(2):
        if not (entry >> half) & 1:
            continue
        dx = np.float32(x + half * HALF) + _CENTRE - record[MEAN_X]
        for row in range(first, end):
            dy = np.float32(np.int64(row) + y) + _CENTRE - record[MEAN_Y]
            u = u_x * dx + u_y * dy
            v = v_y * dy
            summit = top - v * v
            base = np.uint64(half) * _SIDE + row * _COLUMNS
            for k in range(_COLUMNS):
                across = u + u_x * np.float32(k)
                level = summit - across * across
                alpha = alpha_of(level)
                here = base + k
                before = state[here]
                after = before - before * alpha
                hit = level >= LEVEL_MIN
                used = hit & (after > LIGHT_MIN)
                weight = before * alpha if used else _ZERO
                state[here] = after if used else (-abs(before) if hit else before)
                state[here + _PLANE] += weight * red
                state[here + np.uint64(2) * _PLANE] += weight * green
                state[here + np.uint64(3) * _PLANE] += weight * blue
                state[here + np.uint64(4) * _PLANE] += weight * depth
