"""Blending front to back, tile by tile."""

import numba
import numpy as np
from numba import prange

from kernels.rasterize.cpu.layout import (
    BLUE,
    DEPTH,
    GREEN,
    LEVEL_MIN,
    LIGHT_MIN,
    MEAN_X,
    MEAN_Y,
    OPTIONS,
    PIXELS,
    PLANE,
    RANK_SHIFT,
    RECORD,
    RED,
    TILE_X,
    TILE_Y,
    TOP,
    U_X,
    U_Y,
    V_Y,
    tile_grid,
)
from kernels.rasterize.cpu.power import alpha_of

BATCH = 16
"""Records fetched at once, so that the processor waits for memory once and not for each; also
how many are drawn between two looks at whether a tile has any light left."""
_CENTRE = np.float32(0.5)
_ZERO = np.float32(0.0)
# Unsigned indices spare the compiler the question whether one is negative.
_PIXELS = np.uint64(PIXELS)
_X, _Y, _RED, _GREEN, _BLUE, _DEPTH = (np.uint64(k * PLANE) for k in range(1, 7))


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
    _, tiles_y = tile_grid(width, height)
    for tile in prange(tile_starts.shape[0] - 1):
        x, y = tile // tiles_y * TILE_X, tile % tiles_y * TILE_Y
        columns, rows = min(width - x, TILE_X), min(height - y, TILE_Y)
        state = start_tile(7, columns, rows)
        begin, end = tile_starts[tile], tile_starts[tile + 1]
        batch = np.empty((BATCH, RECORD), np.float32)
        seen = begin
        while seen < end and any_light(state):
            size = fetch(batch, records, entries, seen, end)
            for j in range(size):
                _draw(state, batch, j, entries[seen + j], x, y)
            seen += size
        done[tile] = seen - begin
        for row in range(rows):
            for column in range(columns):
                k = row * TILE_X + column
                left = abs(state[k])
                light[y + row, x + column] = left
                depth[y + row, x + column] = state[k + 6 * PLANE]
                for c in range(3):
                    value = state[k + (c + 3) * PLANE]
                    image[y + row, x + column, c] = value + left * background[c]


@numba.njit(**OPTIONS)
def start_tile(planes, columns, rows):
    """The pixels of a tile, row by row, float32 [planes * PLANE].

    The planes are transmittance, x and y of the pixel's centre within the tile, and others,
    still zero. A transmittance below 0 marks a finished pixel and keeps its last value with
    the sign turned; pixels outside the image, beyond `columns` and `rows`, begin with 0.
    """
    state = np.zeros(planes * PLANE, np.float32)
    for row in range(TILE_Y):
        for column in range(TILE_X):
            k = row * TILE_X + column
            state[k] = 1.0 if row < rows and column < columns else 0.0
            state[k + PLANE] = np.float32(column) + _CENTRE
            state[k + 2 * PLANE] = np.float32(row) + _CENTRE
    return state


@numba.njit(**OPTIONS)
def any_light(state):
    """Whether any pixel of the tile is not finished."""
    most = _ZERO
    for k in range(_PIXELS):
        most = max(most, state[k])
    return most > _ZERO


@numba.njit(**OPTIONS)
def fetch(batch, records, entries, begin, end):
    """Copy the records of the next entries up to `end` into `batch`; returns their number."""
    size = min(batch.shape[0], end - begin)
    for j in range(size):
        rank = entries[begin + j] >> RANK_SHIFT
        for k in range(RECORD):
            batch[j, k] = records[rank, k]
    return size


@numba.njit(**OPTIONS)
def reached(entry):
    """First and last + 1 pixel of the tile in the rows that an entry names."""
    first, last = (entry >> 4) & 15, entry & 15
    return np.uint64(first * 2 * TILE_X), np.uint64((last + 1) * 2 * TILE_X)


@numba.njit(**OPTIONS)
def _draw(state, batch, j, entry, x, y):
    first, end = reached(entry)
    u_x, u_y, v_y = batch[j, U_X], batch[j, U_Y], batch[j, V_Y]
    from_x, from_y = np.float32(x) - batch[j, MEAN_X], np.float32(y) - batch[j, MEAN_Y]
    top, depth = batch[j, TOP], batch[j, DEPTH]
    red, green, blue = batch[j, RED], batch[j, GREEN], batch[j, BLUE]
    for k in range(first, end):
        dx, dy = state[k + _X] + from_x, state[k + _Y] + from_y
        u, v = u_x * dx + u_y * dy, v_y * dy
        level = top - u * u - v * v
        alpha = alpha_of(level)
        before = state[k]
        after = before - before * alpha
        hit = level >= LEVEL_MIN
        used = hit & (after > LIGHT_MIN)
        weight = before * alpha if used else _ZERO
        state[k] = after if used else (-abs(before) if hit else before)
        state[k + _RED] += weight * red
        state[k + _GREEN] += weight * green
        state[k + _BLUE] += weight * blue
        state[k + _DEPTH] += weight * depth
