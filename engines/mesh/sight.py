"""Which parts of a surface cameras see, found out by the surface itself.

Vertices are as dense as the cells they came from, so drawing each as one pixel of a picture
whose pixels are larger than cells leaves no gaps: what lies behind the nearest is hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from engines.mesh.box import Grid
from engines.mesh.views import EMPTY, sized

CELLS_PER_PIXEL = 2.0
BEHIND = 4.0
"""Cells by which a place may lie behind the nearest in its pixel and still be seen: surfaces
at a slant cross several within one pixel."""
SMALLEST_SIDE = 8


@dataclass(frozen=True, eq=False)
class Sight:
    """What some cameras see of a surface."""

    cameras: Sequence[Camera]
    nearest: Sequence[np.ndarray]
    """For each camera [h, w] float32 distance along z of the nearest vertex, `EMPTY` for none."""
    slack: float
    """World units behind the nearest that are still seen."""

    @classmethod
    def of(cls, cameras: Sequence[Camera], grid: Grid, vertices: np.ndarray) -> "Sight":
        """What `cameras` see of `vertices` [v, 3], in cells of `grid`, all of one surface."""
        points = grid.to_world(vertices)
        fitting = [_fitting(camera, grid) for camera in cameras]
        nearest = []
        for camera in fitting:
            picture = np.full((camera.height, camera.width), EMPTY)
            row, column, away, inside = _pixels(camera, points)
            np.minimum.at(picture, (row[inside], column[inside]), away[inside].astype(np.float32))
            nearest.append(picture)
        return cls(fitting, nearest, BEHIND * grid.spacing)

    def depth(self, index: int, width: int, height: int) -> np.ndarray:
        """[height, width] float32 distance along z of what camera `index` sees of the surface,
        as large as that; `EMPTY` where it sees none."""
        picture = self.nearest[index]
        rows = np.arange(height) * picture.shape[0] // height
        columns = np.arange(width) * picture.shape[1] // width
        return picture[np.ix_(rows, columns)]

    def seen_from_before(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """[n] bool: which of `points` [n, 3] in the world a camera sees the outer side of.

        `normals` [n, 3] point outwards.
        """
        found = np.zeros(len(points), dtype=bool)
        for camera, nearest in zip(self.cameras, self.nearest, strict=True):
            rest = np.flatnonzero(~found)
            row, column, away, inside = _pixels(camera, points[rest])
            before = ((camera.centre - points[rest]) * normals[rest]).sum(axis=1) > 0
            found[rest] = inside & before & (away <= nearest[row, column] + self.slack)
        return found


def _fitting(camera: Camera, grid: Grid) -> Camera:
    """`camera` with pixels larger than cells where it sees the middle of `grid`."""
    distance = max(float(np.linalg.norm(grid.centre - camera.centre)), grid.spacing)
    part = distance / (CELLS_PER_PIXEL * grid.spacing * max(camera.fx, camera.fy))
    longest = round(part * max(camera.width, camera.height))
    return sized(camera, longest=max(SMALLEST_SIDE, longest))


def _pixels(
    camera: Camera, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and distance along z [n] of `points` [n, 3], and whether they are in view."""
    pixels, away = camera.project(points)
    inside = (away > 0) & ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=1)
    column, row = np.where(inside[:, None], pixels, 0).astype(int).T
    return row, column, away, inside
