"""Our palette, and what depth looks like."""

from collections.abc import Mapping

import numpy as np

BACKGROUND = (0.059, 0.067, 0.082)
"""#0f1115, the viewport's ground."""
ACCENT = (1.0, 0.706, 0.329)
"""#ffb454, what is selected."""
BLUE = (0.353, 0.784, 1.0)
"""#5ac8fa."""
RED = (1.0, 0.478, 0.420)
"""#ff7a6b."""
VIOLET = (0.608, 0.549, 1.0)
"""#9b8cff."""
GREEN = (0.290, 0.871, 0.604)
"""#4ade9a."""


def error_colours(psnr: Mapping[str, float]) -> dict[str, tuple[float, float, float]]:
    """Colour of each photo by its PSNR in dB: best green, worst red, between them over amber.

    Only finite values count for the ends; where all are alike, all are green.
    """
    finite = [value for value in psnr.values() if np.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    ends = np.array([RED, ACCENT, GREEN])
    found = {}
    for name, value in psnr.items():
        share = (value - low) / (high - low) if high > low else 1.0
        place = np.clip(np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
        red, green, blue = (float(np.interp(place, (0.0, 0.5, 1.0), end)) for end in ends.T)
        found[name] = (red, green, blue)
    return found


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
