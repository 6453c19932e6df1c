"""Training a diffusion model without a window: images in, a model file and samples out."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.commands.driving import Writer, carry_out, summary_of, write_all
from engines.commands.progress import RunProgress, say
from engines.commands.writing import check_folder, check_place
from engines.diffusion.config import DiffusionConfig
from engines.events import Prepared

if TYPE_CHECKING:
    from engines.diffusion import DiffusionEngine
    from engines.diffusion.train import Data
    from engines.report import ReportBuilder

MODEL_SUFFIXES = (".safetensors",)


@dataclass(frozen=True, kw_only=True)
class TrainDiffusion:
    """One run from the command line: what to learn from, how, and what to leave behind."""

    data: str | None
    """A folder, or the name of bundled data; may be None with `resume`."""
    out: Path
    config: DiffusionConfig
    report: Path | None = None
    checkpoint: Path | None = None
    resume: Path | None = None
    grid: Path | None = None
    """Where a picture of samples goes."""

    def run(self) -> int:
        """Train, then write everything asked for, however the run ended.

        Returns the exit status: 0, or 130 after Ctrl-C. Raises InputError when the run cannot
        start, when it failed, or when a result cannot be written.
        """
        check_place(self.out, MODEL_SUFFIXES)
        if self.grid is not None:
            check_place(self.grid, (".png",))
        if self.report is not None:
            check_place(self.report)
        for folder in (self.checkpoint, self.resume):
            if folder is not None:
                check_folder(folder)
        engine = self.engine()
        from engines.report import ReportBuilder, images_facts

        facts = images_facts(
            engine.data.name, images=len(engine.data), held_out=len(engine.held_out)
        )
        report = ReportBuilder(engine, data=facts)
        return carry_out(
            engine, report, lambda: self._leave(engine, report), checkpoint=self.checkpoint
        )

    def engine(self) -> "DiffusionEngine":
        """The engine, new or from the checkpoint.

        Raises InputError when images, checkpoint or device cannot be used.
        """
        from engines.diffusion import DiffusionEngine
        from kernels.backend import DeviceError, resolve_device
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        try:
            resolve_device(self.config.device)  # better said before images are read
            data = self._data()
            if self.resume is not None:
                return DiffusionEngine.resume(self.resume, data, self.config)
            if data is None:
                raise InputError("Name the images to learn from, or a checkpoint to resume")
            return DiffusionEngine(data, self.config)
        except DeviceError as error:
            raise InputError(str(error)) from error

    def _data(self) -> "Data | None":
        if self.data is None:
            return None
        from engines.diffusion.data.source import BUNDLED, Source, data_of

        source = Source.named(self.data)
        if source.folder is not None and not source.folder.exists():
            raise InputError(
                f"{self.data} does not exist; name a folder of images, or one of "
                f"{', '.join(BUNDLED)}"
            )
        with RunProgress(steps=1) as progress:
            return data_of(
                source,
                self.config,
                progress=lambda done, total: progress.show(
                    Prepared(phase="Reading images", done=done, total=total)
                ),
            )

    def _leave(self, engine: "DiffusionEngine", report: "ReportBuilder") -> None:
        """Write model, samples, checkpoint and report; one that fails stops no other."""
        from assets.files import atomic_write_json
        from engines.diffusion.saved import write_model

        say(summary_of(report.build()))
        more = {"health": _health_of(engine)} | self._facts(engine)
        writers: list[Writer] = []
        if engine.learner is None:
            say(f"There is no model yet, so {self.out} is not written")
        else:
            writers.append((self.out, lambda path: write_model(engine.saved_model(), path)))
            if self.grid is not None:
                writers.append((self.grid, lambda path: self._write_samples(engine, path)))
        if self.checkpoint is not None and engine.has_begun:
            writers.append((self.checkpoint, engine.save_checkpoint))
        if self.report is not None:
            writers.append((self.report, lambda p: atomic_write_json(p, report.build() | more)))
        write_all(writers)

    def _facts(self, engine: "DiffusionEngine") -> dict[str, Any]:
        """What else the report is to tell; JSON values."""
        del engine
        return {}

    def _write_samples(self, engine: "DiffusionEngine", path: Path) -> None:
        from engines.diffusion.finite import check_finite, lost_note
        from engines.diffusion.sheet import write_sheet

        artist, wish = engine.artist(), engine.wish()
        *_, end = artist.draw(wish)
        check_finite(end, artist, wish)
        write_sheet(path, end)
        if note := lost_note(end):
            say(note)


def _health_of(engine: "DiffusionEngine") -> dict[str, Any] | None:
    """Strict JSON values; None where no step was prepared."""
    from engines.report import finite

    try:
        return finite(asdict(engine.health()))
    except InputError:
        return None
