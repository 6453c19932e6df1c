"""What every way to a mesh shares: its course, the tidying, and an end at any event."""

from abc import ABC, abstractmethod
from collections.abc import Generator

import numpy as np

from assets.formats.mesh_parts import smooth_normals
from assets.mesh import Mesh
from engines.events import Event, Prepared, Warned
from engines.mesh.box import Box, Grid
from engines.mesh.clean import without_small_pieces
from engines.mesh.config import MeshConfig
from engines.mesh.forecast import Survey
from engines.mesh.simplify import simplified
from engines.slots import Slots

Arrays = tuple[np.ndarray, np.ndarray]


class Mesher(ABC):
    """One mesh in the making; `result` is there when `run` has come to its end."""

    _grid: Grid
    """Where it is made; there once `_prepare` is done."""

    def __init__(self, config: MeshConfig) -> None:
        self.config = config
        self.slots = Slots()
        self.result: Mesh | None = None
        self.box: Box | None = Box.of(config.box) if config.box else None
        """Where a surface is looked for; follows from what the cameras see if it is not given."""

    def run(self) -> Generator[Event, None, None]:
        """Make the mesh; yields events and leaves the `Mesh` (input frame) in `result` and `slots`.

        Closing the generator leaves nothing behind, not even a process. Raises InputError with
        a sentence when too much memory would be needed or when there is no surface.
        """
        self._grid = yield from self._prepare()
        vertices, faces = yield from self._surface()
        vertices, faces, gone = yield from self._tidied(vertices, faces)
        normals = smooth_normals(vertices, faces)
        colours = yield from self._colours(vertices, normals)
        self.result = Mesh(
            vertices=self._grid.to_world(vertices).astype(np.float32),
            faces=faces.astype(np.int32),
            normals=normals,
            colours=colours,
            notes=(f"{gone:,} loose pieces were left out",) if gone else (),
        )
        self.slots.put(self.result)

    @abstractmethod
    def survey(self) -> Generator[Event, None, Survey]:
        """Look at the scene only: where a mesh would be made and what that takes.

        Yields events. Raises InputError with a sentence when nothing is seen.
        """

    @abstractmethod
    def _prepare(self) -> Generator[Event, None, Grid]:
        """Set `box`, refuse what would need too much memory and get ready; returns the grid."""

    @abstractmethod
    def _surface(self) -> Generator[Event, None, Arrays]:
        """Vertices [v, 3] in cells of the grid and faces [f, 3]; InputError if there are none."""

    @abstractmethod
    def _colours(
        self, vertices: np.ndarray, normals: np.ndarray
    ) -> Generator[Event, None, np.ndarray]:
        """[v, 3] float32 sRGB of `vertices` [v, 3] in cells with their unit `normals`."""

    def _tidied(
        self, vertices: np.ndarray, faces: np.ndarray
    ) -> Generator[Event, None, tuple[np.ndarray, np.ndarray, int]]:
        """The mesh without small pieces, of no more faces than wanted; and how many pieces went."""
        config = self.config
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
        return vertices, faces, gone
