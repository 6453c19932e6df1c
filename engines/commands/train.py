"""Training without a window: the run of the app, driven from a terminal."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.commands.driving import Writer, carry_out, summary_of, write_all
from engines.commands.inputs import any_photos
from engines.commands.mesh import SUFFIXES as MESH_SUFFIXES
from engines.commands.mesh import write_mesh
from engines.commands.methods import Method
from engines.commands.progress import say
from engines.commands.writing import check_folder, check_place
from engines.mesh import MeshConfig
from engines.poses import PosesConfig

if TYPE_CHECKING:
    from assets.posed import PosedPhotos
    from assets.unposed import UnposedPhotos, Video
    from engines.poses.engine import PosesEngine
    from engines.report import ReportBuilder


@dataclass(frozen=True, kw_only=True)
class Train:
    """One run from the command line: what to learn from, how, and what to leave behind."""

    method: Method
    data: str | None
    """A path or "sample"; may be None with `resume`."""
    out: Path
    config: Any
    """Settings of the method."""
    report: Path | None = None
    checkpoint: Path | None = None
    resume: Path | None = None
    mesh: Path | None = None
    """Where a mesh of the result goes."""
    poses: PosesConfig = field(default_factory=PosesConfig)
    """How cameras are found where the photos come without."""

    def run(self) -> int:
        """Train, then write everything asked for, however the run ended.

        Photos without cameras have those found first. Returns the exit status: 0, 1 when the
        run failed, 130 after Ctrl-C. Raises InputError when the run cannot start or a result
        cannot be written.
        """
        from assets.posed import PosedPhotos

        check_place(self.out, self.method.suffixes)
        if self.report is not None:
            check_place(self.report)
        if self.checkpoint is not None:
            check_folder(self.checkpoint)
        if self.mesh is not None:
            check_place(self.mesh, MESH_SUFFIXES)
        photos = None if self.data is None else any_photos(self.data)
        found: dict[str, Any] | None = None
        if photos is not None and not isinstance(photos, PosedPhotos):
            posing, status = self._find_cameras(photos)
            if posing.result is None:
                return status
            from engines.poses.report import report_of

            photos, found = posing.result, report_of(posing)
        engine = self.engine(photos)
        from engines.report import ReportBuilder, photos_facts

        report = ReportBuilder(engine, data=photos_facts(engine.dataset), poses=found)
        return carry_out(
            engine, report, lambda: self._leave(engine, report), checkpoint=self.checkpoint
        )

    def engine(self, photos: "PosedPhotos | None") -> Any:
        """The engine, new or from the checkpoint.

        Raises InputError when photos, checkpoint or device cannot be used.
        """
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        if self.resume is not None:
            return self.method.resume(self.resume, photos, self.config)
        if photos is None:
            raise InputError("Name the photos to learn from, or a checkpoint to resume")
        return self.method.make(photos, self.config)

    def _find_cameras(self, photos: "UnposedPhotos | Video") -> "tuple[PosesEngine, int]":
        """Look for the cameras; the engine and, where it has no result, the exit status.

        Then the report is written. Raises InputError when the search fails.
        """
        from assets.files import atomic_write_json
        from engines.commands import poses
        from engines.poses.engine import PosesEngine
        from engines.poses.report import report_of
        from engines.report import without_training
        from kernels.backend import DeviceError, resolve_device

        try:
            resolve_device(self.config.device)  # better said before the long search
        except DeviceError as error:
            raise InputError(str(error)) from error
        engine = PosesEngine(photos, self.poses)
        stop = poses.drive(engine)
        found = report_of(engine)
        say(poses.summary_of(found))
        if engine.result is None:
            if self.report is not None:
                atomic_write_json(self.report, without_training(found))
                say(f"Wrote {self.report}")
            if not stop.asked:
                raise InputError(found["message"])
        return engine, stop.exit_status if stop.asked else 0

    def _leave(self, engine: Any, report: "ReportBuilder") -> None:
        """Write result, checkpoint and report; one that cannot be written stops no other."""
        from assets.export import export
        from assets.files import atomic_write_json

        say(summary_of(report.build()))
        writers: list[Writer] = []
        if engine.model is None:
            say(f"{self.method.nothing}, so {self.out} is not written")
        else:
            writers.append((self.out, lambda path: export(self.method.result(engine), path)))
            if self.checkpoint is not None:
                writers.append((self.checkpoint, engine.save_checkpoint))
            if self.mesh is not None:
                writers.append((self.mesh, lambda path: self._write_mesh(engine, path)))
        if self.report is not None:
            writers.append((self.report, lambda path: atomic_write_json(path, report.build())))
        write_all(writers, silent=self.mesh)  # which tells more of itself

    def _write_mesh(self, engine: Any, path: Path) -> None:
        cameras = [view.camera for view in engine.dataset.views]
        write_mesh(self.method.looked_at(engine), cameras, MeshConfig(), path)
