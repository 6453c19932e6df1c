"""What rasterising takes and gives, and the numbers that all its twins share."""

from dataclasses import dataclass

from torch import Tensor

BLUR = 0.3
"""Added to the diagonal of every projected covariance, px^2: no splat is thinner than a pixel."""
ALPHA_MIN = 1.0 / 255.0
"""A Gaussian fainter than this at a pixel is skipped there."""
ALPHA_MAX = 0.99
"""No Gaussian covers a pixel entirely, so that what lies behind still gets a gradient."""
TRANSMITTANCE_MIN = 1e-4
"""A pixel is finished before the Gaussian that would let less light than this through."""
FAR = 1e10
"""Centres farther than this are culled, world units: their gradients would overflow."""
FIELD_MARGIN = 0.3
"""Share of half the field of view by which the Jacobian's x/z and y/z may leave the image."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Projected:
    """Gaussians as ellipses on the image of one camera; all zero where culled."""

    means2d: Tensor
    """[n, 2] centres in pixels; pixel centres lie at half-integers."""
    conics: Tensor
    """[n, 3] inverse covariance (xx, xy, yy) on the image, 1/px^2."""
    depths: Tensor
    """[n] z of the centres in the camera's frame, world units."""
    extents: Tensor
    """[n, 2] half width and half height in pixels of the box outside which alpha < 1/255."""
    radii: Tensor
    """[n] the larger of each two extents; above 0 exactly where not culled."""
    width: int
    """Pixels of the image."""
    height: int


@dataclass(frozen=True, eq=False)
class Rasterized:
    """One view of the Gaussians; differentiable but for `radii`."""

    image: Tensor
    """[height, width, 3] blended colours over the background, not clamped."""
    depth: Tensor
    """[height, width] sum of weight times depth, not divided by alpha; world units."""
    alpha: Tensor
    """[height, width] sum of weights, 0 to 1."""
    radii: Tensor
    """[n] larger half-size of each footprint in pixels; 0 where culled."""


@dataclass(frozen=True, eq=False)
class Traced:
    """The k Gaussians that `blend` puts into one pixel, nearest first."""

    rows: Tensor
    """[k] int64 indices of the Gaussians."""
    alphas: Tensor
    """[k] opacity of each at the pixel, 1/255 to 0.99."""
    transmittances: Tensor
    """[k] share of the light that reaches each; times alpha it is its weight in the pixel."""
