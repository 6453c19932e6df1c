"""A mesh of anything that can be drawn with depth: many depth maps, fused."""

import math
import time
from collections.abc import Generator, Sequence
from functools import partial

import numpy as np

from assets.camera import Camera
from assets.errors import InputError
from engines.engine import Renders
from engines.events import Event, Prepared
from engines.mesh.box import Box, Grid
from engines.mesh.config import MeshConfig
from engines.mesh.cubes import BRICK, brick_surface, bricks, joined
from engines.mesh.forecast import Forecast, Survey, bytes_for, refuse_beyond, tidy_seconds
from engines.mesh.fusion import FusedViews, distances
from engines.mesh.glance import Glance, glance
from engines.mesh.mesher import Arrays, Mesher
from engines.mesh.paint import painted
from engines.mesh.views import chosen, depth_view, drawn, pixels_of, sized, sized_for

BRICKS_AT_ONCE = 16
BRICKS_TIMED = 8
"""Spread evenly, to learn how long one takes."""


class DepthMesher(Mesher):
    """Fuses depth and takes colours from the views of cameras."""

    def __init__(
        self,
        source: Renders,
        cameras: Sequence[Camera],
        config: MeshConfig,
        *,
        finest: float = math.inf,
    ) -> None:
        """Take depth and colour of `source` from `cameras` (input frame).

        Where the settings leave the views' size open, they are as large as the grid can use,
        with `finest` pixels along their longest side for each cell along the box at most.
        Raises InputError when there is no camera.
        """
        super().__init__(config)
        if not cameras:
            raise InputError("A mesh needs at least one camera that looks at the scene; none given")
        self._source, self._finest = source, finest
        self._cameras = chosen(cameras, config.views)

    def survey(self) -> Generator[Event, None, Survey]:
        """As `Mesher.survey`."""
        seen = yield from self._glance()
        box = self.box or seen.box
        brick_s = _seconds_of_a_brick(seen, Grid.over(box, self.config.resolution), self.config)
        return Survey(box=box, forecast=partial(self._forecast, box, seen.pixel_s, brick_s))

    def _prepare(self) -> Generator[Event, None, Grid]:
        if self.box is None:
            self.box = (yield from self._glance()).box
        config = self.config
        grid = Grid.over(self.box, config.resolution)
        cameras = self._sized(self._cameras, grid, config)
        refuse_beyond(config, bytes_for(pixels_of(cameras), grid), advice="or fewer views")
        views = yield from drawn(
            "Drawing depth",
            self._source,
            cameras,
            lambda view: depth_view(view, opacity=config.opacity),
        )
        self._views = FusedViews.of(views, grid)
        return grid

    def _surface(self) -> Generator[Event, None, Arrays]:
        grid = self._grid
        corners, pieces = bricks(grid), []
        for start in range(0, len(corners), BRICKS_AT_ONCE):
            yield Prepared(phase="Fusing depth", done=start, total=len(corners))
            some = corners[start : start + BRICKS_AT_ONCE]
            distance, weight = distances(
                self._views,
                some,
                BRICK + 1,
                truncation=self.config.truncation_cells,
                agreement=min(self.config.agreement, -(-len(self._cameras) // 3)),
            )
            for i, corner in enumerate(some):
                found = brick_surface(distance[i], weight[i], np.array(grid.cells) + 1 - corner)
                if found is not None:
                    pieces.append((found[0] + corner, found[1]))
        yield Prepared(phase="Fusing depth", done=len(corners), total=len(corners))
        vertices, faces = joined(pieces)
        if not len(faces):
            raise InputError((yield from self._why_nothing()))
        return vertices, faces

    def _colours(
        self, vertices: np.ndarray, normals: np.ndarray
    ) -> Generator[Event, None, np.ndarray]:
        tolerance = self.config.truncation_cells
        return (yield from painted(self._views, vertices, normals, tolerance=tolerance))

    def _sized(self, cameras: Sequence[Camera], grid: Grid, config: MeshConfig) -> list[Camera]:
        if config.view_size:
            return [sized(camera, longest=config.view_size) for camera in cameras]
        most = self._finest * config.resolution
        fitting = [sized_for(camera, grid) for camera in cameras]
        return [sized(c, longest=round(min(most, max(c.width, c.height)))) for c in fitting]

    def _forecast(self, box: Box, pixel_s: float, brick_s: float, config: MeshConfig) -> Forecast:
        grid = Grid.over(Box.of(config.box) if config.box else box, config.resolution)
        cameras = chosen(self._cameras, config.views)
        pixels = pixels_of(self._sized(cameras, grid, config))
        fusing = brick_s * len(bricks(grid)) * len(cameras)
        return Forecast(
            bytes=bytes_for(pixels, grid),
            seconds=pixel_s * pixels + fusing + tidy_seconds(config, grid),
        )

    def _glance(self) -> Generator[Event, None, Glance]:
        return (yield from glance(self._source, self._cameras, opacity=self.config.opacity))

    def _why_nothing(self) -> Generator[Event, None, str]:
        """A sentence on why there is no surface, with a range that has one."""
        seen = (yield from self._glance()).box
        if self.config.box:
            return (
                f"There is no surface in the box {self.box}; what the cameras see lies in "
                f"{seen}, so try a box in there"
            )
        return (
            f"No surface comes out at a resolution of {self.config.resolution}, because the "
            "depths of the views do not agree; try a lower resolution or a box around one thing"
        )


def _seconds_of_a_brick(seen: Glance, grid: Grid, config: MeshConfig) -> float:
    """What fusing one view into one brick of `grid` takes on average, found by trying."""
    views = [depth_view(view, opacity=config.opacity) for view in seen.views]
    fused, corners = FusedViews.of(views, grid), bricks(grid)
    some = corners[:: max(1, len(corners) // BRICKS_TIMED)]
    distances(fused, some[:1], BRICK + 1, truncation=1.0)  # have the kernel loaded
    began = time.perf_counter()
    distances(fused, some, BRICK + 1, truncation=config.truncation_cells)
    return (time.perf_counter() - began) / (len(some) * len(views))
