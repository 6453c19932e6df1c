"""Runs that were on these photos before the present one, kept to be compared with it."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.asked import Exactly
from app.enginekinds import EngineKind
from app.panels.series import RunSeries
from app.view import ViewControl
from app.workbench import Workbench
from assets.gaussians import GaussianCloud
from engines.artifacts import Portrait
from engines.events import Evaluated, Event, Stepped

MOST_KEPT = 4
"""Each of them holds all parameters of a run in memory; the oldest goes first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RunRecord:
    """What is known of a run, and what draws it."""

    name: str
    """"Splats, 3,000 steps"."""
    kind: str
    """Id of its engine."""
    exactly: Exactly | None
    """None while it has nothing to show."""
    series: RunSeries
    """May still grow if it is the present run."""
    evaluated: Evaluated | None
    """The last look at its held-out photos."""
    steps: int
    seconds: float
    megabytes: float
    """Of its parameters, in units of 10**6 bytes."""
    modes: tuple[str, ...] = ("colour",)
    """In which its engine can draw it."""


class Shelf(QObject):
    """Follows the present run and puts it aside when another one begins.

    Called from the window's thread only. Nothing is written to disk; other photos clear it.
    """

    changed = Signal()
    """Other runs are kept than before."""

    def __init__(self, bench: Workbench, view: ViewControl, parent: QObject | None = None) -> None:
        """Make it before whoever else hears of `bench.run_begins`, and clears the view."""
        super().__init__(parent)
        self._bench, self._view = bench, view
        self.kept: tuple[RunRecord, ...] = ()
        """The newest first."""
        self._forget()
        bench.run_begins.connect(self._put_aside)
        bench.dataset_shown.connect(self.clear)
        bench.posing.begins.connect(self.clear)

    def add(self, event: Event) -> None:
        """Take in what happens in the present run."""
        self._series.add(event)
        match event:
            case Stepped():
                self._kind = self._bench.run_kind
                self._steps, self._seconds = event.step, event.seconds
            case Evaluated(split="holdout"):
                self._evaluated = event

    @property
    def present(self) -> RunRecord | None:
        """The run at hand; None before its first step."""
        kind, subject = self._kind, self._view.subject
        if kind is None:
            return None
        shown = isinstance(subject, kind.artifact)
        return RunRecord(
            name=f"{kind.label}, {self._steps:,} step{'s' * (self._steps != 1)}",
            kind=kind.id,
            exactly=self._view.exactly if shown else None,
            series=self._series,
            evaluated=self._evaluated,
            steps=self._steps,
            seconds=self._seconds,
            megabytes=megabytes_of(subject) if shown else 0.0,
            modes=subject.source.modes if isinstance(subject, Portrait) else ("colour",),
        )

    def clear(self, _what: object = None) -> None:
        """Other photos are open: what was learnt from others cannot be compared."""
        self._forget()
        self.kept = ()
        self.changed.emit()

    def _put_aside(self, _dataset: object) -> None:
        present = self.present
        if present is not None and present.exactly is not None:
            self.kept = (self._frozen(present), *self.kept)[:MOST_KEPT]
        self._forget()
        self.changed.emit()

    def _frozen(self, run: RunRecord) -> RunRecord:
        """The run as it was last seen, without the engine: that one goes."""
        assert self._kind is not None
        bench, kind, subject = self._bench, self._kind, self._view.subject
        exactly = Exactly(lambda: _source(bench, kind, subject), subject)
        names = {kept.name for kept in self.kept}
        name, number = run.name, 2
        while name in names:
            name, number = f"{run.name} ({number})", number + 1
        return RunRecord(**{**vars(run), "name": name, "exactly": exactly})

    def _forget(self) -> None:
        self._kind: EngineKind | None = None
        self._series = RunSeries()
        self._evaluated: Evaluated | None = None
        self._steps, self._seconds = 0, 0.0


def megabytes_of(subject: GaussianCloud | Portrait | None) -> float:
    """Room that the parameters of what was learnt take, in units of 10**6 bytes."""
    if isinstance(subject, Portrait):
        return subject.megabytes
    if subject is None:
        return 0.0
    parameters = (
        subject.means,
        subject.quats,
        subject.log_scales,
        subject.logit_opacities,
        subject.sh,
    )
    return 1e-6 * sum(array.nbytes for array in parameters)


def _source(bench: Workbench, kind: EngineKind, subject: GaussianCloud | Portrait | None):
    if isinstance(subject, Portrait):
        return subject.source
    return bench.source_of(kind, subject)
