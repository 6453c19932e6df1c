"""The thread that lets one engine run, stops between two events and never touches Qt."""

import atexit
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

from assets.errors import InputError
from engines.engine import Engine
from engines.events import Event, Failed, Finished, Prepared, Stepped

QUEUE_LIMIT = 2_000
"""Events that may wait for the window; a faster engine is held back until it has caught up."""
LONGEST_REST_S = 2.0
"""Between two steps, however long they take: a run that gives way still goes on."""
TELL_S = 0.05
"""Least time between two words on how far the reading is."""

Report = Callable[[str, int, int], None]
"""Phase, how many are done, of how many. Raises `Interrupted`, and waits while the run is held."""


class Interrupted(Exception):
    """The run was stopped or cleared while its data were read."""


class Order(Enum):
    """What the thread does after the event at hand."""

    HOLD = auto()
    STEP = auto()
    """Go on to the next finished step, then hold."""
    GO = auto()
    STOP = auto()
    """Close the generator; GO afterwards goes on with a new one of the same engine."""


@dataclass(frozen=True)
class Ended:
    """Follows the last event of a run that came to its end by itself."""

    failed: bool
    message: str = ""
    """The reason of the end, or the sentence that says what went wrong."""
    details: str = ""
    """The traceback of an unexpected error, for the log."""


@dataclass(frozen=True)
class Built:
    """The engine exists now; comes before its first event."""

    engine: Engine


class RunWorker:
    """Owns an engine from its making until `quit`, on a thread of its own.

    Orders take effect between two events. Calls given to `between_steps` are made there
    too, also while the run is held or over, so that they always find a consistent engine.
    """

    def __init__(
        self,
        make_engine: Callable[..., Engine],
        after: "RunWorker | None" = None,
        *,
        read: Callable[[Report], Any] | None = None,
    ) -> None:
        """What `read` returns, if it is given, is what `make_engine` is called with."""
        self._make_engine, self._read = make_engine, read
        self._told = 0.0
        self._after = after
        self._gate = threading.Condition()
        self._order = Order.HOLD
        self._quitting = False
        self._over = False
        self._leaves_a_core = self._left_a_core = False
        self._share = 1.0
        self._calls: deque[tuple[Future, Callable[[Engine], Any]]] = deque()
        self._queue: deque[Event | Ended | Built] = deque()
        self._thread = threading.Thread(target=self._work, name="run", daemon=True)
        atexit.register(self._end_with_program)
        self._thread.start()

    # -- from the window's thread ----------------------------------------------------------

    def give(self, order: Order) -> None:
        """Replace the standing order."""
        with self._gate:
            self._order = order
            self._gate.notify_all()

    def between_steps(self, call: Callable[[Engine], Any]) -> Future:
        """Have `call(engine)` made between two events; cancelled if the run is cleared first."""
        future: Future = Future()
        with self._gate:
            if self._quitting:
                future.cancel()
                return future
            self._calls.append((future, call))
            self._gate.notify_all()
        return future

    def leave_a_core(self, wanted: bool) -> None:
        """Train on all cores but one from the next event on, or on all of them again."""
        self._leaves_a_core = wanted

    def give_way(self, share: float) -> None:
        """Train for no more than `share` of the time, 0 to 1, and rest between two steps."""
        if share != self._share:
            with self._gate:
                self._share = share
                self._gate.notify_all()

    def drain(self) -> list[Event | Ended | Built]:
        """All that happened since the last call, in order."""
        with self._gate:
            items = list(self._queue)
            self._queue.clear()
            self._gate.notify_all()
        return items

    def quit(self) -> None:
        """Stop after the event at hand and forget the engine; does not wait."""
        with self._gate:
            self._quitting = True
            for future, _ in self._calls:
                future.cancel()
            self._calls.clear()
            self._gate.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread's end; False when it took longer than `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- on the worker's thread ------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._live()
        finally:
            atexit.unregister(self._end_with_program)

    def _end_with_program(self) -> None:
        """Native code that is interrupted by the interpreter's end would abort the process."""
        self.quit()
        self.join()

    def _live(self) -> None:
        if self._after is not None:
            self._after.join()
            self._after = None
        try:
            engine = self._make()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must reach the person
            self._end(_failure(error, step=0))
            self.quit()
            return
        if engine is None:
            return
        self._tell(Built(engine))
        run: Generator[Event, None, None] | None = None
        while (order := self._next_order(engine, idle=run is None)) is not None:
            if run is None:
                run = cast(Generator[Event, None, None], engine.run())
            if order is Order.STOP:
                run.close()
                run = None
            elif (ended := self._advance(engine, run)) is not None:
                run.close()
                run = None
                self._end(ended)
        if run is not None:
            run.close()

    def _make(self) -> Engine | None:
        """The engine; None to quit. A reading that was stopped begins anew when it is to go on."""
        if self._read is None:
            return self._make_engine()
        while True:
            try:
                return self._make_engine(self._read(self._report))
            except Interrupted:
                with self._gate:
                    self._gate.wait_for(lambda: self._quitting or self._order is not Order.STOP)
                    if self._quitting:
                        return None

    def _report(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        with self._gate:
            if done >= total or now - self._told >= TELL_S:
                self._told = now
                self._tell(Prepared(phase=phase, done=done, total=total))
            self._gate.wait_for(lambda: self._quitting or self._order is not Order.HOLD)
            if self._quitting or self._order is Order.STOP:
                raise Interrupted

    def _next_order(self, engine: Engine, *, idle: bool) -> Order | None:
        """Serve calls and wait until there is something to do; None to quit."""
        while True:
            with self._gate:
                self._gate.wait_for(lambda: self._something_to_do(idle))
                if self._quitting:
                    return None
                if not self._calls or (self._order is Order.STOP and not idle):
                    return self._order
                future, call = self._calls.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call(engine))
                except Exception as error:  # noqa: BLE001 - handed to whoever asked
                    future.set_exception(error)

    def _something_to_do(self, idle: bool) -> bool:
        if self._quitting or self._calls:
            return True
        if self._order is Order.STOP:
            return not idle
        return not self._over and self._order is not Order.HOLD and len(self._queue) < QUEUE_LIMIT

    def _advance(self, engine: Engine, run: Iterator[Event]) -> Ended | None:
        if self._leaves_a_core != self._left_a_core:
            from kernels.threads import core_count, use_threads  # loaded by now, with the engine

            self._left_a_core = self._leaves_a_core
            use_threads(core_count() - self._left_a_core)
        began = time.perf_counter()
        try:
            event = next(run, None)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must reach the person
            return _failure(error, step=engine.step)
        if event is None:
            return Ended(failed=False)
        self._tell(event)
        match event:
            case Failed():
                return Ended(failed=True, message=event.message)
            case Finished():
                return Ended(failed=False, message=event.reason)
            case Stepped():
                with self._gate:
                    if self._order is Order.STEP:
                        self._order = Order.HOLD
                    self._rest(time.perf_counter() - began)
        return None

    def _rest(self, worked_s: float) -> None:
        """With the gate held: rest after a step, unless there is something else to do."""
        if self._share < 1.0:
            rest_s = worked_s * (1 - self._share) / max(self._share, 1e-3)
            self._gate.wait_for(
                lambda: (
                    self._quitting
                    or self._calls
                    or self._order is not Order.GO
                    or self._share >= 1.0
                ),
                min(rest_s, LONGEST_REST_S),
            )

    def _tell(self, item: Event | Ended | Built) -> None:
        with self._gate:
            self._queue.append(item)

    def _end(self, ended: Ended) -> None:
        """From now on only calls are served, whatever is ordered."""
        with self._gate:
            self._over = True
            self._queue.append(ended)


def _failure(error: Exception, *, step: int) -> Ended:
    if isinstance(error, InputError):
        return Ended(failed=True, message=str(error))
    kept = f"the state of step {step:,} is kept" if step else "nothing was learnt yet"
    return Ended(
        failed=True,
        message=f"The run stopped on an unexpected error ({type(error).__name__}: {error}); "
        f"{kept}. The log has the details",
        details="".join(traceback.format_exception(error)),
    )
