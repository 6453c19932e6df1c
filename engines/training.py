"""How every engine that trains goes from step to step, up to its limit."""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Protocol

from engines.events import Event, Failed, Finished


class Limited(Protocol):
    """Settings that say when a run is over."""

    @property
    def steps(self) -> int:
        """So many at most."""
        ...

    @property
    def seconds(self) -> float:
        """Training time after which it ends all the same; 0 for no limit."""
        ...


class Paced(Protocol):
    """What says how often a run is judged."""

    @property
    def evaluate_every(self) -> int:
        """Steps between two evaluations."""
        ...


class Trains(Protocol):
    """An engine as it is seen from here."""

    step: int
    seconds: float
    history: list[Event]

    @property
    def config(self) -> Limited: ...

    @property
    def schedule(self) -> Paced: ...

    def advance(self) -> list[Event]:
        """Do one step; what came of it, `Failed` at the end where it was not done."""
        ...

    def leave_artifacts(self) -> None:
        """Make what somebody waits for."""
        ...


def recorded(engine: Trains, events: Iterable[Event]) -> Iterator[Event]:
    """The same `events`, each kept in the engine's history."""
    for event in events:
        engine.history.append(event)
        yield event


def train(
    engine: Trains,
    judge: Callable[[], Iterable[Event]],
    *,
    is_over: Callable[[], bool] | None = None,
) -> Generator[Event, None, bool]:
    """Step after step to the limit, or until `is_over`, judged now and then and at the end.

    Returns whether all went well: False after a step that failed. All of a step's changes are made
    before its first event, so a run that is stopped or saved after any event goes on exactly as if
    it had not been.
    """
    every = engine.schedule.evaluate_every
    while not (is_over() if is_over else _is_at_limit(engine)):
        events = engine.advance()
        engine.leave_artifacts()
        yield from events
        if isinstance(events[-1], Failed):
            return False
        if engine.step % every == 0:
            yield from judge()
    if engine.step % every:
        yield from judge()
    return True


def finished(engine: Trains) -> Finished:
    """The end of a run, with the limit that it reached."""
    config = engine.config
    done = engine.step >= config.steps
    reason = f"{engine.step:,} steps done" if done else f"{config.seconds:g} s are over"
    return Finished(step=engine.step, seconds=engine.seconds, reason=reason)


def _is_at_limit(engine: Trains) -> bool:
    config = engine.config
    return engine.step >= config.steps or bool(config.seconds and engine.seconds >= config.seconds)
