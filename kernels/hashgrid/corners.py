"""The numba loops of the hash encoding: corners first, in vector registers, then the table.

A block of points is taken through one level at a time. The rows and weights of its corners are
plain arithmetic and vectorise; only then come the loads and stores at random places.
"""

import numpy as np
from numba import njit, prange

from kernels.hashgrid.layout import PRIME_Y, PRIME_Z

MODE = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # All of fastmath but the promise that no NaN occurs: bad numbers must not look good.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
BLOCK = 256
"""Points whose corners are held at once."""
STRIDE = BLOCK + 16
"""Distance of the corners' arrays; were it a divisor of 4096 bytes, loads would wait for stores."""
PART = 1 << 13
"""Points of one level in one piece of work."""

ZERO, ONE = np.float32(0.0), np.float32(1.0)
NEXT, BY_Y, BY_Z = np.uint32(1), np.uint32(PRIME_Y), np.uint32(PRIME_Z)


@njit(**MODE)
def _held(x):
    """x in [0, 1], written so that NaN stays NaN."""
    x = ZERO if x < ZERO else x
    return ONE if x > ONE else x


@njit(**MODE)
def _find_corners(positions, resolution, size, rows, weights):
    """Row [8, STRIDE] and weight [8, STRIDE] of the corners around each of the `positions`.

    Corner k lies at the far end of x, y and z where bit 0, 1 and 2 of k is set.
    """
    dense = (resolution + 1) ** 3 <= size
    along = np.uint32(resolution + 1)
    plane, mask = along * along, np.uint32(size - 1)
    scale, last = np.float32(resolution), np.float32(resolution - 1)
    for i in range(positions.shape[0]):
        x, y, z = (
            _held(positions[i, 0]) * scale,
            _held(positions[i, 1]) * scale,
            _held(positions[i, 2]) * scale,
        )
        # Of NaN the smaller is `last`, so that the cell is one of the grid all the same.
        cell_x = np.floor(x) if x < last else last
        cell_y = np.floor(y) if y < last else last
        cell_z = np.floor(z) if z < last else last
        x, y, z = x - cell_x, y - cell_y, z - cell_z
        near, far = np.uint32(np.int32(cell_x)), np.uint32(np.int32(cell_x)) + NEXT
        row, layer = np.uint32(np.int32(cell_y)), np.uint32(np.int32(cell_z))
        if dense:
            y0, z0 = row * along, layer * plane
            y1, z1 = y0 + along, z0 + plane
            rows[0, i], rows[1, i] = near + (y0 + z0), far + (y0 + z0)
            rows[2, i], rows[3, i] = near + (y1 + z0), far + (y1 + z0)
            rows[4, i], rows[5, i] = near + (y0 + z1), far + (y0 + z1)
            rows[6, i], rows[7, i] = near + (y1 + z1), far + (y1 + z1)
        else:
            y0, z0 = row * BY_Y, layer * BY_Z
            y1, z1 = y0 + BY_Y, z0 + BY_Z
            rows[0, i], rows[1, i] = (near ^ (y0 ^ z0)) & mask, (far ^ (y0 ^ z0)) & mask
            rows[2, i], rows[3, i] = (near ^ (y1 ^ z0)) & mask, (far ^ (y1 ^ z0)) & mask
            rows[4, i], rows[5, i] = (near ^ (y0 ^ z1)) & mask, (far ^ (y0 ^ z1)) & mask
            rows[6, i], rows[7, i] = (near ^ (y1 ^ z1)) & mask, (far ^ (y1 ^ z1)) & mask
        before = ONE - x
        q0, q1 = (ONE - y) * (ONE - z), y * (ONE - z)
        q2, q3 = (ONE - y) * z, y * z
        weights[0, i], weights[1, i] = before * q0, x * q0
        weights[2, i], weights[3, i] = before * q1, x * q1
        weights[4, i], weights[5, i] = before * q2, x * q2
        weights[6, i], weights[7, i] = before * q3, x * q3


@njit(**MODE)
def _gather(table, rows, weights, out):
    """Weighted sum [points, f] of the corners' features, for one level."""
    count, width = out.shape
    if width == 2:
        for i in range(count):
            a, b = ZERO, ZERO
            for k in range(8):
                row, weight = rows[k, i], weights[k, i]
                a += weight * table[row, 0]
                b += weight * table[row, 1]
            out[i, 0], out[i, 1] = a, b
        return
    for i in range(count):
        for f in range(width):
            total = ZERO
            for k in range(8):
                total += weights[k, i] * table[rows[k, i], f]
            out[i, f] = total


@njit(**MODE)
def _scatter(by_table, rows, weights, by_out):
    """Add the gradient of `_gather` to that of the level's part of the table."""
    count, width = by_out.shape
    if width == 2:
        for i in range(count):
            a, b = by_out[i, 0], by_out[i, 1]
            for k in range(8):
                row, weight = rows[k, i], weights[k, i]
                by_table[row, 0] += weight * a
                by_table[row, 1] += weight * b
        return
    for i in range(count):
        for k in range(8):
            row, weight = rows[k, i], weights[k, i]
            for f in range(width):
                by_table[row, f] += weight * by_out[i, f]


@njit(parallel=True, **MODE)
def encode_forward(positions, table, resolutions, offsets, features):
    """Fill `features` [n, levels * f] from `table` [rows, f] at `positions` [n, 3]."""
    n, width = positions.shape[0], table.shape[1]
    parts = (n + PART - 1) // PART
    # Level by level, so that the rows in use are few enough for the cache.
    for task in prange(resolutions.size * parts):
        level, part = task // parts, task % parts
        rows, weights = np.empty((8, STRIDE), np.uint32), np.empty((8, STRIDE), np.float32)
        first, end = offsets[level], offsets[level + 1]
        for begin in range(part * PART, min((part + 1) * PART, n), BLOCK):
            until = min(begin + BLOCK, n)
            _find_corners(positions[begin:until], resolutions[level], end - first, rows, weights)
            out = features[begin:until, level * width : (level + 1) * width]
            _gather(table[first:end], rows, weights, out)


@njit(parallel=True, **MODE)
def table_backward(positions, resolutions, offsets, by_features, by_table):
    """Fill `by_table` [rows, f]; one thread takes a whole level, so that none gets in the way."""
    n, width = positions.shape[0], by_table.shape[1]
    for level in prange(resolutions.size):
        rows, weights = np.empty((8, STRIDE), np.uint32), np.empty((8, STRIDE), np.float32)
        first, end = offsets[level], offsets[level + 1]
        by_level = by_table[first:end]
        by_level[:] = ZERO
        for begin in range(0, n, BLOCK):
            until = min(begin + BLOCK, n)
            _find_corners(positions[begin:until], resolutions[level], end - first, rows, weights)
            by_out = by_features[begin:until, level * width : (level + 1) * width]
            _scatter(by_level, rows, weights, by_out)


@njit(parallel=True, **MODE)
def positions_backward(positions, table, resolutions, offsets, by_features, by_positions):
    """Fill `by_positions` [n, 3]."""
    n, width = positions.shape[0], table.shape[1]
    for block in prange((n + BLOCK - 1) // BLOCK):
        rows, weights = np.empty((8, STRIDE), np.uint32), np.empty((8, STRIDE), np.float32)
        begin, until = block * BLOCK, min((block + 1) * BLOCK, n)
        by_positions[begin:until] = ZERO
        for level in range(resolutions.size):
            first, end = offsets[level], offsets[level + 1]
            here = positions[begin:until]
            _find_corners(here, resolutions[level], end - first, rows, weights)
            by_out = by_features[begin:until, level * width : (level + 1) * width]
            _pull(
                table[first:end], rows, resolutions[level], here, by_out, by_positions[begin:until]
            )


@njit(**MODE)
def _pull(table, rows, resolution, positions, by_out, by_positions):
    """Add one level's share to the gradient of the positions."""
    count, width = by_out.shape
    scale, last = np.float32(resolution), np.float32(resolution - 1)
    for i in range(count):
        px, py, pz = positions[i, 0], positions[i, 1], positions[i, 2]
        x, y, z = _held(px) * scale, _held(py) * scale, _held(pz) * scale
        x -= np.floor(x) if x < last else last
        y -= np.floor(y) if y < last else last
        z -= np.floor(z) if z < last else last
        gx, gy, gz = ZERO, ZERO, ZERO
        for f in range(width):
            v0, v1 = table[rows[0, i], f], table[rows[1, i], f]
            v2, v3 = table[rows[2, i], f], table[rows[3, i], f]
            v4, v5 = table[rows[4, i], f], table[rows[5, i], f]
            v6, v7 = table[rows[6, i], f], table[rows[7, i], f]
            # Along x first: the four edges, then the two faces between them.
            e0, e1, e2, e3 = v1 - v0, v3 - v2, v5 - v4, v7 - v6
            f0, f1 = e0 + y * (e1 - e0), e2 + y * (e3 - e2)
            a0, a1, a2, a3 = v0 + x * e0, v2 + x * e1, v4 + x * e2, v6 + x * e3
            pull = by_out[i, f]
            gx += pull * (f0 + z * (f1 - f0))
            gy += pull * ((a1 - a0) + z * ((a3 - a2) - (a1 - a0)))
            gz += pull * ((a2 + y * (a3 - a2)) - (a0 + y * (a1 - a0)))
        # Held at a face of the cube, a position does not move.
        by_positions[i, 0] += ZERO if px < ZERO or px > ONE else scale * gx
        by_positions[i, 1] += ZERO if py < ZERO or py > ONE else scale * gy
        by_positions[i, 2] += ZERO if pz < ZERO or pz > ONE else scale * gz
