"""The numba passes over the table: features out of it, and gradients into it or to the points.

All go level by level, so that the rows in use are few enough for the cache, and take a block of
points at a time: first its corners, which is arithmetic, then loads and stores at random places.
On the way back the features' gradients are laid out level by level before: of rows that hold all
levels, each level would have to fetch every line again.
"""

import numpy as np
from numba import njit, prange

from kernels.hashgrid.corners import (
    BLOCK,
    CORNERS,
    INSIDE,
    MODE,
    ONE,
    PLACES,
    PLANE,
    ROWS,
    ZERO,
    find_corners,
    slopes,
    split_axes,
)

PART = 32 * BLOCK
"""Points of one level in one piece of work."""


@njit(parallel=True, **MODE)
def encode_forward(positions, table, resolutions, offsets, features):
    """Fill `features` [n, levels * f] from `table` [rows, f] at `positions` [n, 3]."""
    n, width = positions.shape[0], table.shape[1]
    axes = split_axes(positions)
    parts = (n + PART - 1) // PART
    for task in prange(resolutions.size * parts):
        level, part = task // parts, task % parts
        places, rows = np.empty(PLACES, np.float32), np.empty(ROWS, np.uint32)
        first, end = offsets[level], offsets[level + 1]
        for begin in range(part * PART, min((part + 1) * PART, n), BLOCK):
            find_corners(axes, begin, resolutions[level], end - first, places, rows)
            out = features[begin : min(begin + BLOCK, n), level * width : (level + 1) * width]
            _gather(table[first:end], places, rows, out)


@njit(parallel=True, **MODE)
def split_levels(features, levels):
    """The `features` [n, levels * f] as [levels, n, f]."""
    n, width = features.shape[0], features.shape[1] // levels
    split = np.empty((levels, n, width), np.float32)
    for block in prange((n + BLOCK - 1) // BLOCK):
        for level in range(levels):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, n)):
                for f in range(width):
                    split[level, i, f] = features[i, level * width + f]
    return split


@njit(parallel=True, **MODE)
def table_backward(positions, resolutions, offsets, by_features, by_table):
    """Fill `by_table` [rows, f] from the gradient of the features, split by levels.

    One thread takes a whole level, so that none gets in the way of another.
    """
    n = positions.shape[0]
    axes = split_axes(positions)
    for level in prange(resolutions.size):
        places, rows = np.empty(PLACES, np.float32), np.empty(ROWS, np.uint32)
        first, end = offsets[level], offsets[level + 1]
        by_level = by_table[first:end]
        by_level[:] = ZERO
        for begin in range(0, n, BLOCK):
            find_corners(axes, begin, resolutions[level], end - first, places, rows)
            _scatter(by_level, places, rows, by_features[level, begin : min(begin + BLOCK, n)])


@njit(parallel=True, **MODE)
def positions_backward(positions, table, resolutions, offsets, by_features, by_positions):
    """Fill `by_positions` [n, 3] from the gradient of the features, split by levels."""
    n = positions.shape[0]
    axes = split_axes(positions)
    sums = np.zeros_like(axes)
    parts = (n + PART - 1) // PART
    for level in range(resolutions.size):
        for part in prange(parts):
            places, rows = np.empty(PLACES, np.float32), np.empty(ROWS, np.uint32)
            first, end = offsets[level], offsets[level + 1]
            for begin in range(part * PART, min((part + 1) * PART, n), BLOCK):
                find_corners(axes, begin, resolutions[level], end - first, places, rows)
                by_out = by_features[level, begin : min(begin + BLOCK, n)]
                _project(table[first:end], by_out, places, rows)
                slopes(places, np.float32(resolutions[level]))
                for k in range(3):
                    pull = places[INSIDE + k * PLANE : INSIDE + k * PLANE + BLOCK]
                    sums[k, begin : begin + BLOCK] += pull
    for part in prange(parts):
        for i in range(part * PART, min((part + 1) * PART, n)):
            for k in range(3):
                # Held at a face of the cube, a position does not move.
                held = positions[i, k] < ZERO or positions[i, k] > ONE
                by_positions[i, k] = ZERO if held else sums[k, i]


@njit(**MODE)
def _gather(table, places, rows, out):
    """Weighted sum [points, f] of the corners' features, for one level."""
    count, width = out.shape
    if width == 2:
        for i in range(count):
            a, b = ZERO, ZERO
            for k in range(8):
                row, weight = rows[k * PLANE + i], places[CORNERS + k * PLANE + i]
                a += weight * table[row, 0]
                b += weight * table[row, 1]
            out[i, 0], out[i, 1] = a, b
        return
    if width == 4:
        for i in range(count):
            a, b, c, d = ZERO, ZERO, ZERO, ZERO
            for k in range(8):
                row, weight = rows[k * PLANE + i], places[CORNERS + k * PLANE + i]
                a += weight * table[row, 0]
                b += weight * table[row, 1]
                c += weight * table[row, 2]
                d += weight * table[row, 3]
            out[i, 0], out[i, 1], out[i, 2], out[i, 3] = a, b, c, d
        return
    for i in range(count):
        for f in range(width):
            total = ZERO
            for k in range(8):
                total += places[CORNERS + k * PLANE + i] * table[rows[k * PLANE + i], f]
            out[i, f] = total


@njit(**MODE)
def _scatter(by_table, places, rows, by_out):
    """Add the gradient of `_gather` to that of the level's part of the table."""
    count, width = by_out.shape
    if width == 2:
        for i in range(count):
            a, b = by_out[i, 0], by_out[i, 1]
            for k in range(8):
                row, weight = rows[k * PLANE + i], places[CORNERS + k * PLANE + i]
                by_table[row, 0] += weight * a
                by_table[row, 1] += weight * b
        return
    if width == 4:
        for i in range(count):
            a, b, c, d = by_out[i, 0], by_out[i, 1], by_out[i, 2], by_out[i, 3]
            for k in range(8):
                row, weight = rows[k * PLANE + i], places[CORNERS + k * PLANE + i]
                by_table[row, 0] += weight * a
                by_table[row, 1] += weight * b
                by_table[row, 2] += weight * c
                by_table[row, 3] += weight * d
        return
    for i in range(count):
        for k in range(8):
            row, weight = rows[k * PLANE + i], places[CORNERS + k * PLANE + i]
            for f in range(width):
                by_table[row, f] += weight * by_out[i, f]


@njit(**MODE)
def _project(table, by_out, places, rows):
    """Give each corner, instead of its weight, what its features are worth: they times `by_out`."""
    count, width = by_out.shape
    for i in range(count):
        for k in range(8):
            row, total = rows[k * PLANE + i], ZERO
            if width == 2:
                total = by_out[i, 0] * table[row, 0] + by_out[i, 1] * table[row, 1]
            else:
                for f in range(width):
                    total += by_out[i, f] * table[row, f]
            places[CORNERS + k * PLANE + i] = total
