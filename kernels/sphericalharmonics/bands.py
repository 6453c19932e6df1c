"""The numba loops over Gaussians that turn harmonics into colours, and back into gradients."""

import numpy as np
from numba import njit, prange

from kernels.sphericalharmonics import reference

MODE = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # All of fastmath but the promise that no NaN occurs: bad numbers must not look good.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}

K0, K1 = np.float32(reference.C0), np.float32(reference.C1)
K20, K21, K22 = (np.float32(c) for c in reference.C2)
K30, K31, K32, K33, K34 = (np.float32(c) for c in reference.C3)
ZERO, HALF, ONE, TWO, THREE, FOUR, SIX, EIGHT = (
    np.float32(v) for v in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
)
BLOCK = 256
"""Gaussians in one piece of work."""


@njit(**MODE)
def _inverse_length(x, y, z):
    """1 / |(x, y, z)|, or 0 for what has no length or no finite one."""
    squared = x * x + y * y + z * z
    if squared > ZERO and squared < np.float32(np.inf):
        return ONE / np.sqrt(squared)
    return ZERO


@njit(**MODE)
def _basis(x, y, z, degree, out):
    """The harmonics above the constant one, in `out` [15]."""
    if degree > 0:
        out[0], out[1], out[2] = -K1 * y, K1 * z, -K1 * x
    if degree > 1:
        xx, yy, zz = x * x, y * y, z * z
        out[3], out[4] = K20 * x * y, -K20 * y * z
        out[5] = K21 * (TWO * zz - xx - yy)
        out[6], out[7] = -K20 * x * z, K22 * (xx - yy)
        if degree > 2:
            out[8] = -K30 * y * (THREE * xx - yy)
            out[9] = K31 * x * y * z
            out[10] = -K32 * y * (FOUR * zz - xx - yy)
            out[11] = K33 * z * (TWO * zz - THREE * xx - THREE * yy)
            out[12] = -K32 * x * (FOUR * zz - xx - yy)
            out[13] = K34 * z * (xx - yy)
            out[14] = -K30 * x * (xx - THREE * yy)


@njit(**MODE)
def _slopes(x, y, z, degree, w):
    """Gradient by x, y, z of the sum of `w` [15] times the harmonics of `_basis`."""
    gx, gy, gz = -K1 * w[2], -K1 * w[0], K1 * w[1]
    if degree > 1:
        gx += K20 * (y * w[3] - z * w[6]) + TWO * x * (K22 * w[7] - K21 * w[5])
        gy += K20 * (x * w[3] - z * w[4]) - TWO * y * (K22 * w[7] + K21 * w[5])
        gz += FOUR * K21 * z * w[5] - K20 * (y * w[4] + x * w[6])
    if degree > 2:
        xx, yy, zz = x * x, y * y, z * z
        xy, xz, yz = x * y, x * z, y * z
        gx += (
            -SIX * K30 * xy * w[8]
            + K31 * yz * w[9]
            + TWO * K32 * xy * w[10]
            - SIX * K33 * xz * w[11]
            - K32 * (FOUR * zz - THREE * xx - yy) * w[12]
            + TWO * K34 * xz * w[13]
            - THREE * K30 * (xx - yy) * w[14]
        )
        gy += (
            -THREE * K30 * (xx - yy) * w[8]
            + K31 * xz * w[9]
            - K32 * (FOUR * zz - xx - THREE * yy) * w[10]
            - SIX * K33 * yz * w[11]
            + TWO * K32 * xy * w[12]
            - TWO * K34 * yz * w[13]
            + SIX * K30 * xy * w[14]
        )
        gz += (
            K31 * xy * w[9]
            - EIGHT * K32 * yz * w[10]
            + THREE * K33 * (TWO * zz - xx - yy) * w[11]
            - EIGHT * K32 * xz * w[12]
            + K34 * (xx - yy) * w[13]
        )
    return gx, gy, gz


@njit(parallel=True, **MODE)
def colours_forward(constant, rest, offset, points, origin, visible, degree, colours):
    """`colours` [n, 3] of the `points` [n, 3] seen from `origin` [3].

    The constant band lies in the first three columns of `constant` [n, ...], the others in
    `rest` [n, ...] from column `offset` on. `visible` is bool [n], or empty for all.
    """
    n = points.shape[0]
    used = (degree + 1) ** 2 - 1
    for block in prange((n + BLOCK - 1) // BLOCK):
        values = np.zeros(15, np.float32)
        for i in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            if visible.size != 0 and not visible[i]:
                colours[i, 0], colours[i, 1], colours[i, 2] = ZERO, ZERO, ZERO
                continue
            x, y, z = points[i, 0] - origin[0], points[i, 1] - origin[1], points[i, 2] - origin[2]
            inverse = _inverse_length(x, y, z)
            _basis(x * inverse, y * inverse, z * inverse, degree, values)
            r = HALF + K0 * constant[i, 0]
            g = HALF + K0 * constant[i, 1]
            b = HALF + K0 * constant[i, 2]
            band = rest[i, offset:]
            for k in range(used):
                r += values[k] * band[3 * k]
                g += values[k] * band[3 * k + 1]
                b += values[k] * band[3 * k + 2]
            # Written so that NaN stays NaN.
            colours[i, 0] = ZERO if r < ZERO else r
            colours[i, 1] = ZERO if g < ZERO else g
            colours[i, 2] = ZERO if b < ZERO else b


@njit(parallel=True, **MODE)
def colours_backward(
    rest, points, visible, degree, colours, by_colour, by_constant, by_rest, by_point
):
    """Gradients of `colours_forward` from the origin, `by_colour` [n, 3] being that of colour.

    All of `by_constant` [n, 3], `by_rest` [n, 3 k] and `by_point` [n, 3] is written.
    """
    n = points.shape[0]
    used = (degree + 1) ** 2 - 1
    for block in prange((n + BLOCK - 1) // BLOCK):
        values, pulls = np.zeros(15, np.float32), np.zeros(15, np.float32)
        for i in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            seen = visible.size == 0 or visible[i]
            # A colour held at 0 by the clamp does not change.
            r = by_colour[i, 0] if seen and colours[i, 0] != ZERO else ZERO
            g = by_colour[i, 1] if seen and colours[i, 1] != ZERO else ZERO
            b = by_colour[i, 2] if seen and colours[i, 2] != ZERO else ZERO
            by_constant[i, 0], by_constant[i, 1], by_constant[i, 2] = K0 * r, K0 * g, K0 * b
            by_point[i, 0], by_point[i, 1], by_point[i, 2] = ZERO, ZERO, ZERO
            by_band = by_rest[i]
            if not seen or degree == 0:
                by_band[:] = ZERO
                continue
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            inverse = _inverse_length(x, y, z)
            x, y, z = x * inverse, y * inverse, z * inverse
            _basis(x, y, z, degree, values)
            band = rest[i]
            for k in range(used):
                by_band[3 * k] = values[k] * r
                by_band[3 * k + 1] = values[k] * g
                by_band[3 * k + 2] = values[k] * b
                pulls[k] = r * band[3 * k] + g * band[3 * k + 1] + b * band[3 * k + 2]
            by_band[3 * used :] = ZERO
            gx, gy, gz = _slopes(x, y, z, degree, pulls)
            # Only what turns the direction counts, not what lengthens it.
            along = gx * x + gy * y + gz * z
            by_point[i, 0] = (gx - along * x) * inverse
            by_point[i, 1] = (gy - along * y) * inverse
            by_point[i, 2] = (gz - along * z) * inverse
