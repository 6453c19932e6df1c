"""What a radiance field has to offer to become a mesh, and its density made safe to use."""

from typing import Protocol, runtime_checkable

import numpy as np

from assets.camera import Camera
from engines.engine import RenderedView
from engines.mesh.box import Box

DENSEST = 1e30
"""More than this is taken as this."""


class DensityField(Protocol):
    """A radiance field in the frame of the input, such as `engines.nerf.FieldSource`."""

    @property
    def box(self) -> np.ndarray:
        """[2, 3] low and high corner of what it is about."""
        ...

    def render(self, camera: Camera, budget_ms: float | None = None) -> RenderedView:
        """The view of `camera`, at a lower resolution if `budget_ms` is short."""
        ...

    def density(self, points: np.ndarray) -> np.ndarray:
        """[n] density per world unit at `points` [n, 3]."""
        ...

    def colours(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """[n, 3] sRGB at `points` [n, 3] looked at along `directions` [n, 3] of length 1."""
        ...


@runtime_checkable
class KnowsEmptySpace(Protocol):
    """A field that can tell cheaply where there is certainly nothing."""

    def occupied(self, points: np.ndarray) -> np.ndarray:
        """[n] bool: where there may be something at `points` [n, 3]."""
        ...


def box_of(source: DensityField) -> Box:
    """What `source` is about."""
    return Box(*np.asarray(source.box, dtype=np.float64))


class AskedDensity:
    """Asks a field for density, and remembers the extremes of what it said."""

    def __init__(self, source: DensityField) -> None:
        self._source = source
        self.thinnest, self.densest = np.inf, 0.0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """[n] float32 at `points` [n, 3] in the world, finite and not negative.

        It is 0 where the field says that nothing can be; there it is not asked.
        """
        source, asked = self._source, np.arange(len(points))
        if isinstance(source, KnowsEmptySpace):
            asked = np.flatnonzero(source.occupied(points))
        density = np.zeros(len(points), dtype=np.float32)
        if len(asked):
            density[asked] = source.density(points[asked])
        return np.clip(np.nan_to_num(density, posinf=DENSEST), 0, DENSEST)

    def noted(self, points: np.ndarray) -> np.ndarray:
        """The same, remembering the thinnest and the densest of it; n above 0."""
        found = self(points)
        self.thinnest = min(self.thinnest, float(found.min()))
        self.densest = max(self.densest, float(found.max()))
        return found

    def why_no_surface(self, level: float, box: Box, resolution: int) -> str:
        """A sentence on why nothing in `box` has `level`, with a range that has a surface."""
        where = f"in the box {box}"
        if self.densest <= 0:
            return (
                f"There is nothing {where}; the scene lies in {box_of(self._source)}, so try a "
                "box in there"
            )
        if self.densest <= level:
            high = 0.5 * self.densest
            return (
                f"There is no surface of density {level:.4g} {where}, where the densest place "
                f"has {self.densest:.4g}; try a level from {0.02 * high:.2g} to {high:.2g}, or 0 "
                "for automatic"
            )
        if self.thinnest >= level:
            return (
                f"All places {where} are denser than {level:.4g}, the thinnest has "
                f"{self.thinnest:.4g}; try a higher level up to {self.densest:.2g}, or 0 for "
                "automatic"
            )
        return (
            f"No surface of density {level:.4g} comes out {where} at a resolution of "
            f"{resolution}; try a higher resolution or a smaller box"
        )
