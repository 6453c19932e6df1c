"""A mesh of a radiance field: the surface of one density, and the field's own colours."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np

from assets.camera import Camera
from assets.errors import InputError
from engines.engine import RenderedView
from engines.events import Event, Prepared, Told
from engines.mesh.box import Box, Grid
from engines.mesh.config import MeshConfig
from engines.mesh.cubes import BRICK, brick_surface, bricks, joined
from engines.mesh.forecast import (
    USUAL_LAYERS,
    Forecast,
    Survey,
    bytes_for,
    refuse_beyond,
    tidy_seconds,
    vertices_of,
)
from engines.mesh.fusion import FusedViews, distances
from engines.mesh.glance import GLANCE_PX, GLANCE_VIEWS, Glance, glance
from engines.mesh.level import bounded, fitted_level, seen_rays
from engines.mesh.mesher import Arrays, Mesher
from engines.mesh.settle import settled
from engines.mesh.shade import Eyes, shaded
from engines.mesh.views import ORBIT_VIEWS, DepthView, depth_view, orbit

GLANCE_MS = 400.0
"""Time for one small view, as some fields are slow."""
BRICKS_AT_ONCE = 16
BRICKS_TIMED = 6
"""Spread evenly, to learn how long one takes."""
VERTICES_TIMED = 500
VERTICES_AT_ONCE = 4_096
SLANTED = 2.0
"""Truncations by which a surface may lie behind the depth of a view that looks at a slant."""
FOOTPRINT = 2.0
"""Pixels of a small view by which what lies behind its depth may still be seen."""
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


def mesher_of_field(
    source: DensityField, cameras: Sequence[Camera] | None, config: MeshConfig
) -> "FieldMesher":
    """What makes a mesh of `source`, judged from `cameras` (input frame) or from all around."""
    return FieldMesher(source, cameras, config)


class FieldMesher(Mesher):
    """Marching cubes on density, brick by brick, where cameras see and something may be.

    With cameras, what lies hidden behind the surfaces they see is left out: nothing has ever
    told the field what it should be like there.
    """

    def __init__(
        self, source: DensityField, cameras: Sequence[Camera] | None, config: MeshConfig
    ) -> None:
        super().__init__(config)
        self._source = source
        self._given = bool(cameras)
        self._cameras = list(cameras or ())
        self.level = config.level
        """Density per world unit at the surface; chosen by `run` where the setting is 0."""
        self._thinnest, self._densest = np.inf, 0.0

    def survey(self) -> Generator[Event, None, Survey]:
        """As `Mesher.survey`."""
        phase = "Trying some places"
        began = time.perf_counter()
        self._grid = yield from self._prepare()
        look_s = time.perf_counter() - began
        assert self.box is not None, "it is known once everything is prepared"
        corners = bricks(self._grid)
        some = corners[:: max(1, len(corners) // BRICKS_TIMED)]
        self._known(some[:1])  # has the kernel loaded
        pieces, took = [], 0.0
        for i, corner in enumerate(some):
            yield Prepared(phase=phase, done=i, total=len(some) + 1)
            began = time.perf_counter()
            pieces += self._pieces_in(corner, self._known(corner[None])[0])
            took += time.perf_counter() - began
        yield Prepared(phase=phase, done=len(some), total=len(some) + 1)
        vertices = np.concatenate([np.empty((0, 3)), *(v for v, _ in pieces)])[:VERTICES_TIMED]
        began = time.perf_counter()
        up = np.tile((0.0, 0.0, 1.0), (len(vertices), 1))
        self._shade(self._settle(vertices), up)
        vertex_s = (time.perf_counter() - began) / max(1, len(vertices))
        yield Prepared(phase=phase, done=len(some) + 1, total=len(some) + 1)
        rates = (look_s, took / len(some), vertex_s)
        return Survey(box=self.box, forecast=partial(_forecast, self.box, *rates))

    def _prepare(self) -> Generator[Event, None, Grid]:
        config = self.config
        if self.box is None and not self._given:
            self.box = _box_of(self._source)
        seen: Glance | None = None
        if self.box is None:
            seen = yield from self._glance(self._cameras)
            self.box = seen.box
        grid = Grid.over(self.box, config.resolution)
        refuse_beyond(config, _bytes(grid), advice="")
        if seen is None and self._given:
            seen = yield from self._glance(self._cameras)
        if not self.level:
            around = _box_of(self._source)
            cameras = orbit(around, ORBIT_VIEWS, pixels=GLANCE_PX)
            judged = seen or (yield from self._glance(cameras))
            yield Prepared(phase="Choosing a density", done=0, total=1)
            rays = seen_rays(judged.views, self.box, opacity=config.opacity)
            span = config.truncation_cells * grid.spacing
            self.level = fitted_level(self._density, rays, span=span)
            yield Prepared(phase="Choosing a density", done=1, total=1)
            yield Told(message=f"The surface is taken at a density of {self.level:.4g}")
        self._look_through(seen, grid)
        return grid

    def _look_through(self, seen: Glance | None, grid: Grid) -> None:
        """Have the depth of the small views at hand, to tell what they see."""
        self._fused: FusedViews | None = None
        self._eyes = Eyes((), 0.0)
        if seen is None:
            return
        views = [_believed(depth_view(v, opacity=self.config.opacity)) for v in seen.views]
        footprints = [
            float(np.linalg.norm(v.camera.centre - grid.centre)) / v.camera.fx for v in views
        ]
        behind = FOOTPRINT * float(np.median(footprints)) / grid.spacing
        self._behind = max(SLANTED * self.config.truncation_cells, behind)
        self._fused = FusedViews.of(views, grid)
        self._eyes = Eyes(views, self._behind * grid.spacing)

    def _surface(self) -> Generator[Event, None, Arrays]:
        corners, pieces = bricks(self._grid), []
        for start in range(0, len(corners), BRICKS_AT_ONCE):
            some = corners[start : start + BRICKS_AT_ONCE]
            for i, known in enumerate(self._known(some)):
                yield Prepared(phase="Measuring density", done=start + i, total=len(corners))
                pieces += self._pieces_in(some[i], known)
        yield Prepared(phase="Measuring density", done=len(corners), total=len(corners))
        vertices, faces = joined(pieces)
        if not len(faces):
            raise InputError(self._why_nothing())
        vertices = yield from self._in_parts("Settling the surface", self._settle, vertices)
        return vertices, faces

    def _colours(
        self, vertices: np.ndarray, normals: np.ndarray
    ) -> Generator[Event, None, np.ndarray]:
        return (yield from self._in_parts("Colouring the mesh", self._shade, vertices, normals))

    def _in_parts(
        self, phase: str, work: Callable[..., np.ndarray], *arrays: np.ndarray
    ) -> Generator[Event, None, np.ndarray]:
        """What `work` makes of the rows of `arrays`, some at a time."""
        total, made = len(arrays[0]), []
        for start in range(0, total, VERTICES_AT_ONCE):
            yield Prepared(phase=phase, done=start, total=total)
            made.append(work(*(a[start : start + VERTICES_AT_ONCE] for a in arrays)))
        yield Prepared(phase=phase, done=total, total=total)
        return np.concatenate(made)

    def _known(self, corners: np.ndarray) -> np.ndarray:
        """[b, s, s, s] bool: samples of bricks that are not hidden from all cameras."""
        side = BRICK + 1
        if self._fused is None:
            return np.ones((len(corners), side, side, side), dtype=bool)
        return distances(self._fused, corners, side, truncation=self._behind)[1] > 0

    def _pieces_in(self, corner: np.ndarray, known: np.ndarray) -> list[Arrays]:
        """Vertices in cells and faces in one brick of samples `known` [s, s, s], if any."""
        room = np.minimum(BRICK, np.array(self._grid.cells) - corner) + 1
        known = known[tuple(slice(0, int(side)) for side in room)]
        asked = np.argwhere(known)
        if not len(asked):
            return []
        found = self._density(self._grid.to_world(corner + asked))
        self._thinnest = min(self._thinnest, float(found.min()))
        self._densest = max(self._densest, float(found.max()))
        density = np.zeros(known.shape, dtype=np.float32)
        density[known] = found
        piece = brick_surface(bounded(density, self.level), known, room)
        return [] if piece is None else [(piece[0] + corner, piece[1])]

    def _density(self, points: np.ndarray) -> np.ndarray:
        """[n] at `points` [n, 3] in the world; 0 where the field says that nothing can be."""
        source, asked = self._source, slice(None)
        if isinstance(source, KnowsEmptySpace):
            asked = np.flatnonzero(source.occupied(points))
        density = np.zeros(len(points), dtype=np.float32)
        if len(points[asked]):
            density[asked] = source.density(points[asked])
        return np.clip(np.nan_to_num(density, posinf=DENSEST), 0, DENSEST)

    def _settle(self, vertices: np.ndarray) -> np.ndarray:
        return settled(lambda at: self._density(self._grid.to_world(at)) > self.level, vertices)

    def _shade(self, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        return shaded(self._source, self._eyes, self._grid, vertices, normals)

    def _glance(self, cameras: Sequence[Camera]) -> Generator[Event, None, Glance]:
        opacity = self.config.opacity
        return (yield from glance(self._source, cameras, opacity=opacity, budget_ms=GLANCE_MS))

    def _why_nothing(self) -> str:
        """A sentence on why there is no surface, with a range that has one."""
        level, where = f"{self.level:.4g}", f"in the box {self.box}"
        if self._densest <= 0:
            return (
                f"There is nothing {where}; the scene lies in {_box_of(self._source)}, so try a "
                "box in there"
            )
        if self._densest <= self.level:
            high = 0.5 * self._densest
            return (
                f"There is no surface of density {level} {where}, where the densest place has "
                f"{self._densest:.4g}; try a level from {0.02 * high:.2g} to {high:.2g}, or 0 "
                "for automatic"
            )
        if self._thinnest >= self.level:
            return (
                f"All places {where} are denser than {level}, the thinnest has "
                f"{self._thinnest:.4g}; try a higher level up to {self._densest:.2g}, or 0 for "
                "automatic"
            )
        return (
            f"No surface of density {level} comes out {where} at a resolution of "
            f"{self.config.resolution}; try a higher resolution or a smaller box"
        )


def _believed(view: DepthView) -> DepthView:
    """Every pixel counts: here depth only tells what is hidden, and thin things are all edge."""
    return replace(view, trust=np.ones_like(view.trust))


def _box_of(source: DensityField) -> Box:
    return Box(*np.asarray(source.box, dtype=np.float64))


def _bytes(grid: Grid) -> int:
    return bytes_for(GLANCE_VIEWS * GLANCE_PX**2, grid)


def _forecast(
    box: Box, look_s: float, brick_s: float, vertex_s: float, config: MeshConfig
) -> Forecast:
    grid = Grid.over(Box.of(config.box) if config.box else box, config.resolution)
    vertices = vertices_of(grid, layers=USUAL_LAYERS)
    return Forecast(
        bytes=_bytes(grid),
        seconds=look_s
        + brick_s * len(bricks(grid))
        + vertex_s * vertices
        + tidy_seconds(config, grid),
    )
