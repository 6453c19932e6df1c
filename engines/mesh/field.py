"""A mesh of a radiance field: the surface of one density, and the field's own colours."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from assets.camera import Camera
from assets.errors import InputError
from assets.formats.mesh_parts import smooth_normals
from engines.events import Event, Prepared, Told
from engines.mesh.box import Box, Grid
from engines.mesh.config import MeshConfig
from engines.mesh.cubes import BRICK, brick_surface, bricks, compacted, joined
from engines.mesh.density import AskedDensity, DensityField, box_of
from engines.mesh.forecast import (
    USUAL_LAYERS,
    Forecast,
    Survey,
    bytes_for,
    refuse_beyond,
    tidy_seconds,
    vertices_of,
)
from engines.mesh.fusion import FusedViews
from engines.mesh.glance import GLANCE_PX, glance
from engines.mesh.level import Rays, bounded, fitted_level
from engines.mesh.mesher import Arrays, Mesher
from engines.mesh.paint import painted
from engines.mesh.settle import settled
from engines.mesh.sight import BEHIND, Sight
from engines.mesh.views import (
    ORBIT_VIEWS,
    DepthView,
    chosen,
    drawn,
    orbit,
    pixels_of,
    sized,
    sized_for,
)

GLANCE_MS = 400.0
"""Time for one small view, as some fields are slow."""
FAR_OFF = 0.05
"""Of the box: farther than this from where light stops, any surface is as wrong as none."""
BRICKS_TIMED = 6
"""Spread evenly, to learn how long one takes."""
VERTICES_TIMED = 2_000
VERTICES_AT_ONCE = 4_096
FINE = 0.5
"""Of what depth would be drawn with: more pixels bring no better colours."""
PURE = 8
"""Power of a pixel's opacity that its colour counts with, so that what shines through does not."""
COLOUR_MS = 2_000.0
"""Time for the colours of one view."""


def mesher_of_field(
    source: DensityField, cameras: Sequence[Camera] | None, config: MeshConfig
) -> "FieldMesher":
    """What makes a mesh of `source`, judged from `cameras` (input frame) or from all around."""
    return FieldMesher(source, cameras, config)


class FieldMesher(Mesher):
    """Marching cubes (Lorensen and Cline 1987) on density, brick by brick.

    With cameras, surfaces that all of them see hidden behind others are left out: nothing has
    ever told the field what it should be like there.
    """

    def __init__(
        self, source: DensityField, cameras: Sequence[Camera] | None, config: MeshConfig
    ) -> None:
        super().__init__(config)
        self._source, self._density = source, AskedDensity(source)
        self._cameras = chosen(cameras or (), config.views)
        self.level = config.level
        """Density per world unit at the surface; chosen by `run` where the setting is 0."""

    def survey(self) -> Generator[Event, None, Survey]:
        """As `Mesher.survey`."""
        phase = "Trying some places"
        if self.box is None:
            self.box = yield from self._box()
        began = time.perf_counter()
        self._grid = yield from self._prepare()
        look_s = time.perf_counter() - began
        corners = bricks(self._grid)
        some = corners[:: max(1, len(corners) // BRICKS_TIMED)]
        began = time.perf_counter()
        for i, corner in enumerate(some):
            yield Prepared(phase=phase, done=i, total=len(some) + 1)
            self._pieces_in(corner)
        brick_s = (time.perf_counter() - began) / len(some)
        yield Prepared(phase=phase, done=len(some), total=len(some) + 1)
        anywhere = np.random.default_rng(0).uniform(0, self._grid.cells, (VERTICES_TIMED, 3))
        anywhere[:, :2] = np.floor(anywhere[:, :2])  # as vertices lie, on edges of cells
        began = time.perf_counter()
        self._settle(anywhere)
        vertex_s = (time.perf_counter() - began) / VERTICES_TIMED
        small = [sized(camera, longest=GLANCE_PX) for camera in self._cameras[:1]]
        began = time.perf_counter()
        for camera in small:
            self._source.render(camera)
        pixel_s = (time.perf_counter() - began) / max(1, pixels_of(small))
        yield Prepared(phase=phase, done=len(some) + 1, total=len(some) + 1)
        rates = Rates(look_s, brick_s, vertex_s, pixel_s)
        return Survey(box=self.box, forecast=partial(_forecast, self._cameras, self.box, rates))

    def _prepare(self) -> Generator[Event, None, Grid]:
        config = self.config
        if self.box is None:
            self.box = yield from self._box()
        grid = Grid.over(self.box, config.resolution)
        pixels = pixels_of(_sized(self._cameras, grid))
        refuse_beyond(config, bytes_for(pixels, grid), advice="or fewer views")
        if not self.level:
            yield Prepared(phase="Choosing a density", done=0, total=1)
            cameras = self._cameras or orbit(self.box, ORBIT_VIEWS, pixels=GLANCE_PX)
            rays = Rays.through(cameras, self.box)
            self.level = fitted_level(self._density, rays, span=FAR_OFF * self.box.size.max())
            yield Prepared(phase="Choosing a density", done=1, total=1)
            yield Told(message=f"The surface is taken at a density of {self.level:.4g}")
        return grid

    def _box(self) -> Generator[Event, None, Box]:
        if not self._cameras:
            return box_of(self._source)
        opacity = self.config.opacity
        seen = yield from glance(self._source, self._cameras, opacity=opacity, budget_ms=GLANCE_MS)
        return seen.box

    def _surface(self) -> Generator[Event, None, Arrays]:
        corners, pieces = bricks(self._grid), []
        for done, corner in enumerate(corners):
            yield Prepared(phase="Measuring density", done=done, total=len(corners))
            pieces += self._pieces_in(corner)
        yield Prepared(phase="Measuring density", done=len(corners), total=len(corners))
        vertices, faces = joined(pieces)
        if not len(faces):
            assert self.box is not None, "it is known once everything is prepared"
            why = self._density.why_no_surface(self.level, self.box, self.config.resolution)
            raise InputError(why)
        if self._cameras:
            vertices, faces = yield from self._without_hidden(vertices, faces)
        vertices = yield from self._in_parts("Settling the surface", self._settle, vertices)
        return vertices, faces

    def _without_hidden(
        self, vertices: np.ndarray, faces: np.ndarray
    ) -> Generator[Event, None, Arrays]:
        yield Prepared(phase="Looking for what is hidden", done=0, total=1)
        self._sight = Sight.of(self._cameras, self._grid, vertices)
        seen = self._sight.seen_from_before(
            self._grid.to_world(vertices), smooth_normals(vertices, faces)
        )
        yield Prepared(phase="Looking for what is hidden", done=1, total=1)
        if seen.any():
            vertices, faces = compacted(vertices, faces[seen[faces].any(axis=1)])
        return vertices, faces

    def _colours(
        self, vertices: np.ndarray, normals: np.ndarray
    ) -> Generator[Event, None, np.ndarray]:
        """What the cameras see there; without any, what the field is seen straight from before."""
        if not self._cameras:
            phase = "Colouring the mesh"
            return (yield from self._in_parts(phase, self._straight, vertices, normals))
        cameras = _sized(self._cameras, self._grid)
        drawn_views = yield from drawn(
            "Drawing colours", self._source, cameras, lambda view: view, budget_ms=COLOUR_MS
        )
        views = [
            DepthView(
                view.camera,
                self._sight.depth(index, view.camera.width, view.camera.height),
                view.alpha**PURE,
                np.rint(np.clip(view.image, 0, 1) * 255).astype(np.uint8),
            )
            for index, view in enumerate(drawn_views)
        ]
        fused = FusedViews.of(views, self._grid)
        return (yield from painted(fused, vertices, normals, tolerance=BEHIND))

    def _straight(self, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        colours = self._source.colours(self._grid.to_world(vertices), -normals)
        return np.clip(colours, 0, 1).astype(np.float32)

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

    def _pieces_in(self, corner: np.ndarray) -> list[Arrays]:
        """Vertices in cells and faces in the brick at `corner`, if there are any."""
        room = np.minimum(BRICK, np.array(self._grid.cells) - corner) + 1
        places = corner + np.argwhere(np.ones(room, dtype=bool))
        found = self._density.noted(self._grid.to_world(places))
        density = found.reshape(tuple(room))
        piece = brick_surface(bounded(density, self.level), np.ones_like(density), room)
        return [] if piece is None else [(piece[0] + corner, piece[1])]

    def _settle(self, vertices: np.ndarray) -> np.ndarray:
        return settled(lambda at: self._density(self._grid.to_world(at)) > self.level, vertices)


def _sized(cameras: Sequence[Camera], grid: Grid) -> list[Camera]:
    """The cameras with pictures that show as much of colour as the vertices can hold."""
    fitting = [sized_for(camera, grid) for camera in cameras]
    return [sized(c, longest=max(1, round(FINE * max(c.width, c.height)))) for c in fitting]


@dataclass(frozen=True)
class Rates:
    """Seconds that work took."""

    look: float
    """To choose the density of the surface."""
    brick: float
    vertex: float
    pixel: float


def _forecast(cameras: Sequence[Camera], box: Box, rates: Rates, config: MeshConfig) -> Forecast:
    grid = Grid.over(Box.of(config.box) if config.box else box, config.resolution)
    pixels = pixels_of(_sized(chosen(cameras, config.views), grid))
    vertices = vertices_of(grid, layers=USUAL_LAYERS)
    work = rates.brick * len(bricks(grid)) + rates.vertex * vertices + rates.pixel * pixels
    return Forecast(
        bytes=bytes_for(pixels, grid), seconds=rates.look + work + tidy_seconds(config, grid)
    )
