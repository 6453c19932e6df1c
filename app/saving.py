"""Taking a run away: snapshots to be exported, checkpoints to go on from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.exports import Exportable, exportable
from app.panels.saver import Keeper
from assets.frame import Normalisation
from engines.engine import Engine

if TYPE_CHECKING:
    from app.workbench import Workbench


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """What was learnt, at one moment, to be exported."""

    what: Exportable
    origin: str
    """Where it is from, for people: "Step 1,500 of fox"."""
    name: str
    """What to call the file."""
    normalisation: Normalisation | None = None
    step: int | None = None
    """The run's step, None for what is from a file."""


class Saving(QObject):
    """Asks the run for its state between two steps and writes it off the window's thread."""

    snapshot_ready = Signal(object)
    """A `Snapshot` to be exported."""

    def __init__(self, bench: "Workbench", window: QWidget) -> None:
        super().__init__(bench)
        self._bench, self._window = bench, window

    def export(self) -> None:
        """Take a snapshot; `snapshot_ready` tells when it is there."""
        bench, name, kind = self._bench, self._run_name, self._bench.run_kind
        if bench.session.result is not None:
            title = bench.session.result_name
            what = exportable(bench.session.result)
            self.snapshot_ready.emit(Snapshot(what=what, origin=title, name=title.split(".")[0]))
            return

        def take(engine: Any) -> Snapshot:
            return Snapshot(
                what=exportable(kind.result(engine)),
                origin=f"Step {engine.step:,} of {name}",
                name=name,
                normalisation=getattr(engine, "normalisation", None),
                step=engine.step,
            )

        bench.jobs.follow(
            "Taking a snapshot",
            bench.run.between_steps(take),
            done=self.snapshot_ready.emit,
            failed=bench.trouble,
        )

    def exported(self, path: Path, snapshot: Snapshot) -> None:
        """A snapshot was written and read back."""
        if snapshot.step is not None:
            self._bench.run.mark_saved(snapshot.step)
        self._bench.memory.folder = path.parent
        self._bench.said.emit("info", f"Exported {snapshot.what.amount} to {path}")

    def save_checkpoint(
        self,
        then: Callable[[], None] | None = None,
        *,
        otherwise: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask where to, save between two steps, then go on with `then`.

        `otherwise` is called when nobody chose a folder or it could not be written.
        """
        bench = self._bench
        suggestion = bench.memory.folder / f"{self._run_name}-step-{bench.run.step}"
        folder = bench.questions.new_folder(self._window, "Save checkpoint", suggestion)
        if folder is None:
            otherwise()
            return
        bench.memory.folder = folder.parent

        def save(engine: Engine) -> int:
            engine.save_checkpoint(folder)
            return engine.step

        def done(step: int) -> None:
            bench.run.mark_saved(step)
            bench.memory.remember(folder)
            bench.success(f"Saved step {step:,} to {folder}")
            bench.changed.emit()
            if then is not None:
                then()

        def failed(sentence: str, details: str) -> None:
            bench.trouble(sentence, details)
            otherwise()

        bench.jobs.follow(
            "Saving a checkpoint", bench.run.between_steps(save), done=done, failed=failed
        )

    def look_after(self, *keepers: Keeper) -> None:
        """Have the files of panels begin where the last one went, and say how they ended."""
        bench = self._bench

        def ask(parent: QWidget, title: str, name: str, filters: str) -> Path | None:
            start = bench.memory.folder / f"{self._data_name}-{name}"
            path = bench.questions.new_file(parent, title, start, filters)
            if path is not None:
                bench.memory.folder = path.parent
            return path

        def ended(sentence: str, well: bool) -> None:
            if well:
                bench.success(sentence)
            else:
                bench.trouble(sentence, "")

        for keeper in keepers:
            keeper.ask = ask
            keeper.ended.connect(ended)

    @property
    def _data_name(self) -> str:
        session = self._bench.session
        return session.name or session.result_name.split(".")[0] or "run"

    @property
    def _run_name(self) -> str:
        return self._bench.session.name or "run"
