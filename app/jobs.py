"""Work that must not hold the window up: reading files, writing exports, saving runs."""

import threading
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from assets.errors import InputError


class Cancelled(Exception):
    """Raised inside a job at its next look when somebody asked it to end."""


class Job:
    """One piece of work with a title, its progress and a way to end it early."""

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self.title = title
        """What is going on, for people: "Opening fox_colmap"."""
        self.quiet = quiet
        """Not worth being shown while it lasts."""
        self.progress: tuple[int, int] | None = None
        """(done, total), or None where that is not known."""
        self.phase = ""
        """What it does at the moment, if it tells."""
        self._cancelled = threading.Event()

    def report(self, done: int, total: int, phase: str = "") -> None:
        """Called by the work; raises Cancelled when the job was cancelled."""
        self.progress, self.phase = (done, total), phase
        self.check()

    def check(self) -> None:
        """Called by the work; raises Cancelled when the job was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the work to end; it ends at its next look, and its result is not delivered."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked it to end."""
        return self._cancelled.is_set()


@dataclass(frozen=True)
class _Waiting:
    job: Job
    future: Future
    done: Callable[[Any], None]
    failed: Callable[[str, str], None]


class Jobs(QObject):
    """Runs jobs on threads of their own and delivers results in the window's thread.

    `poll` is called by the window's one timer; callbacks are made from it.
    """

    changed = Signal()
    """A job was added or has ended."""
    polled = Signal()
    """Time for whoever shows a job to look at its progress."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="job")
        self._behind = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="behind", initializer=_step_back
        )
        self._waiting: list[_Waiting] = []

    @property
    def current(self) -> Job | None:
        """The job to show: the oldest that is not done, cancelled or quiet."""
        shown = (w.job for w in self._waiting if not (w.job.cancelled or w.job.quiet))
        return next(shown, None)

    def start(
        self,
        title: str,
        work: Callable[[Job], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[str, str], None],
        quiet: bool = False,
        behind: bool = False,
    ) -> Job:
        """Have `work(job)` done; then `done(result)` or `failed(sentence, traceback)`.

        The traceback is empty for an InputError. Neither is called for a cancelled job. Long
        work goes `behind`: one piece after the other, on a thread that lets all others go
        before and so needs PyTorch to be loaded.
        """
        job = Job(title, quiet=quiet)
        pool = self._behind if behind else self._pool
        self._wait_for(_Waiting(job, pool.submit(work, job), done, failed))
        return job

    def follow(
        self,
        title: str,
        future: Future,
        *,
        done: Callable[[Any], None],
        failed: Callable[[str, str], None],
        quiet: bool = False,
    ) -> Job:
        """As `start`, for what somebody else works on, such as a run between two steps."""
        job = Job(title, quiet=quiet)
        self._wait_for(_Waiting(job, future, done, failed))
        return job

    def poll(self) -> None:
        """Deliver what is ready."""
        ready = [waiting for waiting in self._waiting if waiting.future.done()]
        for waiting in ready:
            self._waiting.remove(waiting)
            _deliver(waiting)
        if ready:
            self.changed.emit()
        self.polled.emit()

    def close(self) -> None:
        """Cancel everything and wait for the threads, which end at their next look."""
        for waiting in self._waiting:
            waiting.job.cancel()
            waiting.future.cancel()
        self._waiting.clear()
        for pool in (self._pool, self._behind):
            pool.shutdown(wait=True, cancel_futures=True)

    def _wait_for(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self.changed.emit()


def _step_back() -> None:
    from kernels.threads import step_back

    step_back()


def _deliver(waiting: _Waiting) -> None:
    try:
        result = waiting.future.result()
    except (Cancelled, CancelledError):
        return
    except InputError as error:
        sentence, details = str(error), ""
    except Exception as error:  # noqa: BLE001 - whatever goes wrong must reach the person
        sentence = (
            f"{waiting.job.title} failed unexpectedly ({type(error).__name__}: {error}). "
            "The log has the details"
        )
        details = "".join(traceback.format_exception(error))
    else:
        if not waiting.job.cancelled:
            waiting.done(result)
        return
    if not waiting.job.cancelled:
        waiting.failed(sentence, details)
