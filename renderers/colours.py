"""Colours: what a Gaussian shows to an eye, what depth looks like, and our palette."""

import numpy as np

from assets.gaussians import SH_C0

BACKGROUND = (0.059, 0.067, 0.082)
"""#0f1115, the viewport's ground."""
LINE = (0.149, 0.165, 0.196)
"""#262a33."""
ACCENT = (1.0, 0.706, 0.329)
"""#ffb454, what is selected."""
BLUE = (0.353, 0.784, 1.0)
"""#5ac8fa."""
RED = (1.0, 0.478, 0.420)
"""#ff7a6b."""
GREEN = (0.290, 0.871, 0.604)
"""#4ade9a."""
VIOLET = (0.608, 0.549, 1.0)
"""#9b8cff."""


def depth_colours(steps: int = 256) -> np.ndarray:
    """[steps, 3] float32 sRGB from near (light, warm) to far (dark, cool).

    Lightness in OKLab falls evenly from 0.93 to 0.28, so equal steps in depth look equal
    (Ottosson 2020, "A perceptual color space for image processing").
    """
    t = np.linspace(0.0, 1.0, steps)
    lightness = 0.93 - 0.65 * t
    chroma = 0.135 * np.sin(np.pi * (0.12 + 0.80 * t)) + 0.02
    hue = np.radians(95.0 - 175.0 * t)
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    cone = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_linear @ cone**3, 0.0, 1.0).T
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1.0 / 2.4) - 0.055
    )
    return encoded.astype(np.float32)


def colours_seen_from(sh: np.ndarray, means: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """[n, 3] float32 colours of Gaussians with `sh` [n, k, 3] at `means` [n, 3] seen from `eye`."""
    colour = 0.5 + SH_C0 * sh[:, 0]
    if sh.shape[1] > 1:
        direction = means - eye.astype(np.float32)
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-12)
        x, y, z = (direction[:, i, None] for i in range(3))
        colour += 0.4886025119029199 * (z * sh[:, 2] - y * sh[:, 1] - x * sh[:, 3])
    if sh.shape[1] > 4:
        xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
        colour += 1.0925484305920792 * (xy * sh[:, 4] - yz * sh[:, 5] - xz * sh[:, 7])
        colour += 0.31539156525252005 * (2.0 * zz - xx - yy) * sh[:, 6]
        colour += 0.5462742152960396 * (xx - yy) * sh[:, 8]
    if sh.shape[1] > 9:
        colour -= 0.5900435899266435 * y * (3.0 * xx - yy) * sh[:, 9]
        colour += 2.890611442640554 * xy * z * sh[:, 10]
        colour -= 0.4570457994644658 * y * (4.0 * zz - xx - yy) * sh[:, 11]
        colour += 0.3731763325901154 * z * (2.0 * zz - 3.0 * xx - 3.0 * yy) * sh[:, 12]
        colour -= 0.4570457994644658 * x * (4.0 * zz - xx - yy) * sh[:, 13]
        colour += 1.445305721320277 * z * (xx - yy) * sh[:, 14]
        colour -= 0.5900435899266435 * x * (xx - 3.0 * yy) * sh[:, 15]
    return np.maximum(colour, 0.0).astype(np.float32)
