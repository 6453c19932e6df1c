"""The numba passes over the samples: outputs of the whole network, and all gradients at once.

A thread takes a block of samples through all layers while its numbers are in the cache. On the
way back it computes them anew instead of fetching what the way there would have had to store.
"""

import numpy as np
from numba import njit, prange

from kernels.mlp.tiles import (
    BLOCK,
    MODE,
    ROW,
    TILE,
    ZERO,
    add_products,
    load,
    multiply,
    rectify,
    stop_at_zero,
    store,
)

PART, PARTS = 8 * BLOCK, 64
"""Samples of one piece of work, or more where that would make more than this many pieces: each
sums its own gradient of the weights."""


@njit(parallel=True, **MODE)
def forward(inputs, matrices, widths, outputs):
    """Fill `outputs` [n, d_last] from `inputs` [n, d_0]; `matrices` from `packed`."""
    n = inputs.shape[0]
    padded, places, starts = _layout(widths)
    part, parts = _parts(n)
    for task in prange(parts):
        rows = np.empty(starts[-1], np.float32)
        for begin in range(task * part, min((task + 1) * part, n), BLOCK):
            end = min(begin + BLOCK, n)
            _climb(inputs[begin:end], matrices, widths, padded, places, starts, rows)
            last = widths.size - 2
            top = rows[starts[last + 1] :]
            multiply(
                matrices[places[last] :],
                padded[last + 1],
                padded[last],
                rows[starts[last] :],
                top,
            )
            store(top, outputs[begin:end])


@njit(parallel=True, **MODE)
def backward(inputs, matrices, turned, widths, by_outputs, by_inputs, by_matrices):
    """Fill `by_inputs` [n, d_0] and `by_matrices`, laid out like `matrices`.

    Either may be of length 0, and is left out then. `turned` are the matrices transposed.
    """
    n = inputs.shape[0]
    padded, places, starts = _layout(widths)
    part, parts = _parts(n)
    layers, widest = widths.size - 1, padded.max()
    down_to = 0 if by_inputs.size else 1
    sums = np.zeros((parts, by_matrices.size), np.float32)
    for task in prange(parts):
        rows = np.empty(starts[-1], np.float32)
        pulls, spare = np.empty(widest * ROW, np.float32), np.empty(widest * ROW, np.float32)
        for begin in range(task * part, min((task + 1) * part, n), BLOCK):
            end = min(begin + BLOCK, n)
            _climb(inputs[begin:end], matrices, widths, padded, places, starts, rows)
            load(by_outputs[begin:end], padded[layers], pulls)
            for layer in range(layers - 1, -1, -1):
                below, height, width = rows[starts[layer] :], padded[layer + 1], padded[layer]
                if by_matrices.size:
                    add_products(pulls, below, height, width, sums[task, places[layer] :])
                if layer >= down_to:
                    multiply(turned[places[layer] :], width, height, pulls, spare)
                    pulls, spare = spare, pulls
                if layer > 0:
                    stop_at_zero(pulls, below, width)
            if by_inputs.size:
                store(pulls, by_inputs[begin:end])
    for j in prange(by_matrices.size):
        total = ZERO
        for task in range(parts):
            total += sums[task, j]
        by_matrices[j] = total


@njit(**MODE)
def _climb(samples, matrices, widths, padded, places, starts, rows):
    """Fill the rows of every layer but the last from a block of `samples` [count, d_0]."""
    load(samples, padded[0], rows)
    for layer in range(widths.size - 2):
        above = rows[starts[layer + 1] :]
        multiply(
            matrices[places[layer] :],
            padded[layer + 1],
            padded[layer],
            rows[starts[layer] :],
            above,
        )
        rectify(above, widths[layer + 1], padded[layer + 1])


@njit(**MODE)
def _layout(widths):
    """Widths in whole tiles; where each layer's matrix begins, and its rows, and where all end."""
    padded = (widths + (TILE - 1)) // TILE * TILE
    places, starts = np.zeros_like(widths), np.zeros(widths.size + 1, np.int64)
    for layer in range(widths.size):
        starts[layer + 1] = starts[layer] + padded[layer] * ROW
        if layer + 1 < widths.size:
            places[layer + 1] = places[layer] + padded[layer] * padded[layer + 1]
    return padded, places, starts


@njit(**MODE)
def _parts(n):
    """How many samples each piece of work takes, and how many pieces there are.

    It depends on n alone, so that sums are the same on any number of threads.
    """
    blocks = (n + BLOCK - 1) // BLOCK
    part = max(PART, (blocks + PARTS - 1) // PARTS * BLOCK)
    return part, (n + part - 1) // part
