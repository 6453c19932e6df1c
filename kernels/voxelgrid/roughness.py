"""The numba passes of the total variation, forward and backward."""

import numpy as np
from numba import njit, prange

from kernels.voxelgrid.cells import MODE, ONE, PART, ZERO
from kernels.voxelgrid.prefetch import AHEAD, prefetch_row


@njit(parallel=True, **MODE)
def find_neighbours(corners, cells, rows):
    """Fill `rows` [k, 4] of each cell's corner and of the next along x, y and z; -1 for none.

    Beyond the far faces lies the corner itself. Returns the highest row found, or -1.
    """
    n = cells.shape[0]
    parts = (n + PART - 1) // PART
    highest = np.full(parts, -1, np.int32)
    for part in prange(parts):
        top = np.int32(-1)
        for i in range(part * PART, min((part + 1) * PART, n)):
            x, y, z = cells[i, 0], cells[i, 1], cells[i, 2]
            rows[i, 0] = corners[x, y, z]
            rows[i, 1] = corners[min(x + 1, corners.shape[0] - 1), y, z]
            rows[i, 2] = corners[x, min(y + 1, corners.shape[1] - 1), z]
            rows[i, 3] = corners[x, y, min(z + 1, corners.shape[2] - 1)]
            for k in range(4):
                top = max(top, rows[i, k])
        highest[part] = top
    return -1 if parts == 0 else highest.max()


@njit(parallel=True, **MODE)
def variation_forward(table, stride, width, rows, scale, eps):
    """The sum over cells and features, in float64."""
    n, features = rows.shape[0], np.uint64(width)
    empty = np.float64(width) * np.sqrt(np.float64(eps))
    parts = (n + PART - 1) // PART
    sums = np.zeros(parts, np.float64)
    for part in prange(parts):
        for i in range(part * PART, min((part + 1) * PART, n)):
            _prefetch_four(rows, min(i + AHEAD, n - 1), table, stride, features)
            here, by_x, by_y, by_z, (m0, m1, m2, m3) = _four(rows, i, stride)
            if m0 + m1 + m2 + m3 == ZERO:
                sums[part] += empty
                continue
            total = ZERO
            for f in range(features):
                own = m0 * table[here + f]
                dx = scale[0] * (m1 * table[by_x + f] - own)
                dy = scale[1] * (m2 * table[by_y + f] - own)
                dz = scale[2] * (m3 * table[by_z + f] - own)
                total += np.sqrt(dx * dx + dy * dy + dz * dz + eps)
            sums[part] += total
    return sums.sum()


@njit(parallel=True, **MODE)
def variation_backward(table, stride, width, rows, scale, eps, pull, by_table, layout):
    """Add `pull` times the gradient of `variation_forward` to `by_table` [rows, f], flat.

    Each thread sees to its own rows alone, as `layout` from `share_rows` deals them out.
    """
    owners, shift, threads = layout
    n, features = rows.shape[0], np.uint64(width)
    a, b, c = scale[0], scale[1], scale[2]
    for thread in prange(threads):
        steps = np.empty((4, width), np.float32)
        for i in range(n):
            mine = 0
            for k in range(4):
                row = rows[i, k]
                if row >= 0 and owners[np.uint64(row) >> np.uint64(shift)] == thread:
                    mine |= 1 << k
            if not mine:
                continue
            _prefetch_four(rows, min(i + AHEAD, n - 1), table, stride, features)
            here, by_x, by_y, by_z, (m0, m1, m2, m3) = _four(rows, i, stride)
            to_own, to_x, to_y, to_z = steps[0], steps[1], steps[2], steps[3]
            for f in range(features):
                own = m0 * table[here + f]
                dx = a * (m1 * table[by_x + f] - own)
                dy = b * (m2 * table[by_y + f] - own)
                dz = c * (m3 * table[by_z + f] - own)
                each = pull / np.sqrt(dx * dx + dy * dy + dz * dz + eps)
                to_x[f], to_y[f], to_z[f] = each * a * dx, each * b * dy, each * c * dz
                to_own[f] = -each * (a * dx + b * dy + c * dz)
            for k in range(4):
                if mine >> k & 1:
                    begin, step = np.uint64(rows[i, k]) * features, steps[k]
                    for f in range(features):
                        by_table[begin + f] += step[f]


@njit(**MODE)
def _prefetch_four(rows, i, table, stride, width):
    """Ask for the rows of cell i and of its neighbours."""
    for k in range(4):
        if rows[i, k] >= 0:
            prefetch_row(table, np.uint64(rows[i, k]) * np.uint64(stride), width)


@njit(**MODE)
def _four(rows, i, stride):
    """Where the rows of cell i and of its neighbours begin, and 1 or, where one is missing, 0.

    In its place stands one that is not missing.
    """
    some = max(rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], 0)
    begin = np.uint64(some) * np.uint64(stride)
    r0, r1, r2, r3 = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3]
    return (
        np.uint64(r0) * np.uint64(stride) if r0 >= 0 else begin,
        np.uint64(r1) * np.uint64(stride) if r1 >= 0 else begin,
        np.uint64(r2) * np.uint64(stride) if r2 >= 0 else begin,
        np.uint64(r3) * np.uint64(stride) if r3 >= 0 else begin,
        (
            ONE if r0 >= 0 else ZERO,
            ONE if r1 >= 0 else ZERO,
            ONE if r2 >= 0 else ZERO,
            ONE if r3 >= 0 else ZERO,
        ),
    )
