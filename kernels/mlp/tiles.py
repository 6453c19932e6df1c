"""One layer of a block of samples, in vector registers: its product and both gradients.

A block holds its numbers transposed, a row for each neuron with the samples side by side, so that
the innermost loops run over samples and compilers vectorise them. They take a tile of neurons at
a time, its weights or its sums in registers, because a loop that loads two numbers for every
product waits for the loads. Rows come in whole tiles; those that no neuron has are zero.
"""

import numpy as np
from numba import njit

MODE = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # All of fastmath but the promise that no NaN occurs: bad numbers must not look good.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
BLOCK = 128
"""Samples of a block: all rows of a layer of 64 neurons are 32 KiB."""
ROW = BLOCK + 16
"""Distance of the rows; were it a divisor of 4096 bytes, loads would wait for stores."""
TILE = 4
"""Neurons come in multiples of it."""

ZERO, NO_FLOOR = np.float32(0.0), np.float32(-np.inf)
# Unsigned indices spare the compiler the question whether one is negative.
_SAMPLES, _ROW = np.uint64(BLOCK), np.uint64(ROW)
_R1, _R2, _R3 = (np.uint64(k * ROW) for k in range(1, 4))
_1, _2, _3, _4 = (np.uint64(k) for k in range(1, 5))


@njit(**MODE)
def multiply(matrix, height, width, below, above, floor):
    """Fill `above` [height rows] with the product of `matrix` [height, width] and `below`.

    What is less than `floor` is raised to it: 0 makes ReLU, minus infinity nothing. All three are
    flat; height and width are multiples of TILE. Two rows above and four below are a tile.
    """
    height, width = np.uint64(height), np.uint64(width)
    for j in range(height * _ROW):
        above[j] = ZERO
    for row in range(np.uint64(0), height, _2):
        y = above[row * _ROW :]
        for column in range(np.uint64(0), width, _4):
            a, b = row * width + column, (row + _1) * width + column
            a0, a1, a2, a3 = matrix[a], matrix[a + _1], matrix[a + _2], matrix[a + _3]
            b0, b1, b2, b3 = matrix[b], matrix[b + _1], matrix[b + _2], matrix[b + _3]
            x = below[column * _ROW :]
            if column + _4 < width:
                for i in range(_SAMPLES):
                    x0, x1, x2, x3 = x[i], x[i + _R1], x[i + _R2], x[i + _R3]
                    y[i] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                    y[i + _R1] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            else:
                for i in range(_SAMPLES):
                    x0, x1, x2, x3 = x[i], x[i + _R1], x[i + _R2], x[i + _R3]
                    s = y[i] + (a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3)
                    t = y[i + _R1] + (b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3)
                    # Written so that NaN stays NaN.
                    y[i] = floor if s < floor else s
                    y[i + _R1] = floor if t < floor else t


@njit(**MODE)
def add_products(above, below, height, width, sums):
    """Add to `sums` [height, width] the scalar products of the rows `above` and those `below`.

    All three are flat; height and width are multiples of TILE. Four rows above and two below are
    a tile.
    """
    height, width = np.uint64(height), np.uint64(width)
    for row in range(np.uint64(0), height, _4):
        for column in range(np.uint64(0), width, _2):
            x, y = below[column * _ROW :], above[row * _ROW :]
            s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = ZERO
            for i in range(_SAMPLES):
                x0, x1 = x[i], x[i + _R1]
                y0, y1, y2, y3 = y[i], y[i + _R1], y[i + _R2], y[i + _R3]
                s00 += y0 * x0
                s01 += y0 * x1
                s10 += y1 * x0
                s11 += y1 * x1
                s20 += y2 * x0
                s21 += y2 * x1
                s30 += y3 * x0
                s31 += y3 * x1
            at = row * width + column
            sums[at] += s00
            sums[at + _1] += s01
            at += width
            sums[at] += s10
            sums[at + _1] += s11
            at += width
            sums[at] += s20
            sums[at + _1] += s21
            at += width
            sums[at] += s30
            sums[at + _1] += s31


@njit(**MODE)
def clear(rows, width, padded):
    """Zero the rows that no neuron has: zero weights do not, as zero times infinity is NaN."""
    rows[width * ROW : padded * ROW] = ZERO


@njit(**MODE)
def stop_at_zero(pulls, rows, height):
    """Zero the gradients `pulls` where ReLU has left zero in the first `height` rows."""
    for j in range(np.uint64(height) * _ROW):
        pulls[j] = ZERO if rows[j] <= ZERO else pulls[j]


@njit(**MODE)
def load(samples, padded, rows):
    """Transpose up to BLOCK `samples` [count, width] into `padded` rows, zero where none is."""
    count, width = samples.shape
    for k in range(width):
        for i in range(count):
            rows[k * ROW + i] = samples[i, k]
        rows[k * ROW + count : k * ROW + ROW] = ZERO
    clear(rows, width, padded)


@njit(**MODE)
def store(rows, samples):
    """Transpose rows back into `samples` [count, width]."""
    count, width = samples.shape
    for i in range(count):
        for k in range(width):
            samples[i, k] = rows[k * ROW + i]
