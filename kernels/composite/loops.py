"""The numba loops along packed rays: one pass forward, one pass back."""

import numpy as np
from numba import njit, prange

from kernels.composite.types import ACCUMULATION_MIN

MODE = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # All of fastmath but the promise that no NaN occurs: bad numbers must not look good.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
RAYS = 32
"""Rays in one piece of work."""

ZERO, HALF, ONE, TWO = (np.float32(v) for v in (0.0, 0.5, 1.0, 2.0))
THIRD = np.float32(1 / 3)
LEAST = np.float32(ACCUMULATION_MIN)

LOG2_E, LN2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
THICKEST = np.float32(87.0)
"""exp(-87) is the smallest that float32 holds well."""
E2, E3, E4, E5, E6 = (np.float32(1 / f) for f in (2, 6, 24, 120, 720))
BIAS, MANTISSA_BITS = np.float32(127.0), np.int32(23)


@njit(**MODE)
def _opacity(x):
    """1 - exp(-x) to a relative error of about 1e-6, as arithmetic that stays in registers.

    exp(-x) = 2^k (1 + q), |q| < 0.5; where k is 0, all that is left is q, free of cancellation.
    """
    x = THICKEST if x > THICKEST else x
    x = -THICKEST if x < -THICKEST else x
    k = np.floor(HALF - x * LOG2_E)
    r = -x - k * LN2
    q = r + r * r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * E6))))
    k = k if k > -BIAS else ZERO  # of NaN too: there is no such whole number
    power = np.int32(np.int32(k + BIAS) << MANTISSA_BITS).view(np.float32)
    return (ONE - power) - power * q


@njit(parallel=True, **MODE)
def composite_forward(
    sigma, colour, t_start, t_end, offsets, stop, out, depth, accumulation, weights, left, ends
):
    """Fill `out` [n, c], `depth` [n], `accumulation` [n] and `weights` [m].

    For the way back it also fills `left` [m], the light left behind each sample, and `ends` [n],
    where the samples of each ray end that light reaches.
    """
    n, channels = out.shape
    for block in prange((n + RAYS - 1) // RAYS):
        first, last = block * RAYS, min((block + 1) * RAYS, n)
        begin, end = offsets[first], offsets[last]
        for i in range(begin, end):
            left[i] = _opacity(sigma[i] * (t_end[i] - t_start[i]))
        for ray in range(first, last):
            light, total, deep = ONE, ZERO, ZERO
            r, g, b = ZERO, ZERO, ZERO
            out[ray] = ZERO
            ray_end = offsets[ray + 1]
            ends[ray] = ray_end
            for i in range(offsets[ray], ray_end):
                if light < stop:
                    ends[ray] = i
                    weights[i:ray_end], left[i:ray_end] = ZERO, ZERO
                    break
                weight = light * left[i]
                light -= weight
                weights[i], left[i] = weight, light
                total += weight
                deep += weight * (HALF * (t_start[i] + t_end[i]))
                if channels == 3:
                    r += weight * colour[i, 0]
                    g += weight * colour[i, 1]
                    b += weight * colour[i, 2]
                else:
                    for c in range(channels):
                        out[ray, c] += weight * colour[i, c]
            if channels == 3:
                out[ray, 0], out[ray, 1], out[ray, 2] = r, g, b
            accumulation[ray] = total
            depth[ray] = ZERO if total <= LEAST else deep / total


@njit(parallel=True, **MODE)
def composite_backward(
    colour,
    t_start,
    t_end,
    offsets,
    depth,
    accumulation,
    weights,
    left,
    ends,
    by_out,
    by_depth,
    by_accumulation,
    by_weights,
    by_sigma,
    by_colour,
):
    """Fill `by_sigma` [m] and, unless it is empty, `by_colour` [m, c].

    `by_weights` is [m], or empty for none. With v_i the gradient of the weight i, that of
    sigma_i dt_i is (light left behind i) v_i - sum_{j>i} w_j v_j.
    """
    n, channels = by_out.shape
    for block in prange((n + RAYS - 1) // RAYS):
        for ray in range(block * RAYS, min((block + 1) * RAYS, n)):
            ray_end = ends[ray]
            by_sigma[ray_end : offsets[ray + 1]] = ZERO
            if by_colour.shape[0] != 0:
                by_colour[ray_end : offsets[ray + 1]] = ZERO
            total = accumulation[ray]
            by_t = ZERO if total <= LEAST else by_depth[ray] / total
            behind = ZERO
            for i in range(ray_end - 1, offsets[ray] - 1, -1):
                weight = weights[i]
                value = by_t * (HALF * (t_start[i] + t_end[i]) - depth[ray])
                value += by_accumulation[ray]
                if by_weights.size != 0:
                    value += by_weights[i]
                if channels == 3:
                    value += (
                        by_out[ray, 0] * colour[i, 0]
                        + by_out[ray, 1] * colour[i, 1]
                        + by_out[ray, 2] * colour[i, 2]
                    )
                else:
                    for c in range(channels):
                        value += by_out[ray, c] * colour[i, c]
                if by_colour.shape[0] != 0:
                    for c in range(channels):
                        by_colour[i, c] = weight * by_out[ray, c]
                by_sigma[i] = (t_end[i] - t_start[i]) * (left[i] * value - behind)
                behind += weight * value


@njit(parallel=True, **MODE)
def distortion_forward(weights, t_start, t_end, offsets, loss):
    """Fill `loss` [n]; `near` is the sum of w_j (m_i - m_j) over all j before i."""
    n = loss.shape[0]
    for block in prange((n + RAYS - 1) // RAYS):
        for ray in range(block * RAYS, min((block + 1) * RAYS, n)):
            total, near, before, last = ZERO, ZERO, ZERO, ZERO
            for i in range(offsets[ray], offsets[ray + 1]):
                weight, middle = weights[i], HALF * (t_start[i] + t_end[i])
                near += before * (middle - last)
                total += weight * (TWO * near + THIRD * weight * (t_end[i] - t_start[i]))
                before += weight
                last = middle
            loss[ray] = total


@njit(parallel=True, **MODE)
def distortion_backward(weights, t_start, t_end, offsets, by_loss, by_weights):
    """Fill `by_weights` [m]: 2 sum_j w_j |m_i - m_j| + 2/3 w_i dt_i, times the ray's gradient."""
    n = by_loss.shape[0]
    for block in prange((n + RAYS - 1) // RAYS):
        for ray in range(block * RAYS, min((block + 1) * RAYS, n)):
            near, before, last = ZERO, ZERO, ZERO
            for i in range(offsets[ray], offsets[ray + 1]):
                middle = HALF * (t_start[i] + t_end[i])
                near += before * (middle - last)
                by_weights[i] = near + THIRD * weights[i] * (t_end[i] - t_start[i])
                before += weights[i]
                last = middle
            far, behind = ZERO, ZERO
            for i in range(offsets[ray + 1] - 1, offsets[ray] - 1, -1):
                middle = HALF * (t_start[i] + t_end[i])
                far += behind * (last - middle)
                by_weights[i] = TWO * by_loss[ray] * (by_weights[i] + far)
                behind += weights[i]
                last = middle


@njit(parallel=True, **MODE)
def find_medians(weights, t_start, t_end, offsets, depth):
    """Fill `depth` [n]."""
    n = depth.shape[0]
    for block in prange((n + RAYS - 1) // RAYS):
        for ray in range(block * RAYS, min((block + 1) * RAYS, n)):
            begin, end = offsets[ray], offsets[ray + 1]
            total = ZERO
            for i in range(begin, end):
                total += weights[i]
            depth[ray] = ZERO if total <= LEAST else total
            if not total > LEAST:
                continue
            half, before = HALF * total, ZERO
            for i in range(begin, end):
                if before + weights[i] >= half:
                    share = (half - before) / weights[i]
                    depth[ray] = t_start[i] + share * (t_end[i] - t_start[i])
                    break
                before += weights[i]
