"""Projecting Gaussians onto the image and its gradients; formulas as in the reference."""

import math

import numba
import numpy as np
from numba import prange

from kernels.rasterize.cpu.layout import OPTIONS
from kernels.rasterize.types import ALPHA_MIN, BLUR, FAR, FIELD_MARGIN

# Entries of `lens`.
FX, FY, CX, CY, WIDTH, HEIGHT, NEAR = range(7)

_ONE, _TWO, _ZERO = np.float32(1.0), np.float32(2.0), np.float32(0.0)
_BLUR = np.float32(BLUR)
_ALPHA_MIN = np.float32(ALPHA_MIN)
_FAR = np.float32(FAR)
_MARGIN = np.float32(0.5 * FIELD_MARGIN)


@numba.njit(parallel=True, **OPTIONS)
def project_forward(
    means, quats, scales, opacities, probe, view, lens, means2d, conics, depths, extents, radii
):
    """Fill means2d, conics, depths, extents and radii; see `kernels.rasterize.project`.

    `probe` is [n, 2] or [0, 2]; `view` [3, 4] float32 world to camera; `lens` [7] float32.
    """
    for i in prange(means.shape[0]):
        means2d[i, 0] = means2d[i, 1] = depths[i] = extents[i, 0] = extents[i, 1] = _ZERO
        conics[i, 0] = conics[i, 1] = conics[i, 2] = radii[i] = _ZERO
        x, y, z = _to_camera(means, i, view)
        opacity = opacities[i]
        if not (z > lens[NEAR] and z < _FAR and opacity >= _ALPHA_MIN and opacity < np.inf):
            continue
        rotation, _ = _rotation(quats, i)
        upper, lower, _, _ = _jacobian_rows(x, y, z, view, lens)
        m0, m1 = _times(upper, rotation), _times(lower, rotation)
        s0, s1, s2 = scales[i, 0], scales[i, 1], scales[i, 2]
        n0 = (m0[0] * s0, m0[1] * s1, m0[2] * s2)
        n1 = (m1[0] * s0, m1[1] * s1, m1[2] * s2)
        xx, xy, yy, determinant = _covariance(n0, n1)
        reach = _TWO * np.float32(math.log(opacity / _ALPHA_MIN))
        mean_x = lens[FX] * (x / z) + lens[CX]
        mean_y = lens[FY] * (y / z) + lens[CY]
        if probe.shape[0] > 0:
            mean_x += probe[i, 0]
            mean_y += probe[i, 1]
        reach_x, reach_y = math.sqrt(reach * xx), math.sqrt(reach * yy)
        a, b, c = yy / determinant, -xy / determinant, xx / determinant
        # Comparisons with NaN are false, so each of these lets only finite numbers through.
        sound = a > _ZERO and a < np.inf and abs(b) < np.inf and c > _ZERO and c < np.inf
        sound = sound and determinant < np.inf and reach_x > _ZERO and reach_y > _ZERO
        inside_x = mean_x + reach_x > _ZERO and mean_x - reach_x < lens[WIDTH]
        inside_y = mean_y + reach_y > _ZERO and mean_y - reach_y < lens[HEIGHT]
        finite = abs(mean_x) + reach_x < np.inf and abs(mean_y) + reach_y < np.inf
        if not (sound and inside_x and inside_y and finite):
            continue
        means2d[i, 0], means2d[i, 1] = mean_x, mean_y
        conics[i, 0], conics[i, 1], conics[i, 2] = a, b, c
        depths[i] = z
        extents[i, 0], extents[i, 1] = reach_x, reach_y
        radii[i] = max(reach_x, reach_y)


@numba.njit(parallel=True, **OPTIONS)
def project_backward(
    means,
    quats,
    scales,
    view,
    lens,
    conics,
    radii,
    means2d_grad,
    conics_grad,
    depths_grad,
    means_grad,
    quats_grad,
    scales_grad,
):
    """Fill the gradients of means, quats and scales, zero for what was culled."""
    for i in prange(means.shape[0]):
        means_grad[i, 0] = means_grad[i, 1] = means_grad[i, 2] = _ZERO
        scales_grad[i, 0] = scales_grad[i, 1] = scales_grad[i, 2] = _ZERO
        quats_grad[i, 0] = quats_grad[i, 1] = quats_grad[i, 2] = quats_grad[i, 3] = _ZERO
        if not radii[i] > _ZERO:
            continue
        x, y, z = _to_camera(means, i, view)
        rotation, length = _rotation(quats, i)
        upper, lower, free_x, free_y = _jacobian_rows(x, y, z, view, lens)
        m0, m1 = _times(upper, rotation), _times(lower, rotation)
        s = (scales[i, 0], scales[i, 1], scales[i, 2])

        # conic = inverse of covariance: d covariance = -conic (d conic) conic.
        a, b, c = conics[i, 0], conics[i, 1], conics[i, 2]
        ga, gb, gc = conics_grad[i, 0], np.float32(0.5) * conics_grad[i, 1], conics_grad[i, 2]
        h00, h01 = a * ga + b * gb, a * gb + b * gc
        h10, h11 = b * ga + c * gb, b * gb + c * gc
        gxx, gxy, gyy = -(h00 * a + h01 * b), -(h00 * b + h01 * c), -(h10 * b + h11 * c)

        # covariance = N N^T with N = M S and M = J W R.
        n0 = (m0[0] * s[0], m0[1] * s[1], m0[2] * s[2])
        n1 = (m1[0] * s[0], m1[1] * s[1], m1[2] * s[2])
        by_n0, by_n1 = _mixed(gxx, n0, gxy, n1), _mixed(gxy, n0, gyy, n1)
        for k in range(3):
            scales_grad[i, k] = by_n0[k] * m0[k] + by_n1[k] * m1[k]
        d0 = (by_n0[0] * s[0], by_n0[1] * s[1], by_n0[2] * s[2])
        d1 = (by_n1[0] * s[0], by_n1[1] * s[1], by_n1[2] * s[2])
        _rotation_backward(quats_grad[i], quats[i], length, upper, lower, d0, d1)
        by_upper, by_lower = _times_transposed(d0, rotation), _times_transposed(d1, rotation)

        # upper = fx / z * (W0 - u W2), lower = fy / z * (W1 - v W2), u = x / z, v = y / z.
        flat, fx, fy = _ONE / z, lens[FX], lens[FY]
        axis = (view[2, 0], view[2, 1], view[2, 2])
        by_u, by_v = fx * means2d_grad[i, 0], fy * means2d_grad[i, 1]
        if free_x:
            by_u -= fx * flat * _dot(by_upper, axis)
        if free_y:
            by_v -= fy * flat * _dot(by_lower, axis)
        by_x, by_y = by_u * flat, by_v * flat
        by_z = depths_grad[i] - by_x * (x / z) - by_y * (y / z)
        by_z -= (_dot(by_upper, upper) + _dot(by_lower, lower)) * flat
        for k in range(3):
            means_grad[i, k] = by_x * view[0, k] + by_y * view[1, k] + by_z * view[2, k]


@numba.njit(**OPTIONS)
def _to_camera(means, i, view):
    mx, my, mz = means[i, 0], means[i, 1], means[i, 2]
    x = view[0, 0] * mx + view[0, 1] * my + view[0, 2] * mz + view[0, 3]
    y = view[1, 0] * mx + view[1, 1] * my + view[1, 2] * mz + view[1, 3]
    z = view[2, 0] * mx + view[2, 1] * my + view[2, 2] * mz + view[2, 3]
    return x, y, z


@numba.njit(**OPTIONS)
def _jacobian_rows(x, y, z, view, lens):
    """Both rows of J W, and whether x/z and y/z were within their limits."""
    fx, fy = lens[FX], lens[FY]
    margin_x, margin_y = _MARGIN * lens[WIDTH], _MARGIN * lens[HEIGHT]
    raw_u, raw_v = x / z, y / z
    u = min(max(raw_u, -(lens[CX] + margin_x) / fx), (lens[WIDTH] - lens[CX] + margin_x) / fx)
    v = min(max(raw_v, -(lens[CY] + margin_y) / fy), (lens[HEIGHT] - lens[CY] + margin_y) / fy)
    a, b = fx / z, fy / z
    upper = (
        a * (view[0, 0] - u * view[2, 0]),
        a * (view[0, 1] - u * view[2, 1]),
        a * (view[0, 2] - u * view[2, 2]),
    )
    lower = (
        b * (view[1, 0] - v * view[2, 0]),
        b * (view[1, 1] - v * view[2, 1]),
        b * (view[1, 2] - v * view[2, 2]),
    )
    return upper, lower, u == raw_u, v == raw_v


@numba.njit(**OPTIONS)
def _rotation(quats, i):
    """Rows of the rotation matrix and the quaternion's length."""
    w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
    length = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / length, x / length, y / length, z / length
    return (
        (_ONE - _TWO * (y * y + z * z), _TWO * (x * y - w * z), _TWO * (x * z + w * y)),
        (_TWO * (x * y + w * z), _ONE - _TWO * (x * x + z * z), _TWO * (y * z - w * x)),
        (_TWO * (x * z - w * y), _TWO * (y * z + w * x), _ONE - _TWO * (x * x + y * y)),
    ), length


@numba.njit(**OPTIONS)
def _rotation_backward(grad, quat, length, upper, lower, d0, d1):
    """Gradient of a raw quaternion, where that of the rotation is upper^T d0 + lower^T d1."""
    w, x, y, z = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    g01, g10 = upper[0] * d0[1] + lower[0] * d1[1], upper[1] * d0[0] + lower[1] * d1[0]
    g02, g20 = upper[0] * d0[2] + lower[0] * d1[2], upper[2] * d0[0] + lower[2] * d1[0]
    g12, g21 = upper[1] * d0[2] + lower[1] * d1[2], upper[2] * d0[1] + lower[2] * d1[1]
    g00, g11 = upper[0] * d0[0] + lower[0] * d1[0], upper[1] * d0[1] + lower[1] * d1[1]
    g22 = upper[2] * d0[2] + lower[2] * d1[2]
    by_w = _TWO * (x * (g21 - g12) + y * (g02 - g20) + z * (g10 - g01))
    by_x = _TWO * (y * (g01 + g10) + z * (g02 + g20) + w * (g21 - g12) - _TWO * x * (g11 + g22))
    by_y = _TWO * (x * (g01 + g10) + z * (g12 + g21) + w * (g02 - g20) - _TWO * y * (g00 + g22))
    by_z = _TWO * (x * (g02 + g20) + y * (g12 + g21) + w * (g10 - g01) - _TWO * z * (g00 + g11))
    along = by_w * w + by_x * x + by_y * y + by_z * z
    grad[0] = (by_w - along * w) / length
    grad[1] = (by_x - along * x) / length
    grad[2] = (by_y - along * y) / length
    grad[3] = (by_z - along * z) / length


@numba.njit(**OPTIONS)
def _covariance(n0, n1):
    """xx, xy, yy of N N^T + BLUR and its determinant, free of cancellation."""
    xx, xy, yy = _dot(n0, n0), _dot(n0, n1), _dot(n1, n1)
    p = n0[1] * n1[2] - n0[2] * n1[1]
    q = n0[2] * n1[0] - n0[0] * n1[2]
    r = n0[0] * n1[1] - n0[1] * n1[0]
    determinant = p * p + q * q + r * r + _BLUR * (xx + yy) + _BLUR * _BLUR
    return xx + _BLUR, xy, yy + _BLUR, determinant


@numba.njit(**OPTIONS)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@numba.njit(**OPTIONS)
def _mixed(p, a, q, b):
    """2 (p a + q b)"""
    return (
        _TWO * (p * a[0] + q * b[0]),
        _TWO * (p * a[1] + q * b[1]),
        _TWO * (p * a[2] + q * b[2]),
    )


@numba.njit(**OPTIONS)
def _times(row, m):
    """row M"""
    return (
        row[0] * m[0][0] + row[1] * m[1][0] + row[2] * m[2][0],
        row[0] * m[0][1] + row[1] * m[1][1] + row[2] * m[2][1],
        row[0] * m[0][2] + row[1] * m[1][2] + row[2] * m[2][2],
    )


@numba.njit(**OPTIONS)
def _times_transposed(row, m):
    """row M^T"""
    return _dot(row, m[0]), _dot(row, m[1]), _dot(row, m[2])
