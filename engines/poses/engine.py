"""The poses engine: finds out where photos were taken from, as a run like any other."""

import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from assets.errors import InputError
from assets.files import write_failure
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video
from engines.artifacts import CameraRig
from engines.doctor.finding import Diagnosis, Finding
from engines.events import Diagnosed, Event, Failed, Finished, Posed, Prepared, Told, Warned
from engines.poses.background import BEAT_S, in_background
from engines.poses.config import PosesConfig
from engines.poses.database import is_sound
from engines.poses.farewell import is_damage, last_words
from engines.poses.found import is_done, read_found
from engines.poses.job import job_of
from engines.poses.outcome import FILE_NAME, Outcome, read_outcome
from engines.poses.prepare import prepare_photos
from engines.poses.process import Child, ChildDied
from engines.poses.protocol import GO, LOOK, Done, Stuck
from engines.poses.translate import FEATURES, PLACING, Translator
from engines.poses.workspace import FRAMES, LOG, Workspace, open_workspace
from engines.slots import Slots

T = TypeVar("T")
LEAST_PHOTOS = 3
CHILD = (sys.executable, "-m", "engines.poses.child")
"""The program that does the native work; the working folder is its argument."""
CHOOSING, LOOKING = "Choosing frames", "Looking at the photos"
KNOWN = "The cameras of these photos were found before with the same settings"
DAMAGED = "What an earlier run left was damaged, so features and matches are found anew"


class PosesEngine:
    """One run: photos or a video in, posed photos out; see `engines.engine.Engine.run`.

    Closing the generator ends everything within a second. The next run for the same photos
    goes on from the features and matches that were found.
    """

    def __init__(
        self,
        source: UnposedPhotos | Video,
        config: PosesConfig,
        *,
        folder: Path | None = None,
        child: Sequence[str] | None = None,
    ) -> None:
        """`folder` to work in instead of one in the cache; `child` instead of `CHILD`."""
        self.source, self.config = source, config
        self.name = source.name
        self.slots = Slots()
        self.step = 0
        """Photos that have a place so far."""
        self.seconds = 0.0
        """Time that the runs took so far, without pauses."""
        self.phase_seconds: dict[str, float] = {}
        """The same for each part of the work."""
        self.history: list[Event] = []
        """Every event so far except those that only drive the progress bar."""
        self.photos: UnposedPhotos | None = source if isinstance(source, UnposedPhotos) else None
        """Known at once, or after frames were chosen."""
        self.diagnoses: dict[str, Diagnosis] = {}
        """What the doctor found, by stage."""
        self.outcome: Outcome | None = None
        self.result: PosedPhotos | None = None
        self.folder = folder
        """The working folder, once it is known."""
        self.child_memory_mb = 0.0
        """The most memory that the child was seen to hold, in units of 2**20 bytes."""
        self._wished, self._child = folder, tuple(child or CHILD)
        self._phase = ""

    def run(self) -> Generator[Event, None, None]:
        """Find the poses; ends with `Posed` and `Finished`, or with `Failed` and a sentence."""
        began = time.perf_counter()
        with closing(self._guarded()) as events:
            for event in events:
                if isinstance(event, Prepared):
                    self._phase = event.phase
                else:
                    self.history.append(event)
                self._take_time(began)
                yield event
                began = time.perf_counter()

    def _take_time(self, began: float) -> None:
        passed = time.perf_counter() - began
        self.seconds += passed
        if self._phase:
            self.phase_seconds[self._phase] = self.phase_seconds.get(self._phase, 0.0) + passed

    def _guarded(self) -> Generator[Event, None, None]:
        self.step, self._phase = 0, ""
        self.result = self.outcome = None
        try:
            yield from self._run()
        except InputError as error:
            yield Failed(step=self.step, message=str(error))
        except OSError as error:
            place = Path(error.filename) if error.filename else self.folder or Path.cwd()
            yield Failed(step=self.step, message=write_failure(place, error))

    def _run(self) -> Iterator[Event]:
        if self.photos is not None:
            yield from self._look_at(self.photos)
        with open_workspace(self.source, self.config, self._wished) as workspace:
            self.folder = workspace.folder
            photos = self.photos
            if photos is None:
                photos = yield from self._choose(workspace)
                yield from self._look_at(photos)
            prepared = yield from prepare_photos(
                photos.kept, workspace.folder, names=[shot.name for shot in photos.views]
            )
            if len(prepared.shots) < LEAST_PHOTOS:
                raise _too_few(len(prepared.shots))
            job = job_of(
                prepared.shots,
                self.config,
                files=prepared.files,
                masked=prepared.masked,
                ordered=photos.ordered,
            )
            translator = Translator(
                tuple(sorted(shot.name for shot in prepared.shots)), workspace.folder, self.slots
            )
            stuck = ""
            if is_done(workspace.folder, job):
                yield Told(message=KNOWN)
            else:
                yield from self._check_database(workspace)
                workspace.forget_result()
                job.write(workspace.folder)
                stuck = yield from self._work(workspace, translator)
            yield from self._judge(workspace, photos)
            if stuck:
                raise InputError(stuck)
            yield from self._finish(workspace, photos, translator)

    def _choose(self, workspace: Workspace) -> Generator[Event, None, UnposedPhotos]:
        """The photos, of which those of a video must be chosen first."""
        assert isinstance(self.source, Video)
        from assets.video import choose_frames, frames_of

        frames = workspace.folder / FRAMES
        yield Prepared(phase=CHOOSING, done=0, total=1)
        with closing(choose_frames(self.source, self.config.frames, frames)) as looking:  # pyright: ignore[reportArgumentType]
            for done, total in looking:
                yield Prepared(phase=CHOOSING, done=done, total=total)
        self.photos = frames_of(self.source, frames)
        for note in self.photos.notes:
            yield Warned(message=note)
        return self.photos

    def _look_at(self, photos: UnposedPhotos) -> Iterator[Event]:
        """Have the doctor look at the photos, and see that there are enough of them."""
        if not photos.kept:
            raise _too_few(0)
        from engines.doctor import look_at_photos

        looking = look_at_photos(photos)
        with closing(looking):
            while True:
                try:
                    done, total = next(looking)
                except StopIteration as end:
                    yield self._diagnosed(end.value)
                    break
                yield Prepared(phase=LOOKING, done=done, total=total)

        if len(photos.kept) < LEAST_PHOTOS:
            raise _too_few(len(photos.kept))

    def _diagnosed(self, diagnosis: Diagnosis) -> Diagnosed:
        self.diagnoses[diagnosis.stage] = diagnosis
        self.slots.put(diagnosis)
        return Diagnosed(
            stage=diagnosis.stage,
            grade=diagnosis.grade,
            findings=tuple(_sentences(finding) for finding in diagnosis.findings),
        )

    def _check_database(self, workspace: Workspace) -> Iterator[Event]:
        """Do not go on from a database that a crash damaged."""
        if workspace.database.exists():
            call = partial(is_sound, workspace.database)
            sound = yield from self._awaited(call, Prepared(phase=FEATURES, done=0, total=1))
            if not sound:
                workspace.forget_database()
                yield Told(message=DAMAGED)

    def _work(self, workspace: Workspace, translator: Translator) -> Generator[Event, None, str]:
        """Let the child find the poses; returns why it could not, or "" where it could."""
        log, may_retry = workspace.folder / LOG, True
        while True:
            try:
                return (yield from self._converse(workspace, translator))
            except ChildDied as died:
                if not (may_retry and is_damage(log)):
                    raise InputError(last_words(died, log)) from died
            may_retry = False
            workspace.forget_database()
            yield Told(message=DAMAGED)

    def _converse(
        self, workspace: Workspace, translator: Translator
    ) -> Generator[Event, None, str]:
        latest = Prepared(phase=FEATURES, done=0, total=1)
        yield latest
        command = [*self._child, str(workspace.folder)]
        log, lock = workspace.folder / LOG, workspace.lock.descriptor
        try:
            child = Child(command, log=log, inherit=[lock])
        except OSError as error:
            raise InputError(
                f"Finding the poses cannot begin: {self._child[0]} cannot be started "
                f"({error.strerror or error}); run python bootstrap.py setup"
            ) from error
        with child:
            while True:
                message = child.receive(BEAT_S)
                match message:
                    case None:
                        yield latest
                    case Done():
                        return ""
                    case Stuck():
                        return message.message
                    case _:
                        for event in translator.events(message):
                            self.step = translator.registered
                            if isinstance(event, Prepared):
                                latest = event
                            yield event
                translator.leave_artifacts()
                self.child_memory_mb = max(self.child_memory_mb, child.memory_mb())
                if message is not None:
                    child.answer(LOOK if self.slots.wants(CameraRig) else GO)

    def _judge(self, workspace: Workspace, photos: UnposedPhotos) -> Iterator[Event]:
        """Have the doctor look at what came out, if something did."""
        from engines.doctor import look_at_poses

        if not (workspace.folder / FILE_NAME).is_file():
            return
        self.outcome = outcome = read_outcome(workspace.folder)
        seen = self.diagnoses.get("photos")
        call = partial(look_at_poses, outcome, photos, seen.measured if seen else {})
        total = len(outcome.photos)
        beat = Prepared(phase=PLACING, done=len(outcome.placements), total=total)
        diagnosis = yield from self._awaited(call, beat)
        yield self._diagnosed(diagnosis)

    def _finish(
        self, workspace: Workspace, photos: UnposedPhotos, translator: Translator
    ) -> Iterator[Event]:
        outcome = self.outcome
        if outcome is None:
            raise InputError(f"The poses in {workspace.folder} are not complete; find them again")
        self.step, total = len(outcome.placements), len(outcome.photos)
        beat = Prepared(phase=PLACING, done=self.step, total=total)
        found = yield from self._awaited(partial(read_found, workspace.folder, photos.name), beat)
        self.result = found
        translator.leave_last(outcome, found)
        yield Posed(
            registered=self.step,
            total=total,
            points=outcome.points,
            error_px=outcome.error_px,
            models=tuple(len(model) for model in outcome.models),
        )
        yield Finished(
            step=self.step,
            seconds=self.seconds,
            reason=f"{self.step} of {total} photos have a place",
        )

    def _awaited(self, call: Callable[[], T], beat: Prepared) -> Generator[Event, None, T]:
        """What `call` returns, with `beat` repeated meanwhile."""
        yield beat
        for found in in_background([call]):
            for _, value in found:
                if isinstance(value, Exception):
                    raise value
                return value
            yield beat
        raise AssertionError("unreachable: a call returns or raises")


def _sentences(finding: Finding) -> str:
    parts = (finding.title, finding.words, finding.advice)
    return ". ".join(part.rstrip(". ") for part in parts if part)


def _too_few(count: int) -> InputError:
    there = {0: "There are no photos", 1: "There is one photo"}.get(
        count, f"There are {count} photos"
    )
    return InputError(
        f"{there} to use, but camera poses need at least {LEAST_PHOTOS}, better 20 or more; take "
        "more photos from all around that overlap well"
    )
