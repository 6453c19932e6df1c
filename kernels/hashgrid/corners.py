"""Which corners lie around a point, a block of points at a time, in vector registers.

Compilers vectorise the arithmetic only if nothing is in doubt: all numbers of a block lie in two
flat arrays, plane by plane, and a block is always full, if need be with points that nobody uses.
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
PLANE = BLOCK + 16
"""Distance of the planes; were it a divisor of 4096 bytes, loads would wait for stores."""
PLACES, ROWS = 14 * PLANE, 8 * PLANE
"""Lengths of a block's two arrays: float32 with x, y and z in the cube, x, y and z in the cell
and a number for each of 8 corners, their weights at first; and uint32 with the corners' rows."""
INSIDE, CORNERS = 3 * PLANE, 6 * PLANE
"""Where in the first of them the places in the cell and the corners' numbers begin."""

ZERO, ONE = np.float32(0.0), np.float32(1.0)
NEXT, BY_Y, BY_Z = np.uint32(1), np.uint32(PRIME_Y), np.uint32(PRIME_Z)
# Unsigned indices spare the compiler the question whether one is negative.
_POINTS = np.uint64(BLOCK)
_P1, _P2, _P3, _P4, _P5, _P6, _P7 = (np.uint64(k * PLANE) for k in range(1, 8))
_X, _Y, _Z = (np.uint64(INSIDE + k * PLANE) for k in range(3))
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7 = (np.uint64(CORNERS + k * PLANE) for k in range(8))


@njit(**MODE)
def _held(x):
    """x in [0, 1], written so that NaN stays NaN."""
    x = ZERO if x < ZERO else x
    return ONE if x > ONE else x


@njit(parallel=True, **MODE)
def split_axes(positions):
    """The `positions` [n, 3], held in the cube, as [3, whole blocks of points]."""
    n = positions.shape[0]
    blocks = (n + BLOCK - 1) // BLOCK
    axes = np.empty((3, blocks * BLOCK), np.float32)
    for block in prange(blocks):
        until = min((block + 1) * BLOCK, n)
        axes[:, until : (block + 1) * BLOCK] = ZERO
        for i in range(block * BLOCK, until):
            axes[0, i] = _held(positions[i, 0])
            axes[1, i] = _held(positions[i, 1])
            axes[2, i] = _held(positions[i, 2])
    return axes


@njit(**MODE)
def find_corners(axes, begin, resolution, size, places, rows):
    """Fill `places` [PLACES] and `rows` [ROWS] for the block of points that begins at `begin`.

    Corner k lies at the far end of x, y and z where bit 0, 1 and 2 of k is set.
    """
    for k in range(3):
        places[k * PLANE : k * PLANE + BLOCK] = axes[k, begin : begin + BLOCK]
    dense = (resolution + 1) ** 3 <= size
    along = np.uint32(resolution + 1)
    layer, mask = np.uint32(along * along), np.uint32(size - 1)
    scale, last = np.float32(resolution), np.float32(resolution - 1)
    for i in range(_POINTS):
        x, y, z = places[i] * scale, places[i + _P1] * scale, places[i + _P2] * scale
        cell_x, cell_y, cell_z = np.floor(x), np.floor(y), np.floor(z)
        # The far faces belong to the last cells; so does NaN, which then stays in its weights.
        cell_x = cell_x if cell_x < last else last
        cell_y = cell_y if cell_y < last else last
        cell_z = cell_z if cell_z < last else last
        x, y, z = x - cell_x, y - cell_y, z - cell_z
        near = np.uint32(np.int32(cell_x))
        far = np.uint32(near + NEXT)
        row, column = np.uint32(np.int32(cell_y)), np.uint32(np.int32(cell_z))
        if dense:
            y0, z0 = np.uint32(row * along), np.uint32(column * layer)
            y1, z1 = np.uint32(y0 + along), np.uint32(z0 + layer)
            rows[i], rows[i + _P1] = near + (y0 + z0), far + (y0 + z0)
            rows[i + _P2], rows[i + _P3] = near + (y1 + z0), far + (y1 + z0)
            rows[i + _P4], rows[i + _P5] = near + (y0 + z1), far + (y0 + z1)
            rows[i + _P6], rows[i + _P7] = near + (y1 + z1), far + (y1 + z1)
        else:
            y0, z0 = np.uint32(row * BY_Y), np.uint32(column * BY_Z)
            y1, z1 = np.uint32(y0 + BY_Y), np.uint32(z0 + BY_Z)
            rows[i], rows[i + _P1] = (near ^ (y0 ^ z0)) & mask, (far ^ (y0 ^ z0)) & mask
            rows[i + _P2], rows[i + _P3] = (near ^ (y1 ^ z0)) & mask, (far ^ (y1 ^ z0)) & mask
            rows[i + _P4], rows[i + _P5] = (near ^ (y0 ^ z1)) & mask, (far ^ (y0 ^ z1)) & mask
            rows[i + _P6], rows[i + _P7] = (near ^ (y1 ^ z1)) & mask, (far ^ (y1 ^ z1)) & mask
        places[i + _X], places[i + _Y], places[i + _Z] = x, y, z
        before = ONE - x
        q0, q1 = (ONE - y) * (ONE - z), y * (ONE - z)
        q2, q3 = (ONE - y) * z, y * z
        places[i + _C0], places[i + _C1] = before * q0, x * q0
        places[i + _C2], places[i + _C3] = before * q1, x * q1
        places[i + _C4], places[i + _C5] = before * q2, x * q2
        places[i + _C6], places[i + _C7] = before * q3, x * q3


@njit(**MODE)
def slopes(places, scale):
    """Turn the corners' numbers into the slopes along x, y and z, times `scale`, in the cell."""
    for i in range(_POINTS):
        x, y, z = places[i + _X], places[i + _Y], places[i + _Z]
        v0, v1, v2, v3 = places[i + _C0], places[i + _C1], places[i + _C2], places[i + _C3]
        v4, v5, v6, v7 = places[i + _C4], places[i + _C5], places[i + _C6], places[i + _C7]
        # The edges along x, then what they are where the point's plane cuts them.
        e0, e1, e2, e3 = v1 - v0, v3 - v2, v5 - v4, v7 - v6
        f0, f1 = e0 + y * (e1 - e0), e2 + y * (e3 - e2)
        a0, a1, a2, a3 = v0 + x * e0, v2 + x * e1, v4 + x * e2, v6 + x * e3
        places[i + _X] = scale * (f0 + z * (f1 - f0))
        places[i + _Y] = scale * ((a1 - a0) + z * ((a3 - a2) - (a1 - a0)))
        places[i + _Z] = scale * ((a2 + y * (a3 - a2)) - (a0 + y * (a1 - a0)))
