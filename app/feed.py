"""The one timer of the window: takes news from the run and hands them to whoever shows them."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil
from PySide6.QtCore import QObject, QTimer, Signal

from app.asked import Exactly
from app.balance import Shares
from app.progress import Progress, duration
from app.run import State
from app.statusbar import Status
from app.view import ViewControl
from app.widgets.figures import count
from app.workbench import Workbench
from assets.gaussians import GaussianCloud
from engines.artifacts import CameraRig, MatchMatrix, Population, Portrait
from engines.diffusion.artifacts import Sheet
from engines.events import Diagnosed, Event, Posed

PERIOD_MS = 33
CLOUD_S = 0.25
"""Least time between two clouds asked of a run."""
PORTRAIT_S = 0.5
"""The same for what only the engine can draw; each of them is a copy of all parameters."""
DRAWN_SHARE = 0.12
"""Drawing clouds takes no more than this share of the time, so that learning has the rest."""
BUSY_CLOUD_S = 1.5
"""The same while the viewport has not finished drawing the last one."""
POPULATION_S = 1.0
BESIDES_S = 0.7
RIG_S = 0.7
MATCHES_S = 0.5
"""The same for what is shown while cameras are found."""
STATUS_S = 0.5
CURVES_S = 1.0
"""Between two drawings of what came in, curves foremost: they are the dearest to paint."""
SLOWEST = 4.0
"""Curves are drawn so many times more seldom on a machine that has no time to spare."""
MEMORY_S = 1.0


class Feed(QObject):
    """Ticks about 30 times a second; nothing in the window happens once per training step."""

    happened = Signal(object)
    """An event of the run; emitted in order."""
    ticked = Signal()
    """After every other tick, for what is drawn a piece at a time."""
    refreshed = Signal()
    """About once a second: time to draw what came in."""
    population_changed = Signal(object)
    """The present `Population`."""
    rig_changed = Signal(object)
    """The `CameraRig` that is known so far."""
    matches_changed = Signal(object)
    """The present `MatchMatrix`."""
    diagnosed = Signal(object)
    """A new `Diagnosis`, right after its event."""
    noted = Signal(object)
    """A `Sheet` of samples or another artifact that only panels show."""
    status_changed = Signal(object)
    """A `Status` for the line at the bottom."""

    def __init__(
        self, workbench: Workbench, view: ViewControl, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bench, self._view = workbench, view
        self.progress = Progress()
        self.wants_population: Callable[[], bool] = lambda: True
        """Whether anybody looks at the population."""
        self.shares = Shares(drawing=1.0, training=1.0)
        """How drawing and training share the machine while a run goes on."""
        self._engine: Any = None
        """Whose events come: an engine has left the bench when its last ones are read."""
        self._last: dict[str, float] = {}
        self._memory = ""
        self._placed = ""
        """How many photos have a place, in words."""
        self._process = psutil.Process()
        self._ticked_at = time.perf_counter()
        self._pace = 1.0
        """Time between two ticks of late, 1 when they come on time."""
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self.tick)
        workbench.run.state_changed.connect(self._state_changed)
        workbench.run.engine_built.connect(self._take_engine)
        workbench.run_begins.connect(self._begin)
        workbench.posing.begins.connect(self._begin)

    def start(self) -> None:
        """Begin to tick."""
        self._timer.start()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def tick(self) -> None:
        """One round; called by the timer."""
        now = time.perf_counter()
        passed, self._ticked_at = now - self._ticked_at, now
        self._pace += 0.1 * (min(passed, 1.0) / (1e-3 * PERIOD_MS) - self._pace)
        for event in self._bench.run.poll():
            self.add(event)
        self._artifacts(now)
        self._bench.poll()
        self._view.tick(min(passed, 0.1))
        self._share_time()
        if self._due("status", STATUS_S, now):
            self.status_changed.emit(self.status())
        if self._due("curves", CURVES_S * min(SLOWEST, max(1.0, 0.5 * self._pace)), now):
            self.refreshed.emit()
        else:
            self.ticked.emit()

    def add(self, event: Event) -> None:
        """Take an event in; a resumed run's older ones come this way too."""
        self.progress.add(event)
        if isinstance(event, Posed):
            self._placed = f"{event.registered} of {event.total} placed"
        self.happened.emit(event)
        if isinstance(event, Diagnosed):
            diagnosis = getattr(self._engine, "diagnoses", {}).get(event.stage)
            if diagnosis is not None:
                self.diagnosed.emit(diagnosis)

    def status(self) -> Status:
        """What the line at the bottom says now."""
        bench, progress = self._bench, self.progress
        state, job = bench.run.state, bench.jobs.current
        common = Status(
            memory=self._memory_words(),
            dataset=bench.session.title,
        )
        if job is not None:
            share = -1.0
            if job.progress is not None and job.progress[1]:
                share = job.progress[0] / job.progress[1]
            return replace(
                common, phase=job.title, share=share, can_cancel=bench.session.is_opening
            )
        if state is State.IDLE:
            if bench.is_loading:
                return replace(common, phase="Loading PyTorch…", share=-1.0)
            return replace(common, phase="Ready")
        config = getattr(bench.run.engine, "config", None)
        steps, seconds = getattr(config, "steps", 0), getattr(config, "seconds", 0.0)
        if state is State.PREPARING:
            share = progress.share(steps, seconds) if progress.phase else -1.0
            words = progress.phase or "Preparing"
            done, total = progress.prepared
            reads = bench.is_reading and bool(progress.phase)
            return replace(
                common,
                phase=words,
                share=share,
                steps=f"{done:,} of {total:,}" if reads else "",
                count=self._placed,
                can_cancel=reads,
            )
        if bench.posing.is_at_work:
            share = progress.share(steps, seconds)
            return replace(common, phase=state.value, share=share, count=self._placed)
        kind, subject = bench.run_kind, self._view.subject
        running = state is State.RUNNING
        left = progress.left(steps, seconds) if running else None
        rate = progress.rate if running else None
        words = state.value
        if running:
            words = progress.phase or progress.stage or bench.verb
        return replace(
            common,
            phase=words,
            share=progress.share(steps, seconds),
            steps=f"{count(progress.step)} of {count(steps)}" if steps else count(progress.step),
            left=f"{duration(left)} left" if left is not None else "",
            rate=f"{rate:.1f} steps/s" if rate is not None else "",
            count=kind.amount(subject) if isinstance(subject, kind.artifact) else "",
        )

    # -- inside ----------------------------------------------------------------------------------

    def _artifacts(self, now: float) -> None:
        """Fetch what the run has left, and ask for more when there is room for it."""
        bench = self._bench
        engine, state = bench.run.engine, bench.run.state
        if engine is None or state is State.IDLE:
            return
        if bench.posing.is_at_work:
            self._posing_artifacts(engine, now)
            return
        kind = bench.run_kind
        learnt = engine.slots.take(kind.artifact)
        if learnt is not None:
            self._show(engine, learnt)
        population = engine.slots.take(Population)
        if population is not None:
            self.population_changed.emit(population)
        for artifact in kind.besides:
            if (found := engine.slots.take(artifact)) is not None:
                self.noted.emit(found)
        if state not in (State.RUNNING, State.PREPARING):
            return
        if self._has_time(kind.artifact, now):
            engine.slots.want(kind.artifact)
        if kind.besides and self._due("besides", BESIDES_S, now):
            for artifact in kind.besides:
                engine.slots.want(artifact)
        if kind.no_population or not self.wants_population():
            return
        if self._due("population", POPULATION_S, now):
            engine.slots.want(Population)

    def _has_time(self, artifact: type, now: float) -> bool:
        """Whether whoever shows it is ready for another state of what is learnt."""
        if artifact is Sheet:
            return self._due("sheet", BESIDES_S, now)
        if artifact is Portrait:
            return self._view.asked.wants_newer and self._due("portrait", PORTRAIT_S, now)
        viewport = self._view.viewport
        pause_s = max(CLOUD_S, 1e-3 * viewport.stats.layer_ms / DRAWN_SHARE)
        if viewport.busy:
            pause_s = max(BUSY_CLOUD_S, pause_s)
        return self._due("cloud", pause_s, now)

    def _share_time(self) -> None:
        """While a run goes on it shares the machine with whoever draws."""
        run, asked = self._bench.run, self._view.asked
        run.leave_a_core(self._view.in_a_hurry)
        goes_on = run.state in (State.PREPARING, State.RUNNING)
        asked.share = self.shares.drawing if goes_on else 1.0
        run.give_way(self.shares.training if goes_on and asked.unfinished else 1.0)

    def _posing_artifacts(self, engine: Any, now: float) -> None:
        """What there is to see before anything is learnt."""
        slots = engine.slots
        matches, rig = slots.take(MatchMatrix), slots.take(CameraRig)
        if matches is not None:
            self.matches_changed.emit(matches)
        if rig is not None:
            # The photo strip counts the same, while events run ahead of what is shown.
            if engine.photos is not None:
                self._placed = f"{len(rig.names)} of {len(engine.photos.kept)} placed"
            self.rig_changed.emit(rig)
        if self._due("rig", RIG_S, now):
            slots.want(CameraRig)
        if self._due("matches", MATCHES_S, now):
            slots.want(MatchMatrix)

    def _show(self, engine: Any, learnt: GaussianCloud | Portrait | Sheet) -> None:
        if isinstance(learnt, Sheet):
            self.noted.emit(learnt)
            return
        if isinstance(learnt, Portrait):
            self._view.show_portrait(learnt)
        else:
            self._view.show_cloud(learnt, Exactly(engine.source, learnt))

    def _state_changed(self, state: State) -> None:
        if state is not State.RUNNING:
            self.progress.hold()
        if state in (State.PAUSED, State.STOPPED, State.FINISHED, State.FAILED):
            self._settle()
        self._last.pop("status", None)

    def _settle(self) -> None:
        """The run rests: show exactly the state at which it does."""
        engine, kind = self._bench.run.engine, self._bench.run_kind
        if self._bench.posing.is_at_work:
            return

        def take(engine: Any) -> tuple[Any, Population | None]:
            return kind.snapshot(engine), None if kind.no_population else engine.population()

        def done(found: tuple[Any, Population | None]) -> None:
            if self._bench.run.engine is engine and engine is not None:
                engine.slots.take(kind.artifact)  # an older one must not come after this
                self._show(engine, found[0])
                if found[1] is not None:
                    self.population_changed.emit(found[1])

        def failed(sentence: str, details: str) -> None:
            if details:  # otherwise it just had nothing to show yet
                self._bench.trouble(sentence, details)

        if engine is not None:
            future = self._bench.run.between_steps(take)
            self._bench.jobs.follow(
                "Looking at the run", future, done=done, failed=failed, quiet=True
            )

    def _take_engine(self, engine: Any) -> None:
        self._engine = engine

    def _begin(self, _dataset: object = None) -> None:
        self.progress.clear()
        self._placed = ""

    def _memory_words(self) -> str:
        now = time.perf_counter()
        if self._due("memory", MEMORY_S, now):
            self._memory = f"{self._process.memory_info().rss / 2**20:,.0f} MB"
        return self._memory

    def _due(self, what: str, period_s: float, now: float) -> bool:
        if now - self._last.get(what, -1e9) < period_s:
            return False
        self._last[what] = now
        return True
