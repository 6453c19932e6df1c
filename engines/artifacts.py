"""The big things that engines show besides the assets themselves; panels belong to these."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assets.camera import Camera
from assets.pointcloud import PointCloud

if TYPE_CHECKING:
    from engines.engine import RenderSource


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


@dataclass(frozen=True, eq=False, kw_only=True)
class Portrait:
    """The present state of something that only its engine can draw, such as a radiance field."""

    step: int
    source: "RenderSource"
    """A snapshot, which may be drawn while training goes on."""
    megabytes: float
    """Of its parameters, in units of 10**6 bytes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RayLevel:
    """The m samples of one level along a ray, near to far; all float32, in units of the input."""

    name: str
    """"samples", or "coarse" and "fine"."""
    t_start: np.ndarray
    """[m] distance from the eye at which each sample begins."""
    t_end: np.ndarray
    """[m] where it ends."""
    sigma: np.ndarray
    """[m] density, per unit of distance."""
    transmittance: np.ndarray
    """[m] share of the light that reaches the sample."""
    weights: np.ndarray
    """[m] share of the sample in the pixel."""
    colours: np.ndarray
    """[m, 3] sRGB."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldRay:
    """What a radiance field is along the ray of one pixel; in the frame of the input."""

    pixel: tuple[float, float]
    origin: np.ndarray
    """[3] the eye."""
    direction: np.ndarray
    """[3] of length 1."""
    levels: tuple[RayLevel, ...]
    """The last one makes the colour."""
    colour: np.ndarray
    """[3] sRGB with whatever lies behind."""
    depth: float
    """Expected distance from the eye; 0 where there is nothing."""
    median_depth: float
    accumulation: float
    """How much of the light is stopped, 0 to 1."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SplatRay:
    """The k Gaussians that made one pixel, near to far; in the frame of the input."""

    pixel: tuple[float, float]
    origin: np.ndarray
    """[3] the eye."""
    direction: np.ndarray
    """[3] of length 1."""
    rows: np.ndarray
    """[k] int64 row in the cloud."""
    means: np.ndarray
    """[k, 3] float32 centres."""
    depths: np.ndarray
    """[k] float32 distance along z of the camera, by which they are sorted."""
    t: np.ndarray
    """[k] float32 distance from the eye along the ray."""
    alpha: np.ndarray
    """[k] float32 opacity at the pixel."""
    transmittance: np.ndarray
    """[k] float32 share of the light that reaches each."""
    weights: np.ndarray
    """[k] float32 share of each in the pixel."""
    colours: np.ndarray
    """[k, 3] float32 sRGB as seen from here."""
    colour: np.ndarray
    """[3] float32 sRGB before black, not clipped."""
    depth: float
    """Expected distance from the eye; 0 where there is nothing."""
    accumulation: float
    """How much of the light is stopped, 0 to 1."""
    ids: np.ndarray | None = None
    """[k] int64 number of each for life; None where nobody knows, as in a file."""
    parents: np.ndarray | None = None
    """[k] int64 number of the parent, -1 for none."""
    causes: np.ndarray | None = None
    """[k] int64 why each was born, a `Birth` of the splat engine."""
    born: np.ndarray | None = None
    """[k] int64 step at which each was born."""
