"""Making a mesh of what is on show, behind everything else that goes on."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.enginekinds import EngineKind
from app.exports import exportable
from app.jobs import Job
from app.run import State
from app.saving import Snapshot
from assets.camera import Camera
from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from engines.artifacts import Portrait
from engines.events import Event, Prepared, Told, Warned
from engines.mesh import MeshConfig

if TYPE_CHECKING:
    from app.workbench import Workbench
    from engines.mesh import Mesher


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """Something at one moment that a mesh can be made of; in the frame of the input."""

    thing: Callable[[], Any]
    """A `GaussianCloud`, or a field that tells density and colour; asked for off the window's
    thread, as it may have to be loaded."""
    cameras: tuple[Camera, ...]
    """Of its photos; none where there are no photos."""
    origin: str
    """Where it is from, for people: "Step 1,500 of fox"."""
    name: str
    """What to call the file."""
    normalisation: Normalisation | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Made:
    """A mesh that was made here."""

    mesh: Mesh
    subject: Subject
    remarks: tuple[str, ...]
    """What was found worth telling on the way, a sentence each."""


class Meshing(QObject):
    """Works on a snapshot, one thing at a time; the run goes on meanwhile.

    The work is a job that lets all other threads go before and, while a run trains, leaves it
    half of the cores.
    """

    surveyed = Signal(object)
    """An `engines.mesh.Survey`: where a mesh would be made and what that takes."""
    made = Signal(object)
    """A `Made`; its mesh is part of the session by now."""
    failed = Signal(str)
    """What was being done cannot be: a sentence."""
    changed = Signal()
    """Work began or ended, or there may be something else to make a mesh of."""

    def __init__(self, bench: "Workbench") -> None:
        super().__init__(bench)
        self._bench = bench
        self.job: Job | None = None
        """What is being done, None while nothing is."""
        self.last: Made | None = None
        """The mesh that was made last, while what it was made of is open."""
        bench.changed.connect(self.changed)
        bench.dataset_shown.connect(self._forget)
        bench.result_shown.connect(self._forget)

    @property
    def is_for_field(self) -> bool:
        """What is on show is a field rather than a cloud of Gaussians."""
        return self._bench.kind_on_show.artifact is Portrait

    @property
    def origin(self) -> str:
        """What a mesh would be made of now, for people; empty where there is nothing."""
        bench = self._bench
        if bench.session.result is not None:
            return bench.session.result_name
        return _step_words(bench.run.step, self._run_name) if bench.run.step else ""

    @property
    def photos(self) -> int:
        """How many photos' cameras show where to look."""
        dataset = self._bench.session.dataset
        return len(dataset.views) if dataset is not None else 0

    def survey(self, config: MeshConfig) -> None:
        """Look at what is on show; `surveyed` tells what that brought."""

        def look(job: Job, subject: Subject) -> Any:
            events = _mesher(subject, config).survey()
            return self._driven(job, events)[0]

        self._begin("Looking at the scene", look, self.surveyed.emit)

    def make(self, config: MeshConfig) -> None:
        """Make a mesh of what is on show; `made` tells when it is there."""

        def make(job: Job, subject: Subject) -> Made:
            mesher = _mesher(subject, config)
            _, remarks = self._driven(job, mesher.run())
            assert mesher.result is not None, "a run that ends without an error has a result"
            return Made(mesh=mesher.result, subject=subject, remarks=remarks)

        self._begin("Making a mesh", make, self._take)

    def cancel(self) -> None:
        """End what is being done; nothing comes of it."""
        if self.job is not None:
            self.job.cancel()
            self.job = None
            self.changed.emit()

    def export(self) -> None:
        """Have the mesh that was made last saved."""
        if self.last is not None:
            subject = self.last.subject
            self._bench.saving.snapshot_ready.emit(
                Snapshot(
                    what=exportable(self.last.mesh),
                    origin=subject.origin,
                    name=subject.name,
                    normalisation=subject.normalisation,
                )
            )

    # -- inside ----------------------------------------------------------------------------------

    def _begin(
        self, title: str, work: Callable[[Job, Subject], Any], done: Callable[[Any], None]
    ) -> None:
        self.cancel()
        bench = self._bench

        def ended(result: Any) -> None:
            self.job = None
            done(result)
            self.changed.emit()

        def failed(sentence: str, details: str) -> None:
            self.job = None
            if details:  # unexpected, so not only a matter of the settings
                bench.trouble(sentence, details)
            self.failed.emit(sentence)
            self.changed.emit()

        def start(subject: Subject) -> None:
            self.job = bench.jobs.start(
                title, lambda job: work(job, subject), done=ended, failed=failed, behind=True
            )
            self.changed.emit()

        result, kind = bench.session.result, bench.kind_on_show
        if result is not None:
            name = bench.session.result_name
            start(self._subject(partial(_opened, bench, kind, result), name, name.split(".")[0]))
            return
        future = bench.run.between_steps(partial(self._snapshot, kind))
        self.job = bench.jobs.follow("Taking a snapshot", future, done=start, failed=failed)
        self.changed.emit()

    def _snapshot(self, kind: EngineKind, engine: Any) -> Subject:
        """Called between two steps, on the run's thread."""
        shown, name = kind.snapshot(engine), self._run_name
        thing = shown.source if isinstance(shown, Portrait) else shown
        words = _step_words(engine.step, name)
        return self._subject(lambda: thing, words, name, engine.normalisation)

    def _subject(
        self,
        thing: Callable[[], Any],
        origin: str,
        name: str,
        normalisation: Normalisation | None = None,
    ) -> Subject:
        dataset = self._bench.session.dataset
        cameras = tuple(view.camera for view in dataset.views) if dataset is not None else ()
        return Subject(
            thing=thing, cameras=cameras, origin=origin, name=name, normalisation=normalisation
        )

    def _driven(self, job: Job, work: Generator[Event, None, Any]) -> tuple[Any, tuple[str, ...]]:
        """What `work` returns and remarks, event by event; ends at once when cancelled."""
        remarks = []
        with closing(work):
            while True:
                self._leave_cores()
                try:
                    event = next(work)
                except StopIteration as end:
                    return end.value, tuple(remarks)
                match event:
                    case Prepared():
                        job.report(event.done, event.total, event.phase)
                    case Told() | Warned():
                        remarks.append(event.message)

    def _leave_cores(self) -> None:
        """Called on the job's thread."""
        from kernels.threads import core_count, use_threads

        trains = self._bench.run.state in (State.PREPARING, State.RUNNING)
        use_threads(core_count() // 2 if trains else core_count())

    def _take(self, made: Made) -> None:
        bench, mesh = self._bench, made.mesh
        bench.session.exchange(self.last.mesh if self.last is not None else None, mesh)
        self.last = made
        for sentence in (*made.remarks, *mesh.notes):
            bench.said.emit("info", sentence)
        bench.said.emit(
            "info", f"Made a mesh of {_lower(made.subject.origin)}: {len(mesh.faces):,} triangles"
        )
        self.made.emit(made)

    def _forget(self, _shown: object) -> None:
        """Something else is open: neither the work nor its result belongs to it."""
        self.cancel()
        self.last = None
        self.changed.emit()

    @property
    def _run_name(self) -> str:
        dataset = self._bench.session.dataset
        return dataset.name if dataset is not None else "run"


def _mesher(subject: Subject, config: MeshConfig) -> "Mesher":
    from engines.mesh import mesher_of

    return mesher_of(subject.thing(), subject.cameras, config)


def _opened(bench: "Workbench", kind: EngineKind, result: Any) -> Any:
    """Gaussians of a file as they are, anything else as what its engine makes of it."""
    return result if isinstance(result, GaussianCloud) else bench.source_of(kind, result)


def _step_words(step: int, name: str) -> str:
    return f"Step {step:,} of {name}"


def _lower(words: str) -> str:
    """ "step 5 of fox" in the middle of a sentence; names of files as they are."""
    return words[0].lower() + words[1:] if words.startswith("Step ") else words
