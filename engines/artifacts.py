"""The big things that engines show besides the assets themselves; panels belong to these."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """The present Gaussians as the density control sees them, one number each."""

    step: int
    opacities: np.ndarray
    """[n] float32 in (0, 1)."""
    scales: np.ndarray
    """[n] float32, largest standard deviation over the scene's extent."""
    gradients: np.ndarray
    """[n] float32 mean view-space gradient since the last refinement, NaN where never seen."""
    grow_gradient: float
    """Gaussians above this gradient are cloned or split; NaN if the strategy has no such rule."""
    split_scale: float
    """Above this scale they are split, below cloned."""
    prune_opacity: float
    """Gaussians fainter than this are removed or moved."""
