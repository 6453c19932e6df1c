"""The numba passes over the samples: outputs of the whole network, and all gradients at once.

A thread takes a block of samples through all layers while its numbers are in the cache. On the
way back it computes them anew instead of fetching what the way there would have had to store.
"""

import numpy as np
from numba import njit, prange

from kernels.mlp.tiles import (
    BLOCK,
    MODE,
    NO_FLOOR,
    ROW,
    TILE,
    ZERO,
    add_products,
    clear,
    load,
    multiply,
    stop_at_zero,
    store,
)

PART, PARTS = 8 * BLOCK, 64
"""Samples of one piece of work, or more where that would make more than this many pieces: each
sums its own gradient of the weights."""


@njit(**MODE)
def split(n):
    """How many samples each piece of work takes, and how many pieces there are.

    It depends on n alone, so that sums are the same on any number of threads.
    """
    part = max(PART, ((n + PARTS - 1) // PARTS + BLOCK - 1) // BLOCK * BLOCK)
    return part, (n + part - 1) // part


@njit(parallel=True, **MODE)
def forward(inputs, matrices, widths, outputs):
    """Fill `outputs` [n, d_last] from `inputs` [n, d_0]; `matrices` lie one after the other."""
    n = inputs.shape[0]
    padded, places, starts = _layout(widths)
    part, parts = split(n)
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
                NO_FLOOR,
            )
            store(top, outputs[begin:end])


@njit(parallel=True, **MODE)
def backward(inputs, matrices, turned, widths, by_outputs, by_inputs, sums):
    """Fill `by_inputs` [n, d_0] and add to `sums` [pieces, numbers of all matrices].

    Each piece of work adds the gradient of the matrices to a row of its own. What is of length 0
    is left out. `turned` are the matrices transposed, which lie in the same places.
    """
    n = inputs.shape[0]
    padded, places, starts = _layout(widths)
    part, parts = split(n)
    layers = widths.size - 1
    for task in prange(parts):
        rows, pulls = np.empty(starts[-1], np.float32), np.empty(starts[-1], np.float32)
        for begin in range(task * part, min((task + 1) * part, n), BLOCK):
            end = min(begin + BLOCK, n)
            _climb(inputs[begin:end], matrices, widths, padded, places, starts, rows)
            load(by_outputs[begin:end], padded[layers], pulls[starts[layers] :])
            for layer in range(layers - 1, -1, -1):
                height, width = padded[layer + 1], padded[layer]
                above, below = pulls[starts[layer + 1] :], pulls[starts[layer] :]
                values = rows[starts[layer] :]
                if sums.shape[1]:
                    add_products(above, values, height, width, sums[task, places[layer] :])
                if layer > 0 or by_inputs.size:
                    multiply(turned[places[layer] :], width, height, above, below, NO_FLOOR)
                if layer > 0:
                    stop_at_zero(below, values, width)
            if by_inputs.size:
                store(pulls, by_inputs[begin:end])


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
            ZERO,
        )
        clear(above, widths[layer + 1], padded[layer + 1])


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
