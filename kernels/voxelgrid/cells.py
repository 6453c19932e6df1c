"""Which rows lie around a point, and which of a few threads looks after a row."""

import numba
import numpy as np
from numba import njit, prange

MODE = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # All of fastmath but the promise that no NaN occurs: bad numbers must not look good.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
PART = 1024
"""Points in one piece of work."""
STRIPS = 32
"""Strips of rows that each thread looks after, far apart so that all have about as much to do."""

ZERO, ONE = np.float32(0.0), np.float32(1.0)


@njit(**MODE)
def _place(x, cells):
    """The cell along one axis at x, held in [0, 1], and where in it; NaN stays in the second."""
    x = ZERO if x < ZERO else x
    x = (ONE if x > ONE else x) * np.float32(cells)
    # The far face belongs to the last cell; so does NaN.
    last = np.float32(cells - 1)
    cell = np.floor(x)
    cell = cell if cell < last else last
    return np.int64(cell), x - cell


@njit(parallel=True, **MODE)
def find_cells(positions, corners, rows, inside):
    """Fill `rows` [n, 8] of the corners around each position and its place `inside` [n, 3] them.

    Corner k lies at the far end of x, y and z where bit 2, 1 and 0 of k is set. Returns the
    highest row found, or -1.
    """
    n = positions.shape[0]
    cells_x, cells_y, cells_z = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    parts = (n + PART - 1) // PART
    highest = np.full(parts, -1, np.int32)
    for part in prange(parts):
        top = np.int32(-1)
        for i in range(part * PART, min((part + 1) * PART, n)):
            x, inside[i, 0] = _place(positions[i, 0], cells_x)
            y, inside[i, 1] = _place(positions[i, 1], cells_y)
            z, inside[i, 2] = _place(positions[i, 2], cells_z)
            for k in range(8):
                row = corners[x + (k >> 2), y + (k >> 1 & 1), z + (k & 1)]
                rows[i, k] = row
                top = max(top, row)
        highest[part] = top
    return -1 if parts == 0 else highest.max()


@njit(**MODE)
def corner_weights(x, y, z, weights):
    """Fill `weights` [8] of the corners for a place in the cell."""
    q0, q1, q2, q3 = (ONE - y) * (ONE - z), (ONE - y) * z, y * (ONE - z), y * z
    weights[0], weights[1], weights[2], weights[3] = (
        (ONE - x) * q0,
        (ONE - x) * q1,
        (ONE - x) * q2,
        (ONE - x) * q3,
    )
    weights[4], weights[5], weights[6], weights[7] = x * q0, x * q1, x * q2, x * q3


def share_rows(rows: int) -> tuple[np.ndarray, int, int]:
    """Which thread looks after each strip of a table's rows.

    Returns the threads [strips] uint8, the shift that makes a row's number that of its strip,
    and how many threads there are. Strips are dealt out in turn.
    """
    threads = min(numba.get_num_threads(), 255)
    shift = max(rows // (threads * STRIPS), 1).bit_length() - 1
    owners = np.arange((max(rows - 1, 0) >> shift) + 1) % threads
    return owners.astype(np.uint8), shift, threads
