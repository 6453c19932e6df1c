"""How one pixel came about, by the rules of `forward` but for a single pixel and in numpy."""

import numpy as np
import torch
from torch import Tensor

from kernels.rasterize.cpu.autograd import array
from kernels.rasterize.types import (
    ALPHA_MAX,
    ALPHA_MIN,
    TRANSMITTANCE_MIN,
    Projected,
    Traced,
)

SLACK_PX = 2e-3
"""By which footprints are widened against rounding before each is looked at exactly."""


def trace(
    projected: Projected, opacities: Tensor, colours: Tensor, *, column: int, row: int
) -> Traced:
    """See `kernels.rasterize.trace`."""
    centre = np.array([column + 0.5, row + 0.5])
    extents, opacity = array(projected.extents), array(opacities)
    away = centre - array(projected.means2d)
    near = (np.abs(away) <= extents + SLACK_PX).all(axis=1) & (extents > 0).all(axis=1)
    near &= np.isfinite(array(colours)).all(axis=1) & np.isfinite(opacity)
    index = np.flatnonzero(near)
    index = index[np.argsort(array(projected.depths)[index], kind="stable")]

    alphas = _alphas(away[index], array(projected.conics)[index], extents[index, 1], opacity[index])
    hit = alphas >= ALPHA_MIN
    index, alphas = index[hit], alphas[hit]
    behind = np.cumprod(1 - alphas)
    used = int(np.count_nonzero(behind > TRANSMITTANCE_MIN))
    before = np.concatenate([[1.0], behind])[:used]
    return Traced(
        torch.from_numpy(index[:used]),
        torch.from_numpy(alphas[:used].astype(np.float32)),
        torch.from_numpy(before.astype(np.float32)),
    )


def _alphas(
    away: np.ndarray, conics: np.ndarray, reach_y: np.ndarray, opacity: np.ndarray
) -> np.ndarray:
    """[k] float64 alphas at `away` [k, 2] pixels from the means.

    With the Cholesky factor of the conic, whose second row comes from the extent, as in the
    packed records: of a needle's conic itself hardly a digit would be left.
    """
    a, b = conics[:, 0].astype(np.float64), conics[:, 1]
    root = np.sqrt(a)
    u = root * away[:, 0] + b / root * away[:, 1]
    v = away[:, 1] / reach_y
    power = -0.5 * u * u - np.log(opacity / ALPHA_MIN) * v * v
    return np.minimum(opacity * np.exp(power), ALPHA_MAX)
