"""The big things that engines show besides the assets themselves; panels belong to these."""

from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.pointcloud import PointCloud


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


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchMatrix:
    """Which photos were found to see the same things, and how surely."""

    names: tuple[str, ...]
    inliers: np.ndarray
    """[n, n] int32, symmetric: matches that agree with one motion of the camera; 0 where a
    pair was compared in vain, -1 where it was not compared (yet), and on the diagonal."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CameraRig:
    """The cameras and points that are known so far; the frame may change from one to the next."""

    names: tuple[str, ...]
    """Photos that have a place, in the order of `cameras`."""
    cameras: tuple[Camera, ...]
    points: PointCloud
