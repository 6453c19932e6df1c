"""A run as the window knows it: one state, from which every button follows."""

from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.worker import Built, Ended, Order, Report, RunWorker
from engines.engine import Engine
from engines.events import Event, Stepped


class State(Enum):
    """Where a run is."""

    IDLE = "Idle"
    PREPARING = "Preparing"
    RUNNING = "Running"
    PAUSED = "Paused"
    FINISHED = "Finished"
    STOPPED = "Stopped"
    FAILED = "Failed"


class Command(Enum):
    """What a person can ask of a run."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STEP = "step"
    STOP = "stop"
    CLEAR = "clear"


COMMANDS: dict[State, dict[Command, State]] = {
    State.IDLE: {Command.START: State.PREPARING},
    State.PREPARING: {
        Command.PAUSE: State.PAUSED,
        Command.STOP: State.STOPPED,
        Command.CLEAR: State.IDLE,
    },
    State.RUNNING: {
        Command.PAUSE: State.PAUSED,
        Command.STOP: State.STOPPED,
        Command.CLEAR: State.IDLE,
    },
    State.PAUSED: {
        Command.RESUME: State.RUNNING,
        Command.STEP: State.PAUSED,
        Command.STOP: State.STOPPED,
        Command.CLEAR: State.IDLE,
    },
    State.FINISHED: {Command.START: State.PREPARING, Command.CLEAR: State.IDLE},
    State.STOPPED: {
        Command.START: State.PREPARING,
        Command.RESUME: State.RUNNING,
        Command.CLEAR: State.IDLE,
    },
    State.FAILED: {Command.START: State.PREPARING, Command.CLEAR: State.IDLE},
}
"""What may be asked in each state, and where it leads. What is missing is not allowed."""

ALIVE = frozenset({State.PREPARING, State.RUNNING, State.PAUSED})
"""States in which the run has not come to an end."""


class RunController(QObject):
    """Takes commands, hands them to the worker and learns from it by being polled.

    All methods belong to the window's thread. `poll` is called by the window's one timer;
    nothing here is signalled once per training step.
    """

    state_changed = Signal(object)
    engine_built = Signal(object)
    failed = Signal(str, str)
    """A sentence for people and, for unexpected errors, the traceback."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = State.IDLE
        self.engine: Engine | None = None
        """The engine at hand once the worker has made it; kept after the end for export."""
        self.step = 0
        """Steps done according to the events polled so far."""
        self.outcome = ""
        """Why the run ended, for people."""
        self._saved_step = 0
        self._has_stepped = False
        self._worker: RunWorker | None = None
        self._retired: RunWorker | None = None
        workers = self._living = []
        self.destroyed.connect(lambda: [worker.quit() for worker in workers])

    def allows(self, command: Command) -> bool:
        """Whether `command` means something in the present state."""
        return command in COMMANDS[self.state]

    @property
    def unsaved_steps(self) -> int:
        """Steps of the run that neither a checkpoint nor an export holds."""
        return max(0, self.step - self._saved_step)

    def mark_saved(self, step: int) -> None:
        """A checkpoint or an export holds the state of `step`."""
        self._saved_step = max(self._saved_step, step)

    # -- commands: what is not allowed in the present state does nothing ---------------------

    def start(
        self,
        make_engine: Callable[..., Engine],
        *,
        read: Callable[[Report], Any] | None = None,
        saved_step: int = 0,
    ) -> None:
        """Begin a run of the engine that `make_engine` returns; it is called by the worker.

        So is `read` before it, whose result it gets; reading is paused and stopped like a run.
        `saved_step` says what a checkpoint it is resumed from holds already.
        """
        if not self.allows(Command.START):
            return
        self._retire()
        self.engine, self.step, self.outcome = None, saved_step, ""
        self._saved_step, self._has_stepped = saved_step, False
        self._worker = RunWorker(make_engine, after=self._retired, read=read)
        self._living[:] = [self._worker]
        self._worker.give(Order.GO)
        self._enter(State.PREPARING)

    def pause(self) -> None:
        """Hold after the event at hand."""
        self._command(Command.PAUSE, Order.HOLD)

    def resume(self) -> None:
        """Go on after a pause or a stop."""
        self._command(Command.RESUME, Order.GO)

    def step_once(self) -> None:
        """Make one training step and hold again."""
        self._command(Command.STEP, Order.STEP)

    def stop(self) -> None:
        """End the run where it is; the engine stays, and it may be resumed."""
        self._command(Command.STOP, Order.STOP)

    def clear(self) -> None:
        """Forget the run and its engine, whatever it is doing."""
        if self.allows(Command.CLEAR):
            self._retire()
            self.engine, self.step, self.outcome = None, 0, ""
            self._saved_step = 0
            self._enter(State.IDLE)

    def between_steps(self, call: Callable[[Engine], Any]) -> Future:
        """Have `call(engine)` made by the worker between two events; cancelled on clear.

        The engine may be held, running or at its end. Without a run the future is cancelled.
        """
        if self._worker is None:
            future: Future = Future()
            future.cancel()
            return future
        return self._worker.between_steps(call)

    def leave_a_core(self, wanted: bool) -> None:
        """Have a run train on all cores but one, while something else is in a hurry."""
        if self._worker is not None:
            self._worker.leave_a_core(wanted)

    def give_way(self, share: float) -> None:
        """Have a run train for no more than `share` of the time, 0 to 1."""
        if self._worker is not None:
            self._worker.give_way(share)

    def close(self, timeout: float | None = None) -> bool:
        """Clear and wait for the thread; False if it is still busy after `timeout` seconds."""
        self.clear()
        return self._retired is None or self._retired.join(timeout)

    # -- news --------------------------------------------------------------------------------

    def poll(self) -> list[Event]:
        """The events since the last call, in order; moves the state on with them."""
        worker, events = self._worker, []
        for item in worker.drain() if worker is not None else ():
            if self._worker is not worker:
                break
            match item:
                case Built():
                    self.engine = item.engine
                    self.engine_built.emit(item.engine)
                case Ended():
                    self.outcome = item.message
                    self._enter(State.FAILED if item.failed else State.FINISHED)
                    if item.failed:
                        self.failed.emit(item.message, item.details)
                case Stepped():
                    self.step, self._has_stepped = item.step, True
                    events.append(item)
                    if self.state is State.PREPARING:
                        self._enter(State.RUNNING)
                case _:
                    events.append(item)
        return events

    def _command(self, command: Command, order: Order) -> None:
        if not self.allows(command) or self._worker is None:
            return
        self._worker.give(order)
        state = COMMANDS[self.state][command]
        if state is State.RUNNING and not self._has_stepped:
            state = State.PREPARING
        self._enter(state)

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)

    def _retire(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            self._retired, self._worker = self._worker, None
