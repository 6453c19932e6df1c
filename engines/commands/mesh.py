"""A mesh of a splat file, without a window."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engines.commands.inputs import gaussians, posed_photos
from engines.commands.progress import RunProgress, say
from engines.commands.writing import check_place
from engines.mesh import MeshConfig

SUFFIXES = (".glb", ".obj", ".ply")


@dataclass(frozen=True, kw_only=True)
class MakeMesh:
    """Which cloud to make a mesh of, from which photos' cameras it is looked at, and where to."""

    scene: Path
    out: Path
    config: MeshConfig
    data: str | None = None
    """A path or "sample"; without photos the cloud is looked at from all around."""

    def run(self) -> int:
        """Make and write the mesh; Ctrl-C ends it at once and nothing is written.

        Raises InputError when something named cannot be used or no mesh comes out.
        """
        check_place(self.out, SUFFIXES)
        cloud = gaussians(self.scene)
        dataset = None if self.data is None else posed_photos(self.data)
        from assets.export import export
        from engines.mesh import mesher_of_cloud
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        cameras = None if dataset is None else [view.camera for view in dataset.views]
        mesher = mesher_of_cloud(cloud, cameras, self.config)
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
