"""The drawing order on the CPU: a radix sort of the depths' bits, exact and stable.

One thread and no GIL, so that it can run beside the window and the training.
"""

import numpy as np
from numba import njit

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}

SIGN, INFINITY, ALL = np.uint32(0x80000000), np.uint32(0x7F800000), np.uint32(0xFFFFFFFF)
DIGIT_BITS, DIGIT = np.uint32(8), np.uint32(0xFF)
"""Bits sorted in one pass: few enough that all 256 places written to stay in the cache."""
PASSES = 4
ONE = np.uint32(1)


@njit(**MODE)
def _depths(means, row, depths):
    for i in range(depths.size):
        depths[i] = means[i, 0] * row[0] + means[i, 1] * row[1] + means[i, 2] * row[2] + row[3]


@njit(**MODE)
def _keys(bits, far_first, keys):
    """Integers that sort as the float32 of these `bits` do; NaN after everything else."""
    for i in range(bits.size):
        b = bits[i]
        size = b & ~SIGN
        rising = (b | SIGN) if size == b else ~b
        if size == 0:
            rising = SIGN  # -0 and 0 are the same depth
        ordered = ~rising if far_first else rising
        keys[i] = ALL if size > INFINITY else ordered


@njit(**MODE)
def _radix_sort(keys):
    """Indices [n] that sort the uint32 `keys` [n], which are overwritten; equal ones in order."""
    n = keys.size
    counts = np.zeros((PASSES, 256), np.uint32)
    for i in range(n):
        k = keys[i]
        for p in range(PASSES):
            counts[p, (k >> np.uint32(8 * p)) & DIGIT] += ONE
    order = np.arange(n).astype(np.uint32)
    other_keys, other_order = np.empty_like(keys), np.empty_like(order)
    for p in range(PASSES):
        place = counts[p]
        if n and place[(keys[0] >> np.uint32(8 * p)) & DIGIT] == n:
            continue  # all have this digit in common
        begin = np.uint32(0)
        for digit in range(256):
            begin, place[digit] = begin + place[digit], begin
        for i in range(n):
            digit = (keys[i] >> np.uint32(8 * p)) & DIGIT
            at = place[digit]
            place[digit] = at + ONE
            other_keys[at] = keys[i]
            other_order[at] = order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
    return order


def depth_order(depths: np.ndarray, *, far_first: bool = True) -> np.ndarray:
    """[n] uint32 indices; see `kernels.depthsort.depth_order`."""
    values = np.ascontiguousarray(depths, dtype=np.float32)
    keys = np.empty(len(values), np.uint32)
    _keys(values.view(np.uint32), far_first, keys)
    return _radix_sort(keys)


def depth_order_of_view(
    means: np.ndarray, world_to_camera: np.ndarray, *, far_first: bool = True
) -> np.ndarray:
    """[n] uint32 indices; see `kernels.depthsort.depth_order_of_view`."""
    depths = np.empty(len(means), np.float32)
    row = np.asarray(world_to_camera, dtype=np.float32)[2].copy()
    _depths(np.ascontiguousarray(means, dtype=np.float32), row, depths)
    return depth_order(depths, far_first=far_first)
