"""The inner loop of undistortion: read a picture at other places than its pixels."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def remap(
    source: np.ndarray, nodes: np.ndarray, step: int, width: int, height: int, wrap: bool
) -> np.ndarray:
    """[height, width, c] float32: `source` [h, w, c] read where `nodes` say.

    `nodes` [rows, columns, 2] float32 are places in `source` in pixels (centres at
    half-integers) for every `step`-th corner of the output's pixels, linear in between;
    with `step` 0 they are given for each pixel's centre. Places outside read the nearest
    pixel, or with `wrap` go round sideways; NaN gives 0. Catmull and Rom's cubic keeps
    sharpness ("A class of local interpolating splines", 1974).
    """
    rows, columns, channels = source.shape
    out = np.zeros((height, width, channels), np.float32)
    weights_x = np.empty(4, np.float32)
    weights_y = np.empty(4, np.float32)
    for i in range(height):
        for j in range(width):
            if step == 0:
                x, y = nodes[i, j, 0], nodes[i, j, 1]
            else:
                x, y = _between(nodes, (j + 0.5) / step, (i + 0.5) / step)
            x, y = x - np.float32(0.5), y - np.float32(0.5)
            if not (abs(x) < 1e6 and abs(y) < 1e6):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            _cubic(float(x - left), weights_x)
            _cubic(float(y - top), weights_y)
            for a in range(4):
                row = min(max(top - 1 + a, 0), rows - 1)
                for b in range(4):
                    column = left - 1 + b
                    column = column % columns if wrap else min(max(column, 0), columns - 1)
                    weight = weights_y[a] * weights_x[b]
                    for c in range(channels):
                        out[i, j, c] += weight * source[row, column, c]
            for c in range(channels):
                out[i, j, c] = min(max(out[i, j, c], np.float32(0)), np.float32(1))
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _between(nodes: np.ndarray, x: float, y: float) -> tuple[float, float]:
    j, i = int(x), int(y)
    u, v = np.float32(x - j), np.float32(y - i)
    a, b = (1 - u) * (1 - v), u * (1 - v)
    c, d = (1 - u) * v, u * v
    return (
        a * nodes[i, j, 0]
        + b * nodes[i, j + 1, 0]
        + c * nodes[i + 1, j, 0]
        + d * nodes[i + 1, j + 1, 0],
        a * nodes[i, j, 1]
        + b * nodes[i, j + 1, 1]
        + c * nodes[i + 1, j, 1]
        + d * nodes[i + 1, j + 1, 1],
    )


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cubic(t: float, weights: np.ndarray) -> None:
    t2 = t * t
    t3 = t2 * t
    weights[0] = -0.5 * t + t2 - 0.5 * t3
    weights[1] = 1.0 - 2.5 * t2 + 1.5 * t3
    weights[2] = 0.5 * t + 2.0 * t2 - 1.5 * t3
    weights[3] = 0.5 * t3 - 0.5 * t2
