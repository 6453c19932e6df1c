"""Colours for the surface of a radiance field: what the cameras that see a place see there.

A pixel mixes the colours along its ray, by how much light each stops. Around a surface that
is a short way, so a vertex gets the same mixture along a few cells of the rays from the
cameras that see it best, which is far cheaper than drawing whole views as fine as the mesh.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engines.mesh.box import Grid
from engines.mesh.views import EMPTY, DepthView

DIRECTIONS = 3
"""From so many cameras each vertex is looked at, at most."""
BEFORE, BEHIND = 1.0, 3.0
"""Cells before and behind the surface that are mixed."""
SAMPLES = 8
SLANT = 0.2
"""Cosine below which a camera says nothing on the colour of a surface."""
LEAST_SHARE = 0.05
"""Samples with less weight than this part of the ray's heaviest are not asked for colour."""


class Coloured(Protocol):
    """Density and colour at any place; both may be asked for from any thread."""

    def density(self, points: np.ndarray) -> np.ndarray:
        """[n] density per world unit at `points` [n, 3]."""
        ...

    def colours(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """[n, 3] sRGB at `points` [n, 3] looked at along `directions` [n, 3] of length 1."""
        ...


@dataclass(frozen=True, eq=False)
class Eyes:
    """Cameras with what they see of depth, to find out which of them see a place."""

    views: Sequence[DepthView]
    tolerance: float
    """World units by which a place may lie behind the depth that is seen."""

    def best(self, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Directions [n, d, 3] in which `points` [n, 3] are seen best, and weights [n, d].

        The nearer and the straighter a camera looks, the more it counts. A point that none
        sees is looked at along its inward normal.
        """
        directions = np.repeat(-normals[:, None], DIRECTIONS, axis=1).astype(np.float64)
        weights = np.zeros((len(points), DIRECTIONS))
        rows = np.arange(len(points))
        for view in self.views:
            way = points - view.camera.centre
            far = np.maximum(np.linalg.norm(way, axis=1), 1e-12)
            way /= far[:, None]
            facing = -(way * normals).sum(axis=1)
            seen = self._seen(view, points) & (facing > SLANT)
            weight = np.where(seen, (facing / far) ** 2, 0.0)
            worst = weights.argmin(axis=1)
            better = weight > weights[rows, worst]
            directions[rows[better], worst[better]] = way[better]
            weights[rows[better], worst[better]] = weight[better]
        weights[weights.max(axis=1) == 0, 0] = 1.0
        return directions, weights / weights.sum(axis=1, keepdims=True)

    def _seen(self, view: DepthView, points: np.ndarray) -> np.ndarray:
        pixels, away = view.camera.project(points)
        height, width = view.depth.shape
        inside = (away > 0) & ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
        column, row = np.where(inside[:, None], pixels, 0).astype(int).T
        depth = view.depth[row, column]
        return inside & (depth < EMPTY) & (away <= depth + self.tolerance)


def shaded(
    source: Coloured, eyes: Eyes, grid: Grid, vertices: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    """[v, 3] float32 sRGB of `vertices` [v, 3] in cells of `grid` with unit `normals` [v, 3]."""
    points = grid.to_world(vertices)
    directions, shares = eyes.best(points, normals)
    vertex, slot = np.nonzero(shares > 0)
    along = directions[vertex, slot]
    mixed = _mixed(source, points[vertex], along, grid.spacing) * shares[vertex, slot][:, None]
    colour = np.zeros((len(points), 3))
    np.add.at(colour, vertex, mixed)
    return np.clip(colour, 0, 1).astype(np.float32)


def _mixed(
    source: Coloured, points: np.ndarray, directions: np.ndarray, spacing: float
) -> np.ndarray:
    """[n, 3] colours along short rays through `points`, mixed as a pixel mixes them."""
    step = (BEFORE + BEHIND) / SAMPLES
    offsets = (np.arange(SAMPLES) + 0.5) * step - BEFORE
    places = points[:, None] + (offsets * spacing)[:, None] * directions[:, None]
    sigma = source.density(places.reshape(-1, 3)).reshape(len(points), SAMPLES)
    stopped = np.maximum(np.nan_to_num(sigma, posinf=1e30), 0) * step * spacing
    left = np.exp(-np.cumsum(stopped, axis=1))
    weights = np.concatenate([1 - left[:, :1], left[:, :-1] - left[:, 1:]], axis=1)
    at_surface = np.abs(offsets).argmin()
    weights[weights.max(axis=1) <= 1e-6, at_surface] = 1.0
    asked = weights >= LEAST_SHARE * weights.max(axis=1, keepdims=True)
    ray, _ = np.nonzero(asked)
    colours = np.zeros((*weights.shape, 3))
    colours[asked] = source.colours(places[asked], directions[ray])
    weights = np.where(asked, weights, 0)
    return (weights[..., None] * colours).sum(axis=1) / weights.sum(axis=1, keepdims=True)
