"""How far a run is, how fast it goes and how long it will take, from its events."""

import time
from collections import deque
from collections.abc import Callable

from engines.events import Event, Prepared, StageBegan, Stepped

WINDOW_S = 4.0
"""The rate is measured over this much of the immediate past."""
LEFT_WINDOW_S = 60.0
"""The time left follows from this much: it holds the pauses, such as those for samples, in the
share that they have of a run."""
COARSE_S = 600
"""Times longer than this are said in whole minutes."""


class Progress:
    """Reads a run's events; all times are of the wall, pauses left out by `hold`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Before a run."""
        self.phase = ""
        """What is prepared at the moment; empty once it trains."""
        self.prepared: tuple[int, int] = (0, 0)
        self.stage = ""
        """What is learnt at the moment, in words; empty where a run learns one thing alone."""
        self.step = 0
        self.seconds = 0.0
        """Training time according to the engine."""
        self._steps: deque[tuple[float, int]] = deque()
        self._longer: deque[tuple[float, int]] = deque()
        """Moments and steps of the last `LEFT_WINDOW_S`, as `_steps` are of `WINDOW_S`."""

    def hold(self) -> None:
        """The run was paused or stopped: what comes next begins a new measurement."""
        self._steps.clear()
        self._longer.clear()

    def add(self, event: Event) -> None:
        """Take note of what happened just now."""
        if isinstance(event, Prepared):
            self.phase, self.prepared = event.phase, (event.done, event.total)
        elif isinstance(event, StageBegan):
            self.phase = ""
            self.stage = f"{event.name.capitalize()} ({event.number} of {event.count})"
            self.hold()  # steps of another stage take another time
        elif isinstance(event, Stepped):
            now = self._clock()
            self.phase = ""
            self.step, self.seconds = event.step, event.seconds
            for steps, window_s in ((self._steps, WINDOW_S), (self._longer, LEFT_WINDOW_S)):
                steps.append((now, event.step))
                while steps[0][0] < now - window_s and len(steps) > 2:
                    steps.popleft()

    @property
    def rate(self) -> float | None:
        """Steps in a second of late, evaluation included; None before it can be told."""
        return _rate(self._steps)

    def share(self, steps: int, seconds: float) -> float:
        """How much of a run of `steps` steps or `seconds` s (0: no limit) is done, 0 to 1."""
        if self.phase:
            done, total = self.prepared
            return done / total if total else 0.0
        by_time = self.seconds / seconds if seconds else 0.0
        return min(1.0, max(self.step / max(1, steps), by_time))

    def left(self, steps: int, seconds: float) -> float | None:
        """Seconds to the end of a run of `steps` or `seconds`, whichever comes first."""
        rate = _rate(self._longer)
        if rate is None or rate <= 0:
            return None
        by_steps = max(0, steps - self.step) / rate
        return min(by_steps, max(0.0, seconds - self.seconds)) if seconds else by_steps


def _rate(steps: deque[tuple[float, int]]) -> float | None:
    """Steps in a second from the first to the last moment."""
    if len(steps) < 2:
        return None
    (began, first), (ended, last) = steps[0], steps[-1]
    return (last - first) / (ended - began) if ended > began else None


def duration(seconds: float) -> str:
    """A time as people say it: "8 s", "1 min 12 s", "25 min", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < COARSE_S:
        return f"{whole // 60} min {whole % 60} s"
    whole = 60 * round(whole / 60)
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
