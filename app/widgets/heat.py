"""Numbers as colours from dark to bright, alone or on top of an image."""

import functools

import numpy as np
import pyqtgraph as pg

DIM = 0.55
"""What is left of an image's brightness where nothing lies on it."""
STRONGEST = 0.8
"""How far the brightest place hides the image."""


@functools.cache
def shades() -> np.ndarray:
    """[256, 3] uint8 of "inferno", even to the eye and in grey."""
    return pg.colormap.get("inferno").getLookupTable(nPts=256)[:, :3].astype(np.uint8)


def heat(values: np.ndarray, *, low: float | None = 0.0, high: float | None = None) -> np.ndarray:
    """[..., 3] uint8 for `values` [...] from `low` to `high`; None is the least or the most.

    What is not finite is as dark as `low`.
    """
    return shades()[np.round(levels(values, low=low, high=high) * 255).astype(np.uint8)]


def levels(values: np.ndarray, *, low: float | None = 0.0, high: float | None = None) -> np.ndarray:
    """`values` [...] in [0, 1]; all 0 where low and high are the same."""
    finite = values[np.isfinite(values)]
    low = (float(finite.min()) if finite.size else 0.0) if low is None else low
    high = (float(finite.max()) if finite.size else 0.0) if high is None else high
    if high <= low:
        return np.zeros(values.shape)
    clean = np.nan_to_num(values, nan=low, neginf=low, posinf=high)
    return np.clip((clean - low) / (high - low), 0, 1)


def laid_over(pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8: image [h, w, 1 or 3] uint8 under the map `values` [rows, columns].

    The largest value is brightest and the least leaves the image dim but bare; each place of the
    map covers its part of the image whole.
    """
    height, width = pixels.shape[:2]
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    share = levels(values, low=None)[rows][:, columns, None]
    hidden = STRONGEST * share
    under = pixels.astype(np.float32) * (DIM + (1 - DIM) * share)
    return np.round((1 - hidden) * under + hidden * heat(share[..., 0], high=1.0)).astype(np.uint8)
