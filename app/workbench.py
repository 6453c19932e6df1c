"""What a window does, without its looks: opens, trains, saves, asks before anything is lost."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.actions import Situation
from app.distilling import Distilling
from app.enginekinds import EngineKind, Machine, kind_of_checkpoint
from app.imagesets import DiffusionModel, ImageSet, folder_of, images_of_run
from app.jobs import Job, Jobs
from app.memory import Memory
from app.meshing import Meshing
from app.opening import Opening
from app.posing import Posing
from app.questions import Choice, Questions
from app.run import ALIVE, Command, RunController, State
from app.saving import Saving
from app.session import Result, Session
from app.worker import Report
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos
from engines.artifacts import Portrait
from engines.engine import Engine, RenderSource
from engines.poses import PosesConfig


class Workbench(QObject):
    """Brings session, run and questions together. Methods are what actions trigger.

    All methods belong to the window's thread; none waits for anything slow.
    """

    said = Signal(str, str)
    """Level ("info", "warn", "error") and text for the log."""
    troubled = Signal(str)
    """A sentence on what went wrong; it was said to the log already."""
    succeeded = Signal(str)
    """A sentence on what was done and deserves to be seen; it was said to the log already."""
    relieved = Signal()
    """Something went well, so that an older trouble need not stay in sight."""
    changed = Signal()
    """What can be asked may have changed, see `situation`."""
    run_begins = Signal(object)
    """A run is about to begin on these `PosedPhotos` or this `ImageSet`; what was shown of an
    older one is stale."""
    run_resumes = Signal(object, object)
    """A run goes on that was saved: its config and all its events so far."""
    dataset_shown = Signal(object)
    """These posed photos are open now, or None."""
    result_shown = Signal(object)
    """What was learnt elsewhere is open now: a `GaussianCloud`, the `Portrait` of a field, or a
    `DiffusionModel`."""
    shape_alone = Signal()
    """A mesh or points were opened in an empty window, so it may be looked at from anywhere."""

    def __init__(
        self,
        *,
        memory: Memory,
        questions: Questions,
        kinds: Mapping[str, EngineKind],
        settings: Callable[[], Any],
        poses_settings: Callable[[], PosesConfig],
        parent: QWidget,
    ) -> None:
        """`kinds` are the engines by id, the first by default; `settings()` returns the config
        a new run is to have, `poses_settings()` the one for finding cameras first."""
        super().__init__(parent)
        self.window, self.settings = parent, settings
        self.memory, self.questions = memory, questions
        self.jobs = Jobs(self)
        self.session = Session(self.jobs, memory, self)
        self.run = RunController(self)
        self.opening = Opening(self)
        self.saving = Saving(self, parent)
        self.distilling = Distilling(self)
        self.posing = Posing(self, poses_settings, parent)
        self.meshing = Meshing(self)
        self.kinds = kinds
        self.kind = kinds.get(memory.engine) or next(iter(kinds.values()))
        """The engine that is chosen for the next run."""
        self.run_kind = self.kind
        """The engine of the run at hand, while there is one."""
        self.run_config: Any = None
        """With what the run at hand began; None where there is none that learns."""
        self.machine: Machine | None = None
        """What trains, once that is known."""
        self.is_loading = True
        """PyTorch is still being imported."""
        self._loaded = threading.Event()
        self._starts_when_ready = False
        self._resumes_when_ready: Path | None = None
        self.session.failed.connect(self.trouble)
        self.session.changed.connect(self.changed)
        self.run.state_changed.connect(self.changed)
        self.run.failed.connect(self.trouble)
        self.posing.posed.connect(self._posed)

    @property
    def situation(self) -> Situation:
        """What is at hand."""
        state = self.run.state
        has_run = state is not State.IDLE
        learns = has_run and not self.posing.is_at_work
        return Situation(
            state=state,
            has_photos=self.session.has_data,
            is_posed=self.session.dataset is not None,
            is_flat=self.kind_on_show.learns == "images",
            hides_view=self.shows_images,
            has_engine=self.run.engine is not None and learns,
            can_find_cameras=self.session.photos is not None,
            has_found_cameras=self.posing.folder is not None,
            has_result=self.session.result is not None or self.run.step > 0,
            can_teach=self.distilling.can_teach,
            is_other_engine=has_run
            and not self.posing.is_at_work
            and self.kind is not self.run_kind,
            is_empty=self.session.is_empty and not has_run,
            is_opening=self.session.is_opening,
        )

    @property
    def shows_images(self) -> bool:
        """Images that are learnt from or drawn are on show, or will be, instead of a scene."""
        session = self.session
        has_any = session.images is not None or isinstance(session.result, DiffusionModel)
        return has_any and self.kind_on_show.learns == "images"

    @property
    def kind_on_show(self) -> EngineKind:
        """Whose results are in the viewport, or will be."""
        if self.run.state is not State.IDLE and not self.posing.is_at_work:
            return self.run_kind
        if self.session.result is not None:
            return self.kind_of(self.session.result)
        return self.kind

    def kind_of(self, result: Result) -> EngineKind:
        """Whose way of showing things fits what a file held."""
        if isinstance(result, DiffusionModel):
            return next(kind for kind in self.kinds.values() if kind.learns == "images")
        artifact = GaussianCloud if isinstance(result, GaussianCloud) else Portrait
        return next(kind for kind in self.kinds.values() if kind.artifact is artifact)

    @property
    def may_choose(self) -> bool:
        """Whether another engine can be chosen: not while one of them learns."""
        return self.run.state not in ALIVE or self.posing.is_at_work

    def choose(self, engine: str) -> None:
        """Have the next run made by the engine of this id; nothing that there is changes."""
        if self.may_choose and self.kind.id != engine:
            self.kind = self.kinds[engine]
            self.memory.engine = engine
        self.changed.emit()

    def use(self, machine: Machine) -> None:
        """What engines need is imported; what waited for it begins."""
        self.machine, self.is_loading = machine, False
        self._loaded.set()
        if self._resumes_when_ready is not None:
            folder, self._resumes_when_ready = self._resumes_when_ready, None
            self.resume_checkpoint(folder)
        elif self._starts_when_ready:
            self.begin()

    def go_without(self, sentence: str, details: str) -> None:
        """No engine can be imported; everything but training works."""
        self.is_loading = False
        self._loaded.set()
        self.trouble(sentence, details)

    def source_of(self, kind: EngineKind, asset: Any) -> RenderSource:
        """What draws an asset from a file pixel by pixel; waits for PyTorch, on any thread."""
        self._loaded.wait()
        return kind.open_source(asset)

    # -- bringing in -----------------------------------------------------------------------------

    def open(self, paths: Sequence[Path]) -> None:
        """Read whatever `paths` are."""
        if paths:
            self.memory.folder = paths[0].parent
            self.session.open(paths, learns="images" if self.kind.learns == "images" else None)

    def open_sample(self) -> None:
        """Open what comes with the program for the chosen engine and begin to train on it."""
        if self.kind.learns == "images":
            self.session.open_bundled("shapes")
        else:
            self.session.open_sample()

    def take_images(self, images: ImageSet) -> None:
        """Have `images` open in place of everything that was learnt from before."""
        self.posing.forget()
        self.session.set_result(None)
        self.session.set_images(images)
        self.dataset_shown.emit(None)

    def distil(self) -> None:
        """Have another model learn to draw in few steps what the opened one draws in many."""
        self.distilling.ask()

    def _posed(self, dataset: PosedPhotos) -> None:
        """Cameras were found: learn from the photos at once."""
        self.run.clear()
        self.session.set_dataset(dataset)
        for sentence in dataset.notes:
            self.said.emit("warn", sentence)
        self.dataset_shown.emit(dataset)
        self.begin()

    # -- the run ---------------------------------------------------------------------------------

    def run_or_pause(self) -> None:
        """What the one big button means at the moment."""
        match self.run.state:
            case State.PREPARING | State.RUNNING:
                self.run.pause()
            case State.PAUSED | State.STOPPED if not self.situation.is_other_engine:
                self.run.resume()
            case _:
                self.restart()

    def restart(self) -> None:
        """Begin anew with the present settings."""
        other = self.situation.is_other_engine
        purpose = f"Starting {self.kind.label}" if other else "Starting again"
        self.guarded(purpose, self._start_anew)

    def step_once(self) -> None:
        """One step, then hold."""
        self.run.step_once()

    def stop(self) -> None:
        """End the run here."""
        self.run.stop()

    def clear(self) -> None:
        """Forget the run, keep the photos."""
        self.guarded("Clearing the run", self._clear)

    def close_all(self) -> None:
        """Close everything."""
        self.guarded("Closing everything", self._close_all)

    def _start_anew(self) -> None:
        self.run.clear()
        self.begin()

    def _clear(self) -> None:
        self._starts_when_ready = False
        self.run.clear()
        if self.distilling.give_back():
            return
        if self.session.photos is not None and self.session.dataset is None:
            self.posing.begins.emit()
        else:
            self.run_begins.emit(self.session.dataset or self.session.images)

    def _close_all(self) -> None:
        self._starts_when_ready = False
        self._resumes_when_ready = None
        self.opening.cancel()
        self.run.clear()
        self.posing.forget()
        self.session.close()
        self.dataset_shown.emit(None)

    def begin(self) -> None:
        """Learn from the photos at hand, as soon as that is possible."""
        kind, machine = self.kind, self.machine
        if not self._fits(kind):
            return
        dataset = self.session.dataset or self.session.images
        if dataset is None and self.session.photos is not None:
            self.posing.start()
            return
        if dataset is None or not self.run.allows(Command.START):
            return
        if machine is None:
            self._starts_when_ready = True
            return
        self._starts_when_ready = False
        try:
            config = self.distilling.config_for(dataset, self.settings())
        except ValueError as error:
            self.trouble(f"These settings do not go together: {error}", "")
            return
        self.session.set_result(None)
        self.run_kind, self.run_config = kind, config
        self.relieved.emit()
        self.run_begins.emit(dataset)

        def read(report: Report) -> Any:
            machine.settle_in()
            return dataset if kind.read is None else kind.read(dataset, config, report)

        self.run.start(lambda data: kind.make(data, config), read=read)

    def _fits(self, kind: EngineKind) -> bool:
        """Have open what `kind` learns from, made of what is open if need be.

        False where that takes a while, after which it begins by itself, or cannot be.
        """
        session, images = self.session, self.session.images
        photos = session.dataset or session.photos
        if kind.learns == "images" and images is None and photos is not None:
            session.open([folder_of(photos.source)], learns="images")
            return False
        if kind.learns == "scenes" and images is not None:
            if images.folder is None:
                self.trouble(
                    f"{images.name} are no photos of a scene, from which {kind.label} learns; drop "
                    "a folder of photos, or choose Diffusion",
                    "",
                )
            else:
                session.open([images.folder], learns="scenes")
            return False
        return True

    # -- a saved run ------------------------------------------------------------------------------

    def resume_checkpoint(self, folder: Path) -> None:
        """Go on with a saved run in place of what is open."""
        machine = self.machine
        if machine is None:
            self._resumes_when_ready = folder
            return

        def read(_job: Job) -> tuple[EngineKind, Engine]:
            kind = kind_of_checkpoint(folder, self.kinds)
            return kind, kind.resume(folder)

        def done(found: tuple[EngineKind, Engine]) -> None:
            self.guarded(f"Resuming {folder.name}", lambda: self._resumed(*found, folder, machine))

        self.jobs.start(f"Reading checkpoint {folder.name}", read, done=done, failed=self.trouble)

    def _resumed(self, kind: EngineKind, engine: Any, folder: Path, machine: Machine) -> None:
        self.run.clear()
        self.run_kind, self.run_config = kind, engine.config
        self.choose(kind.id)
        if kind.learns == "images":
            self.take_images(images_of_run(engine))
            self.run_begins.emit(self.session.images)
        else:
            self.posing.forget()
            self.session.set_result(None)
            self.session.set_dataset(engine.dataset)
            self.dataset_shown.emit(engine.dataset)
            self.run_begins.emit(engine.dataset)
        self.run_resumes.emit(engine.config, tuple(engine.history))
        self.said.emit("info", f"Resumes {folder.name} at step {engine.step:,}")

        def settled() -> Engine:
            machine.settle_in()
            return engine

        self.run.start(settled, saved_step=engine.step)

    @property
    def verb(self) -> str:
        """What the run at hand does while it runs: "Training diffusion"."""
        return "Distilling" if self.distilling.is_at_work else self.run_kind.verb

    @property
    def is_reading(self) -> bool:
        """What a run is to learn from is being read."""
        return self.run.state is State.PREPARING and self.run.engine is None

    def cancel(self) -> None:
        """End what the line at the bottom shows: opening, or reading what is to be learnt from."""
        if self.session.is_opening:
            self.session.cancel()
        elif self.is_reading:
            self.clear()

    # -- small things ----------------------------------------------------------------------------

    def guard_close(self, then: Callable[[], None]) -> None:
        """Call `then` once the run is saved or may be lost; not at all when a person cancels."""
        self.guarded("Closing the window", then)

    def poll(self) -> None:
        """Deliver finished jobs; called by the window's timer."""
        self.jobs.poll()

    def close(self) -> None:
        """End all threads."""
        self._loaded.set()
        self.session.cancel()
        self.run.close()
        self.jobs.close()

    def guarded(self, purpose: str, then: Callable[[], None]) -> None:
        """Call `then` once steps that would be lost are saved or given up; or not at all.

        `purpose` begins a sentence: "Closing the window". The run holds while a person thinks.
        """
        if self.run.unsaved_steps == 0:
            then()
            return
        engine, ran = self.run.engine, self.run.state in (State.PREPARING, State.RUNNING)
        self.run.pause()

        def stay() -> None:
            if ran and self.run.engine is engine and self.run.state is State.PAUSED:
                self.run.resume()

        match self.questions.unsaved(self.window, self.run.unsaved_steps, purpose):
            case Choice.SAVE:
                self.saving.save_checkpoint(then, otherwise=stay)
            case Choice.DISCARD:
                then()
            case Choice.CANCEL:
                stay()

    def success(self, sentence: str) -> None:
        """Something was done that a person waits for."""
        self.said.emit("info", sentence)
        self.succeeded.emit(sentence)

    def trouble(self, sentence: str, details: str) -> None:
        """Something went wrong: a sentence for people and, if unexpected, the traceback."""
        self.said.emit("error", sentence)
        if details:
            self.said.emit("error", details)
        self.troubled.emit(sentence)
