"""Between the numbers that photos store and the amounts of light that they stand for."""

import numpy as np


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """sRGB-encoded values in [0, 1] of linear light of any shape (IEC 61966-2-1), clipped."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_to_linear(encoded: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] of sRGB-encoded values of any shape (IEC 61966-2-1), clipped."""
    encoded = np.clip(encoded, 0.0, 1.0)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
