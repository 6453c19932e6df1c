"""From something that can be drawn with depth to a mesh, step by step, to be ended at any."""

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import numpy as np
from scipy.spatial import KDTree

from assets.camera import Camera
from assets.errors import InputError
from assets.formats.mesh_parts import smooth_normals
from assets.mesh import Mesh
from assets.region import region_of_interest
from engines.engine import RenderedView, Renders
from engines.events import Event, Prepared, Warned
from engines.mesh.box import Box, Grid
from engines.mesh.clean import without_small_pieces
from engines.mesh.config import MeshConfig
from engines.mesh.cubes import BRICK, brick_surface, bricks, joined
from engines.mesh.forecast import refuse_beyond
from engines.mesh.fusion import FusedViews, colours, distances
from engines.mesh.simplify import simplified
from engines.mesh.views import chosen, depth_view, points_seen, share_of_views, sized, sized_for
from engines.slots import Slots

GLANCE_VIEWS, GLANCE_PX = 40, 96
"""How many cameras look, and at how many pixels, to find out where things are."""
BACKGROUND = 1.75
"""What lies farther off than this, in distances of what the cameras look at, is background."""
COMMON = 0.4
"""So is what lies within the pictures of less than this share of the cameras."""
FOREGROUND = 0.1
"""Where less than this share of all pixels is no background, that rule does not fit the scene."""
BRICKS_AT_ONCE = 16
VERTICES_AT_ONCE = 100_000

T = TypeVar("T")
Arrays = tuple[np.ndarray, np.ndarray]


class Mesher:
    """One mesh in the making; `result` is there when `run` has come to its end."""

    def __init__(self, source: Renders, cameras: Sequence[Camera], config: MeshConfig) -> None:
        """Take depth and colour of `source` from `cameras` (input frame).

        Raises InputError when there is no camera.
        """
        if not cameras:
            raise InputError("A mesh needs at least one camera that looks at the scene; none given")
        self.config = config
        self.slots = Slots()
        self.result: Mesh | None = None
        self.box: Box | None = Box.of(config.box) if config.box else None
        """Where a surface is looked for; follows from what the cameras see if it is not given."""
        self._source = source
        self._cameras = chosen(cameras, config.views)

    def run(self) -> Generator[Event, None, None]:
        """Make the mesh; yields events and leaves the `Mesh` (input frame) in `result` and `slots`.

        Closing the generator leaves nothing behind, not even a process. Raises InputError with
        a sentence when too much memory would be needed or when there is no surface.
        """
        config = self.config
        if self.box is None:
            self.box = yield from self._box_of_what_is_seen()
        grid = Grid.over(self.box, config.resolution)
        cameras = [self._sized(camera, grid) for camera in self._cameras]
        refuse_beyond(config.memory_mb, cameras, grid, config.resolution)
        drawn = yield from self._draw(
            "Drawing depth", cameras, lambda view: depth_view(view, opacity=config.opacity)
        )
        views = FusedViews.of(drawn, grid)
        del drawn
        vertices, faces = joined((yield from self._surface(views, grid)))
        if not len(faces):
            raise InputError((yield from self._why_nothing()))
        yield Prepared(phase="Cleaning the mesh", done=0, total=1)
        least = config.smallest_piece / 100
        vertices, faces, gone = without_small_pieces(vertices, faces, least_part=least)
        yield Prepared(phase="Cleaning the mesh", done=1, total=1)
        if config.faces and len(faces) > config.faces:
            vertices, faces = yield from simplified(vertices, faces, most=config.faces)
            if len(faces) > 1.05 * config.faces:
                yield Warned(
                    message=f"The mesh keeps {len(faces):,} triangles; fewer would tear it"
                )
        normals = smooth_normals(vertices, faces)
        colour = yield from self._paint(views, vertices, normals)
        self.result = Mesh(
            vertices=grid.to_world(vertices).astype(np.float32),
            faces=faces.astype(np.int32),
            normals=normals,
            colours=colour,
            notes=(f"{gone:,} loose pieces were left out",) if gone else (),
        )
        self.slots.put(self.result)

    def _sized(self, camera: Camera, grid: Grid) -> Camera:
        if self.config.view_size:
            return sized(camera, longest=self.config.view_size)
        return sized_for(camera, grid)

    def _draw(
        self, phase: str, cameras: Sequence[Camera], keep: Callable[[RenderedView], T]
    ) -> Generator[Event, None, list[T]]:
        """What `keep` makes of the view of each camera."""
        kept = []
        for done, camera in enumerate(cameras):
            yield Prepared(phase=phase, done=done, total=len(cameras))
            kept.append(keep(self._source.render(camera)))
        yield Prepared(phase=phase, done=len(cameras), total=len(cameras))
        return kept

    def _points(self) -> Generator[Event, None, np.ndarray]:
        """[n, 3] what the cameras see, without the background where there is anything else."""
        cameras = [sized(c, longest=GLANCE_PX) for c in chosen(self._cameras, GLANCE_VIEWS)]
        opacity, nearby = self.config.opacity, BACKGROUND * region_of_interest(cameras).distance
        seen = yield from self._draw(
            "Looking at the scene",
            cameras,
            lambda view: (*points_seen(view, opacity=opacity), float(view.alpha.max())),
        )
        points, depths, alphas = zip(*seen, strict=True)
        points, depths = np.concatenate(points), np.concatenate(depths)
        if len(points):
            common = share_of_views(cameras, points) >= COMMON
            near = depths <= nearby
            for foreground in (common & near, common, near):
                if foreground.mean() >= FOREGROUND:
                    return points[foreground]
            return points
        densest = max(alphas)
        if densest < 0.02:
            raise InputError(
                "The cameras see nothing of the scene; check that the photos belong to it"
            )
        raise InputError(
            f"Nothing the cameras see is more opaque than {densest:.2f}, and a surface was to "
            f"have {opacity:g}; try an opacity of {densest / 2:.2f}"
        )

    def _box_of_what_is_seen(self) -> Generator[Event, None, Box]:
        return Box.around((yield from self._points()))

    def _why_nothing(self) -> Generator[Event, None, str]:
        """A sentence on why there is no surface, with a range that has one."""
        seen = Box.around((yield from self._points()))
        if self.config.box:
            return (
                f"There is no surface in the box {self.box}; what the cameras see lies in "
                f"{seen}, so try a box in there"
            )
        return (
            f"No surface comes out at a resolution of {self.config.resolution}, because the "
            "depths of the views do not agree; try a lower resolution or a box around one thing"
        )

    def _surface(self, views: FusedViews, grid: Grid) -> Generator[Event, None, list[Arrays]]:
        """Vertices in cells of the grid and faces, for each brick that has any."""
        corners, pieces = bricks(grid), []
        for start in range(0, len(corners), BRICKS_AT_ONCE):
            yield Prepared(phase="Fusing depth", done=start, total=len(corners))
            some = corners[start : start + BRICKS_AT_ONCE]
            distance, weight = distances(
                views,
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
        return pieces

    def _paint(
        self, views: FusedViews, vertices: np.ndarray, normals: np.ndarray
    ) -> Generator[Event, None, np.ndarray]:
        """[v, 3] float32 sRGB; vertices that no camera sees take the colour of the nearest."""
        colour = np.empty((len(vertices), 3), dtype=np.float32)
        weight = np.empty(len(vertices), dtype=np.float32)
        for start in range(0, len(vertices), VERTICES_AT_ONCE):
            yield Prepared(phase="Colouring the mesh", done=start, total=len(vertices))
            some = slice(start, start + VERTICES_AT_ONCE)
            colour[some], weight[some] = colours(
                views, vertices[some], normals[some], tolerance=self.config.truncation_cells
            )
        seen = weight > 0
        if seen.any() and not seen.all():
            _, nearest = KDTree(vertices[seen]).query(vertices[~seen])
            colour[~seen] = colour[seen][nearest]
        yield Prepared(phase="Colouring the mesh", done=len(vertices), total=len(vertices))
        return colour
