"""Which part of space becomes a mesh."""

from dataclasses import dataclass

import numpy as np

TAIL = 0.5
"""Percent of points left out at either end of each axis: floaters and far-off specks."""
MARGIN = 0.08
"""Share of its longest side by which the box of points is made larger on all sides."""


@dataclass(frozen=True, eq=False)
class Box:
    """An upright box in the frame of the input."""

    low: np.ndarray
    """[3] float64."""
    high: np.ndarray
    """[3] float64, above `low` on every axis."""

    @classmethod
    def of(cls, six: tuple[float, ...]) -> "Box":
        """The box of `MeshConfig.box`: low corner, then high corner."""
        return cls(np.array(six[:3], dtype=np.float64), np.array(six[3:], dtype=np.float64))

    @classmethod
    def around(cls, points: np.ndarray) -> "Box":
        """What holds all `points` [n, 3] but the outermost, with room to spare; n above 0."""
        low, high = np.percentile(points.astype(np.float64), (TAIL, 100 - TAIL), axis=0)
        room = max(MARGIN * float((high - low).max()), 1e-6 * float(np.abs(points).max()), 1e-9)
        return cls(low - room, high + room)

    @property
    def centre(self) -> np.ndarray:
        """[3] its middle."""
        return (self.low + self.high) / 2

    @property
    def size(self) -> np.ndarray:
        """[3] lengths of its sides."""
        return self.high - self.low

    def holds(self, points: np.ndarray) -> np.ndarray:
        """[n] bool: which of `points` [n, 3] lie in it."""
        return np.all((points >= self.low) & (points <= self.high), axis=1)

    def grown(self, by: float) -> "Box":
        """The box with every side moved outwards by `by` units."""
        return Box(self.low - by, self.high + by)

    def __str__(self) -> str:
        """Six short numbers as `--box` takes them."""
        return " ".join(f"{value:.4g}" for value in (*self.low, *self.high))


@dataclass(frozen=True, eq=False)
class Grid:
    """The lattice of sample points that fills a box, with equal spacing along all axes."""

    origin: np.ndarray
    """[3] float64 place of the first sample."""
    spacing: float
    """Side of a cell, world units."""
    cells: tuple[int, int, int]
    """Cells along x, y and z; samples are one more."""

    @classmethod
    def over(cls, box: Box, resolution: int) -> "Grid":
        """At least all of `box` with `resolution` cells along its longest side."""
        spacing = float(box.size.max()) / resolution
        x, y, z = (max(1, int(np.ceil(side / spacing - 1e-6))) for side in box.size)
        centred = box.centre - np.array([x, y, z]) * spacing / 2
        return cls(centred, spacing, (x, y, z))

    @property
    def centre(self) -> np.ndarray:
        """[3] its middle, world units."""
        return self.origin + np.array(self.cells) * self.spacing / 2

    def to_world(self, places: np.ndarray) -> np.ndarray:
        """Points [n, 3] of places counted in cells."""
        return self.origin + places * self.spacing
