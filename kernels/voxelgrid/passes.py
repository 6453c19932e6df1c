"""The numba passes over the table: features out of it, and gradients into it or to the points.

Tables are flat: a row begins every `stride` numbers and has as many as the features are wide.
Rows lie anywhere, so the innermost loops run along a row, four rows at a time where they can.
"""

import numpy as np
from numba import njit, prange

from kernels.voxelgrid.cells import MODE, ONE, PART, ZERO, corner_weights
from kernels.voxelgrid.prefetch import AHEAD, prefetch_row

# Unsigned indices spare the compiler the question whether one is negative.
_0, _1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(k) for k in range(9))
_POINTS_AHEAD, _CORNERS_AHEAD = np.uint64(AHEAD), np.uint64(4 * AHEAD)


@njit(parallel=True, **MODE)
def trilinear_forward(table, stride, rows, inside, features):
    """Fill `features` [n, f] from the corners' `rows` [n, 8] and the places `inside` [n, 3]."""
    n, width = np.uint64(features.shape[0]), np.uint64(features.shape[1])
    part_size = np.uint64(PART)
    for part in prange((n + part_size - _1) // part_size):
        begins, weights = np.empty(8, np.uint64), np.empty(8, np.float32)
        begin = np.uint64(part) * part_size
        for i in range(begin, min(begin + part_size, n)):
            _prefetch_around(rows, min(i + _POINTS_AHEAD, n - _1), table, stride, width)
            if not _around(rows, inside, i, stride, begins, weights):
                # Nothing is there, and NaN stays NaN.
                nothing = ZERO * (inside[i, 0] + inside[i, 1] + inside[i, 2])
                for f in range(width):
                    features[i, f] = nothing
            elif width == _1:
                total = ZERO
                for k in range(_8):
                    total += weights[k] * table[begins[k]]
                features[i, _0] = total
            else:
                _gather(table, begins, weights, features, i)


@njit(parallel=True, **MODE)
def table_backward(rows, inside, by_features, by_table, owners, shift, threads):
    """Add the gradient of `trilinear_forward` to `by_table` [rows, f], flat; see `share_rows`.

    Each thread goes through all points in order and sees to its own rows alone, so that none gets
    in the way of another and every sum is taken in one order.
    """
    n, width = np.uint64(by_features.shape[0]), np.uint64(by_features.shape[1])
    part_size, shift = np.uint64(PART), np.uint64(shift)
    around = rows.reshape(-1)
    for thread in prange(threads):
        own = np.empty(8 * PART, np.uint64)
        for part in range((n + part_size - _1) // part_size):
            # First the list of corners to see to, without a branch that nobody could predict.
            count = _0
            for c in range(_8 * part * part_size, _8 * min((part + _1) * part_size, n)):
                own[count] = c
                owner = owners[np.uint64(max(around[c], 0)) >> shift]
                count += np.uint64((around[c] >= 0) & (owner == thread))
            for j in range(count):
                ahead = own[min(j + _CORNERS_AHEAD, count - _1)]
                prefetch_row(by_table, np.uint64(around[ahead]) * width, width)
                i, k = own[j] // _8, own[j] % _8
                x, y, z = inside[i, 0], inside[i, 1], inside[i, 2]
                weight = x if k & _4 else ONE - x
                weight *= y if k & _2 else ONE - y
                weight *= z if k & _1 else ONE - z
                begin = np.uint64(around[own[j]]) * width
                for f in range(width):
                    by_table[begin + f] += weight * by_features[i, f]


@njit(parallel=True, **MODE)
def positions_backward(positions, table, stride, rows, inside, by_features, cells, by_positions):
    """Fill `by_positions` [n, 3]; `cells` [3] float32 is how many there are along each axis."""
    n, width = np.uint64(by_features.shape[0]), np.uint64(by_features.shape[1])
    part_size = np.uint64(PART)
    for part in prange((n + part_size - _1) // part_size):
        begins, v = np.empty(8, np.uint64), np.empty(8, np.float32)
        begin = np.uint64(part) * part_size
        for i in range(begin, min(begin + part_size, n)):
            _prefetch_around(rows, min(i + _POINTS_AHEAD, n - _1), table, stride, width)
            x, y, z = inside[i, 0], inside[i, 1], inside[i, 2]
            v[:] = ZERO
            if _around(rows, inside, i, stride, begins, v):
                # What each corner's features are worth: they times `by_features`.
                for k in range(_8):
                    total, begin_k = ZERO, begins[k]
                    for f in range(width):
                        total += by_features[i, f] * table[begin_k + f]
                    v[k] = total if rows[i, k] >= 0 else ZERO
            # The edges along z, then along y and x what they are where the point's plane cuts.
            e0, e1, e2, e3 = v[1] - v[0], v[3] - v[2], v[5] - v[4], v[7] - v[6]
            a0, a1, a2, a3 = v[0] + z * e0, v[2] + z * e1, v[4] + z * e2, v[6] + z * e3
            b0, b1 = a0 + y * (a1 - a0), a2 + y * (a3 - a2)
            f0, f1 = e0 + y * (e1 - e0), e2 + y * (e3 - e2)
            slopes = (b1 - b0), (a1 - a0) + x * ((a3 - a2) - (a1 - a0)), f0 + x * (f1 - f0)
            for axis in range(3):
                # Held at a face of the cube, a position does not move.
                held = not ZERO <= positions[i, axis] <= ONE
                by_positions[i, axis] = ZERO if held else cells[axis] * slopes[axis]


@njit(**MODE)
def _prefetch_around(rows, i, table, stride, width):
    """Ask for the rows around point i."""
    for k in range(_8):
        if rows[i, k] >= 0:
            prefetch_row(table, np.uint64(rows[i, k]) * np.uint64(stride), width)


@njit(**MODE)
def _around(rows, inside, i, stride, begins, weights):
    """Where the rows around point i begin, and their weights; False if there are none.

    In the place of a row that is missing stands one that is not, with weight 0.
    """
    some = rows[i, 0]
    for k in range(_8):
        some = max(some, rows[i, k])
    if some < 0:
        return False
    corner_weights(inside[i, 0], inside[i, 1], inside[i, 2], weights)
    for k in range(_8):
        row = rows[i, k]
        begins[k] = np.uint64(row if row >= 0 else some) * np.uint64(stride)
        weights[k] *= ONE if row >= 0 else ZERO
    return True


@njit(**MODE)
def _gather(table, begins, weights, features, i):
    """Fill row i of `features` with the weighted sum of eight rows."""
    width = np.uint64(features.shape[1])
    r0, r1, r2, r3 = begins[_0], begins[_1], begins[_2], begins[_3]
    w0, w1, w2, w3 = weights[_0], weights[_1], weights[_2], weights[_3]
    for f in range(width):
        near = w0 * table[r0 + f] + w1 * table[r1 + f]
        features[i, f] = near + (w2 * table[r2 + f] + w3 * table[r3 + f])
    r0, r1, r2, r3 = begins[_4], begins[_5], begins[_6], begins[_7]
    w0, w1, w2, w3 = weights[_4], weights[_5], weights[_6], weights[_7]
    for f in range(width):
        near = w0 * table[r0 + f] + w1 * table[r1 + f]
        features[i, f] += near + (w2 * table[r2 + f] + w3 * table[r3 + f])
