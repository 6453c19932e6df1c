"""The two numba passes over an image that give SSIM, the photometric loss and its gradient.

Channels stay interleaved: along a row of 3 w numbers a neighbour in x is three numbers away,
so both directions of the separable window are plain sums over contiguous memory. Each output
row is independent of the others and its sums are added in a fixed order, so the result does
not depend on the number of threads.
"""

import numpy as np
from numba import njit, prange

from kernels.ssim import reference

MODE = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # All of fastmath but the promise that no NaN occurs: a bad image must give a bad loss.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}

TAPS = reference.window_taps().numpy().astype(np.float32)
T0, T1, T2, T3, T4, T5 = (np.float32(tap) for tap in TAPS[:6])
C1, C2 = np.float32(reference.C1), np.float32(reference.C2)
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
REACH = reference.WINDOW // 2
MARGIN = 3 * REACH
"""Zeros before and after a row, so that the window may run over its ends."""


@njit(**MODE)
def _rows_around(image, row):
    """The eleven rows a window at `row` sees; beyond the image any row, its tap being zero."""
    last = image.shape[0] - 1
    return (
        image[max(row - 5, 0)],
        image[max(row - 4, 0)],
        image[max(row - 3, 0)],
        image[max(row - 2, 0)],
        image[max(row - 1, 0)],
        image[row],
        image[min(row + 1, last)],
        image[min(row + 2, last)],
        image[min(row + 3, last)],
        image[min(row + 4, last)],
        image[min(row + 5, last)],
    )


@njit(**MODE)
def _taps_around(rows, row, taps):
    """The window's taps at `row` of an image of `rows` rows, zero where it leaves the image."""
    clipped = np.zeros(2 * REACH + 1, np.float32)
    for k in range(2 * REACH + 1):
        if 0 <= row + k - REACH < rows:
            clipped[k] = taps[k]
    return clipped


@njit(**MODE)
def _add(sums, tap, x, y):
    wx, wy = tap * x, tap * y
    return (sums[0] + wx, sums[1] + wy, sums[2] + wx * x, sums[3] + wx * y, sums[4] + wy * y)


@njit(**MODE)
def _moments_down(xs, ys, taps, out):
    """Window sums of x, y, xx, xy, yy over eleven rows, into `out` [5, margin + n + margin]."""
    t0, t1, t2, t3, t4, t5 = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
    t6, t7, t8, t9, t10 = taps[6], taps[7], taps[8], taps[9], taps[10]
    for i in range(xs[0].size):
        sums = (ZERO, ZERO, ZERO, ZERO, ZERO)
        sums = _add(sums, t0, xs[0][i], ys[0][i])
        sums = _add(sums, t1, xs[1][i], ys[1][i])
        sums = _add(sums, t2, xs[2][i], ys[2][i])
        sums = _add(sums, t3, xs[3][i], ys[3][i])
        sums = _add(sums, t4, xs[4][i], ys[4][i])
        sums = _add(sums, t5, xs[5][i], ys[5][i])
        sums = _add(sums, t6, xs[6][i], ys[6][i])
        sums = _add(sums, t7, xs[7][i], ys[7][i])
        sums = _add(sums, t8, xs[8][i], ys[8][i])
        sums = _add(sums, t9, xs[9][i], ys[9][i])
        sums = _add(sums, t10, xs[10][i], ys[10][i])
        out[0, MARGIN + i], out[1, MARGIN + i], out[2, MARGIN + i] = sums[0], sums[1], sums[2]
        out[3, MARGIN + i], out[4, MARGIN + i] = sums[3], sums[4]


@njit(**MODE)
def _blur_down(rows, taps, out):
    """Window sum of one map over eleven rows, into `out` [margin + n + margin]."""
    t0, t1, t2, t3, t4, t5 = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
    t6, t7, t8, t9, t10 = taps[6], taps[7], taps[8], taps[9], taps[10]
    for i in range(rows[0].size):
        above = t0 * rows[0][i] + t1 * rows[1][i] + t2 * rows[2][i] + t3 * rows[3][i]
        around = t4 * rows[4][i] + t5 * rows[5][i] + t6 * rows[6][i]
        below = t7 * rows[7][i] + t8 * rows[8][i] + t9 * rows[9][i] + t10 * rows[10][i]
        out[MARGIN + i] = above + around + below


@njit(**MODE)
def _blur_across(row, i):
    """Window sum along a row with margins, at its i-th number."""
    inner = T5 * row[i + 15] + T4 * (row[i + 12] + row[i + 18]) + T3 * (row[i + 9] + row[i + 21])
    outer = T2 * (row[i + 6] + row[i + 24]) + T1 * (row[i + 3] + row[i + 27])
    return inner + outer + T0 * (row[i] + row[i + 30])


@njit(**MODE)
def _compare_row(moments, likeness, by_mean, by_square, by_product):
    """SSIM along a row, and its derivatives by the window's means of x, xx and xy."""
    mx_row, my_row, xx_row, xy_row, yy_row = moments
    for i in range(likeness.size):
        mx, my = _blur_across(mx_row, i), _blur_across(my_row, i)
        xx, xy, yy = _blur_across(xx_row, i), _blur_across(xy_row, i), _blur_across(yy_row, i)
        a1 = TWO * mx * my + C1
        a2 = TWO * (xy - mx * my) + C2
        b1 = mx * mx + my * my + C1
        b2 = (xx - mx * mx) + (yy - my * my) + C2
        inverse = ONE / (b1 * b2)
        s = a1 * a2 * inverse
        likeness[i] = s
        by_mean[i] = TWO * inverse * (my * (a2 - a1) - mx * s * (b2 - b1))
        by_square[i] = -s * b1 * inverse
        by_product[i] = TWO * a1 * inverse


@njit(**MODE)
def _weigh_row(weights, by_mean, by_square, by_product):
    for i in range(weights.size):
        by_mean[i] *= weights[i]
        by_square[i] *= weights[i]
        by_product[i] *= weights[i]


@njit(**MODE)
def _row_sums(x, y, likeness):
    l1, dssim = ZERO, ZERO
    for i in range(x.size):
        l1 += abs(x[i] - y[i])
        dssim += ONE - likeness[i]
    return l1, dssim


@njit(**MODE)
def _weighted_row_sums(x, y, likeness, weights):
    l1, dssim = ZERO, ZERO
    for i in range(x.size):
        l1 += weights[i] * abs(x[i] - y[i])
        dssim += weights[i] * (ONE - likeness[i])
    return l1, dssim


@njit(parallel=True, **MODE)
def compare(x, y, weights, taps, maps, sums):
    """First pass: `maps` [4, h, n] get SSIM and its derivatives, `sums` [h, 2] the two losses."""
    rows, n = x.shape
    for row in prange(rows):
        moments = np.zeros((5, n + 2 * MARGIN), np.float32)
        clipped = _taps_around(rows, row, taps)
        _moments_down(_rows_around(x, row), _rows_around(y, row), clipped, moments)
        five = (moments[0], moments[1], moments[2], moments[3], moments[4])
        _compare_row(five, maps[0, row], maps[1, row], maps[2, row], maps[3, row])
        if weights.size == 0:
            sums[row, 0], sums[row, 1] = _row_sums(x[row], y[row], maps[0, row])
        else:
            w = weights[row]
            sums[row, 0], sums[row, 1] = _weighted_row_sums(x[row], y[row], maps[0, row], w)
            _weigh_row(w, maps[1, row], maps[2, row], maps[3, row])


@njit(**MODE)
def _gradient_row(x, y, blurred, l1_share, ssim_share, out):
    by_mean, by_square, by_product = blurred
    for i in range(out.size):
        mean, square = _blur_across(by_mean, i), _blur_across(by_square, i)
        slope = mean + TWO * x[i] * square + y[i] * _blur_across(by_product, i)
        difference = x[i] - y[i]
        side = l1_share if difference > ZERO else (-l1_share if difference < ZERO else ZERO)
        out[i] = side - ssim_share * slope


@njit(**MODE)
def _weighted_gradient_row(x, y, blurred, weights, l1_share, ssim_share, out):
    _gradient_row(x, y, blurred, ZERO, ssim_share, out)
    for i in range(out.size):
        out[i] += l1_share * weights[i] * np.sign(x[i] - y[i])


@njit(parallel=True, **MODE)
def gradient(x, y, weights, taps, maps, l1_share, ssim_share, out):
    """Second pass: `out` [h, n], the loss by each number of x."""
    rows, n = x.shape
    for row in prange(rows):
        blurred = np.zeros((3, n + 2 * MARGIN), np.float32)
        clipped = _taps_around(rows, row, taps)
        _blur_down(_rows_around(maps[1], row), clipped, blurred[0])
        _blur_down(_rows_around(maps[2], row), clipped, blurred[1])
        _blur_down(_rows_around(maps[3], row), clipped, blurred[2])
        three = (blurred[0], blurred[1], blurred[2])
        if weights.size == 0:
            _gradient_row(x[row], y[row], three, l1_share, ssim_share, out[row])
        else:
            w = weights[row]
            _weighted_gradient_row(x[row], y[row], three, w, l1_share, ssim_share, out[row])
