"""The run's state machine, command by command, with a small engine that follows the contract."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent

from app.run import ALIVE, COMMANDS, Command, RunController, State
from app.worker import QUEUE_LIMIT
from assets.errors import InputError
from engines.events import Event, Failed, Finished, Prepared, Stepped
from engines.slots import Slots


class CountingEngine:
    """Counts steps; `before_step` may wait or raise."""

    def __init__(self, steps: int, before_step: Callable[[int], None] = lambda _: None) -> None:
        self.slots, self.step, self.steps = Slots(), 0, steps
        self.before_step = before_step
        self.closed = 0

    def run(self) -> Iterator[Event]:
        try:
            yield Prepared(phase="Reading photos", done=1, total=1)
            while self.step < self.steps:
                self.before_step(self.step)
                self.step += 1
                yield Stepped(step=self.step, seconds=0.0, step_ms=0.0)
            yield Finished(step=self.step, seconds=0.0, reason=f"{self.step} steps done")
        finally:
            self.closed += 1


pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def controller():
    controller = RunController()
    yield controller
    assert controller.close(10)
    assert not [t for t in threading.enumerate() if t.name == "run"]


def poll_until(controller: RunController, condition: Callable[[], bool]) -> list[Event]:
    events, deadline = [], time.monotonic() + 10
    while True:
        events += controller.poll()
        if condition():
            return events
        assert time.monotonic() < deadline, f"still {controller.state} at step {controller.step}"
        time.sleep(0.002)


def slow(_: int) -> None:
    time.sleep(0.005)


def reach(controller: RunController, state: State) -> None:
    """Bring a fresh controller into `state` by commands and events only."""

    def fail(_: int) -> None:
        raise InputError("The photos are gone")

    if state is State.IDLE:
        return
    if state is State.PREPARING:
        controller.start(lambda: CountingEngine(10**6, slow))
        return
    if state in (State.FINISHED, State.FAILED):
        engine = CountingEngine(3) if state is State.FINISHED else CountingEngine(3, fail)
        controller.start(lambda: engine)
        poll_until(controller, lambda: controller.state is state)
        return
    controller.start(lambda: CountingEngine(10**6, slow))
    poll_until(controller, lambda: controller.state is State.RUNNING)
    if state is State.PAUSED:
        controller.pause()
    if state is State.STOPPED:
        controller.stop()


GIVE = {
    Command.START: lambda c: c.start(lambda: CountingEngine(10**6, slow)),
    Command.PAUSE: RunController.pause,
    Command.RESUME: RunController.resume,
    Command.STEP: RunController.step_once,
    Command.STOP: RunController.stop,
    Command.CLEAR: RunController.clear,
}


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize("state", State)
def test_every_command_in_every_state(controller, state, command):
    reach(controller, state)
    assert controller.state is state
    told = []
    controller.state_changed.connect(told.append)
    expected = COMMANDS[state].get(command, state)
    assert controller.allows(command) == (command in COMMANDS[state])
    GIVE[command](controller)
    assert controller.state is expected
    assert told == ([expected] if expected is not state else [])


def test_runs_to_the_end_and_tells_all_in_order(controller):
    engine = CountingEngine(3 * QUEUE_LIMIT)
    controller.start(lambda: engine)
    events = poll_until(controller, lambda: controller.state is State.FINISHED)
    assert [e.step for e in events if isinstance(e, Stepped)] == list(range(1, engine.steps + 1))
    assert isinstance(events[0], Prepared)
    assert isinstance(events[-1], Finished)
    assert controller.outcome == f"{engine.steps} steps done"
    assert controller.engine is engine


def test_an_engine_faster_than_the_window_is_held_back(controller):
    engine = CountingEngine(10**9)
    controller.start(lambda: engine)
    deadline = time.monotonic() + 10
    while engine.step < QUEUE_LIMIT - 2:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(0.05)
    assert engine.step <= QUEUE_LIMIT


def test_start_then_pause_at_once_holds_and_goes_on(controller):
    engine, paused = CountingEngine(50), threading.Event()
    controller.start(lambda: engine if paused.wait(10) else None)
    controller.pause()
    paused.set()  # on a busy machine all steps could be done before the order arrives
    assert controller.state is State.PAUSED
    controller.between_steps(lambda _: None).result(10)
    assert engine.step <= 1
    controller.resume()
    poll_until(controller, lambda: controller.state is State.FINISHED)
    assert engine.step == 50


def test_pause_holds_and_step_makes_exactly_one(controller):
    reach(controller, State.PAUSED)
    controller.between_steps(lambda _: None).result(10)
    engine = controller.engine
    controller.poll()
    before = engine.step
    time.sleep(0.05)
    assert engine.step == before
    controller.step_once()
    poll_until(controller, lambda: controller.step == before + 1)
    time.sleep(0.05)
    assert engine.step == before + 1
    assert controller.state is State.PAUSED


def test_step_from_a_start_then_pause_leads_through_the_preparation(controller):
    engine, ordered = CountingEngine(50), threading.Event()
    controller.start(lambda: engine if ordered.wait(10) else None)
    controller.pause()
    controller.step_once()
    ordered.set()
    poll_until(controller, lambda: controller.step >= 1)
    time.sleep(0.03)
    assert engine.step <= 2
    assert controller.state is State.PAUSED


def test_stop_closes_the_generator_and_resume_goes_on_from_there(controller):
    engine = CountingEngine(400, slow)
    controller.start(lambda: engine)
    poll_until(controller, lambda: controller.step >= 3)
    controller.stop()
    assert controller.between_steps(lambda e: (e.closed, e.step)).result(10)[0] == 1
    stopped_at = engine.step
    engine.before_step = lambda _: None
    controller.resume()
    events = poll_until(controller, lambda: controller.state is State.FINISHED)
    steps = [e.step for e in events if isinstance(e, Stepped)]
    assert steps[-1] == 400
    assert sorted(set(steps)) == steps
    assert engine.closed == 2
    assert stopped_at < 400


def test_stop_and_resume_at_once_loses_no_step(controller):
    engine = CountingEngine(300)
    controller.start(lambda: engine)
    poll_until(controller, lambda: controller.state is not State.PREPARING)
    for _ in range(20):
        controller.stop()
        controller.resume()
    poll_until(controller, lambda: controller.state is State.FINISHED)
    assert engine.step == 300


def test_clear_while_running_forgets_at_once_and_a_new_run_is_clean(controller):
    reach(controller, State.RUNNING)
    old = controller.engine
    pending = controller.between_steps(lambda _: time.sleep(0.05))
    late = controller.between_steps(lambda _: None)
    controller.clear()
    assert controller.state is State.IDLE
    assert controller.engine is None
    assert controller.poll() == []
    new = CountingEngine(5)
    controller.start(lambda: new)
    events = poll_until(controller, lambda: controller.state is State.FINISHED)
    assert [e.step for e in events if isinstance(e, Stepped)] == [1, 2, 3, 4, 5]
    assert old.closed == 1
    assert late.cancelled()
    assert pending.done() or pending.cancelled()


def test_two_engines_never_work_at_the_same_time(controller):
    working, clash = [], []

    def watch(name: str) -> Callable[[int], None]:
        def before(_: int) -> None:
            working.append(name)
            clash.append(len(set(working)) > 1)
            time.sleep(0.01)
            working.remove(name)

        return before

    for name in "abcd":
        controller.start(lambda name=name: CountingEngine(10**6, watch(name)))
        time.sleep(0.03)
        controller.clear()
    controller.start(lambda: CountingEngine(3, watch("z")))
    poll_until(controller, lambda: controller.state is State.FINISHED)
    assert clash
    assert not any(clash)


def test_close_while_running_joins_the_thread(controller):
    reach(controller, State.RUNNING)
    engine = controller.engine
    assert controller.close(10)
    assert engine.closed == 1
    assert controller.state is State.IDLE


def test_delete_while_running_ends_the_thread():
    controller = RunController()
    reach(controller, State.RUNNING)
    engine = controller.engine
    controller.deleteLater()
    QCoreApplication.sendPostedEvents(controller, QEvent.Type.DeferredDelete)
    deadline = time.monotonic() + 10
    while [t for t in threading.enumerate() if t.name == "run"]:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert engine.closed == 1


def test_an_unexpected_error_becomes_a_sentence_and_the_engine_is_kept(controller):
    def burst(step: int) -> None:
        if step == 4:
            raise ZeroDivisionError("division by zero")

    engine = CountingEngine(10, burst)
    told = []
    controller.failed.connect(lambda sentence, details: told.append((sentence, details)))
    controller.start(lambda: engine)
    poll_until(controller, lambda: controller.state is State.FAILED)
    ((sentence, details),) = told
    assert "step 4 is kept" in sentence
    assert "Traceback" not in sentence
    assert "burst" in details
    assert controller.between_steps(lambda e: e.step).result(10) == 4
    assert controller.unsaved_steps == 4


def test_an_input_error_while_making_the_engine_is_said_as_it_is(controller):
    def make():
        raise InputError("No photo can be read; check the files")

    told = []
    controller.failed.connect(lambda sentence, details: told.append((sentence, details)))
    controller.start(make)
    early = controller.between_steps(lambda _: None)
    poll_until(controller, lambda: controller.state is State.FAILED)
    assert told == [("No photo can be read; check the files", "")]
    assert controller.engine is None
    assert early.cancelled()
    assert controller.between_steps(lambda _: None).cancelled()


def test_a_failed_event_of_the_engine_fails_the_run(controller):
    class Diverging(CountingEngine):
        def run(self):
            yield Stepped(step=1, seconds=0.0, step_ms=0.0)
            yield Failed(step=1, message="The loss became non-finite")

    controller.start(lambda: Diverging(1))
    events = poll_until(controller, lambda: controller.state is State.FAILED)
    assert isinstance(events[-1], Failed)
    assert controller.outcome == "The loss became non-finite"


def test_calls_are_made_between_steps_and_their_errors_come_back(controller):
    inside = []

    def busy(_: int) -> None:
        inside.append(1)
        time.sleep(0.003)
        inside.clear()

    controller.start(lambda: CountingEngine(10**6, busy))
    poll_until(controller, lambda: controller.state is State.RUNNING)
    for _ in range(10):
        assert controller.between_steps(lambda _: list(inside)).result(10) == []
    with pytest.raises(ZeroDivisionError):
        controller.between_steps(lambda _: 1 // 0).result(10)
    assert controller.state is State.RUNNING


def test_calls_without_a_run_are_cancelled(controller):
    assert controller.between_steps(lambda _: None).cancelled()


def test_unsaved_steps_follow_saves_and_resumed_checkpoints(controller):
    controller.start(lambda: CountingEngine(7), saved_step=0)
    poll_until(controller, lambda: controller.state is State.FINISHED)
    assert controller.unsaved_steps == 7
    controller.mark_saved(5)
    assert controller.unsaved_steps == 2
    controller.mark_saved(7)
    assert controller.unsaved_steps == 0
    engine = CountingEngine(9)
    engine.step = 7
    controller.start(lambda: engine, saved_step=7)
    assert controller.unsaved_steps == 0
    poll_until(controller, lambda: controller.state is State.FINISHED)
    assert controller.unsaved_steps == 2
    controller.clear()
    assert controller.unsaved_steps == 0


def test_a_program_that_just_ends_lets_the_engine_end_first():
    program = """
import time
from app.worker import Order, RunWorker
from engines.events import Stepped

class Endless:
    step = 0
    def run(self):
        try:
            while True:
                time.sleep(0.01)
                yield Stepped(step=1, seconds=0.0, step_ms=1.0)
        finally:
            print("closed", flush=True)

worker = RunWorker(Endless)
worker.give(Order.GO)
time.sleep(0.1)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (ended.returncode, ended.stdout) == (0, "closed\n"), ended.stderr


def test_alive_states_are_those_that_can_be_stopped():
    assert {s for s in State if Command.STOP in COMMANDS[s]} == ALIVE


class PacedEngine(CountingEngine):
    """Remembers when each of its steps was made."""

    def __init__(self, steps: int) -> None:
        self.times: list[float] = []
        super().__init__(steps, self._take_note)

    def _take_note(self, _step: int) -> None:
        time.sleep(0.005)
        self.times.append(time.perf_counter())

    def gap(self) -> float:
        """Median time between the last ten steps."""
        times = sorted(b - a for a, b in zip(self.times[-11:-1], self.times[-10:], strict=True))
        return times[5]


def test_a_run_that_gives_way_rests_between_steps_and_goes_on_at_once_after(controller):
    engine = PacedEngine(10**6)
    controller.start(lambda: engine)
    poll_until(controller, lambda: controller.step >= 12)
    freely = engine.gap()
    controller.give_way(0.1)
    begin = controller.step + 2
    poll_until(controller, lambda: controller.step >= begin + 11)
    assert engine.gap() > 4 * freely
    controller.give_way(1.0)
    begin = controller.step + 2
    poll_until(controller, lambda: controller.step >= begin + 11)
    assert engine.gap() < 3 * freely


def test_a_rest_does_not_hold_up_orders_and_calls(controller):
    controller.start(lambda: CountingEngine(10**6, lambda _: time.sleep(0.05)))
    poll_until(controller, lambda: controller.step >= 1)
    controller.give_way(0.01)
    poll_until(controller, lambda: controller.step >= 2)
    began = time.monotonic()
    for _ in range(5):
        controller.between_steps(lambda e: e.step).result(10)
    assert controller.close(10)
    assert time.monotonic() - began < 2.0
