"""Finding camera poses without a window: photos or a video in, a COLMAP folder out."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import InputError
from assets.unposed import UnposedPhotos
from engines.commands.inputs import unposed_photos
from engines.commands.interrupt import StopRequest
from engines.commands.progress import RunProgress, clock, say
from engines.commands.writing import check_folder, check_place
from engines.events import Warned
from engines.poses import PosesConfig

if TYPE_CHECKING:
    from engines.poses.engine import PosesEngine

NOTICE = b"\nStopping; the same command goes on from here the next time\n"


@dataclass(frozen=True, kw_only=True)
class FindPoses:
    """One search from the command line: for which photos, how, and what to leave behind."""

    photos: str
    """A folder of photos, a video or "sample"."""
    out: Path
    config: PosesConfig
    report: Path | None = None

    def run(self) -> int:
        """Find the poses, then write the folder and the report.

        Returns the exit status: 0, or 130 after Ctrl-C. Raises InputError when the poses
        cannot be found or a result cannot be written.
        """
        from engines.poses.engine import PosesEngine
        from engines.poses.report import report_of
        from engines.poses.workspace import check_export

        check_folder(self.out)
        if self.report is not None:
            check_place(self.report)
        source = unposed_photos(self.photos)
        check_export(self.out, source.source)
        engine = PosesEngine(source, self.config)
        stop = drive(engine)
        report = report_of(engine)
        say(summary_of(report))
        problems = [report["message"]] if report["status"] == "failed" else []
        if engine.result is not None:
            problems += self._written(self.out, lambda: self._export(engine))
        if self.report is not None:
            problems += self._written(self.report, lambda: self._write(report))
        if problems:
            raise InputError("\n".join(problems))
        return stop.exit_status if stop.asked and engine.result is None else 0

    def _export(self, engine: "PosesEngine") -> None:
        from engines.poses.workspace import export_colmap

        assert engine.folder is not None
        export_colmap(engine.folder, self.out)

    def _write(self, report: dict) -> None:
        from assets.files import atomic_write_json

        assert self.report is not None
        atomic_write_json(self.report, report)

    @staticmethod
    def _written(path: Path, write: Callable[[], None]) -> list[str]:
        """What went wrong; one result that cannot be written stops no other."""
        try:
            write()
        except InputError as error:
            return [str(error)]
        say(f"Wrote {path}")
        return []


def drive(engine: "PosesEngine") -> StopRequest:
    """Run `engine` to its end or to the first Ctrl-C, shown on stderr; tells which it was."""
    notes = engine.source.notes if isinstance(engine.source, UnposedPhotos) else ()
    with StopRequest(NOTICE) as stop, RunProgress(steps=1) as progress:
        for note in notes:
            progress.show(Warned(message=note))
        with closing(engine.run()) as events:
            for event in events:
                progress.show(event)
                if stop.asked and engine.result is None:
                    break
    return stop


def summary_of(report: dict) -> str:
    """One line on how a search went."""
    words = f"{report['status'].capitalize()} after {clock(report['seconds'])}"
    if report["registered"]:
        words += (
            f", {report['registered']} of {report['total']} photos have a place, "
            f"{report['points']:,} points, {report['error_px']['matched']:.2f} px error"
        )
    return words
