"""A mesh of a file of Gaussians or of a radiance field, without a window."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import InputError
from engines.commands.inputs import learnt, posed_photos
from engines.commands.progress import RunProgress, say
from engines.commands.writing import check_place
from engines.mesh import MeshConfig

if TYPE_CHECKING:
    from assets.field import SavedField
    from engines.nerf.source import FieldSource

SUFFIXES = (".glb", ".obj", ".ply", ".stl")


@dataclass(frozen=True, kw_only=True)
class MakeMesh:
    """Which scene to make a mesh of, from which photos' cameras it is looked at, and where to."""

    scene: Path
    out: Path
    config: MeshConfig
    data: str | None = None
    """A path or "sample"; without photos the scene is looked at from all around."""

    def run(self) -> int:
        """Make and write the mesh; Ctrl-C ends it at once and nothing is written.

        Raises InputError when something named cannot be used or no mesh comes out.
        """
        check_place(self.out, SUFFIXES)
        scene = learnt(self.scene)
        dataset = None if self.data is None else posed_photos(self.data)
        from assets.export import export
        from assets.gaussians import GaussianCloud
        from engines.mesh import mesher_of
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        cameras = None if dataset is None else [view.camera for view in dataset.views]
        thing = scene if isinstance(scene, GaussianCloud) else self._source_of(scene)
        mesher = mesher_of(thing, cameras, self.config)
        with RunProgress(steps=1) as progress, closing(mesher.run()) as events:
            for event in events:
                progress.show(event)
        mesh = mesher.result
        assert mesh is not None, "a run that ends without an error has a result"
        export(mesh, self.out)
        for note in mesh.notes:
            say(note)
        say(
            f"Wrote {self.out}: {len(mesh.vertices):,} vertices, "
            f"{len(mesh.faces):,} triangles, box {mesher.box}"
        )
        return 0

    def _source_of(self, saved: "SavedField") -> "FieldSource":
        from engines.nerf.source import FieldSource
        from kernels.backend import DeviceError, resolve_device

        try:
            return FieldSource.of(saved, resolve_device(self.config.device))
        except DeviceError as error:
            raise InputError(str(error)) from error
