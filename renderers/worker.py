"""A thread that always works on the newest wish and forgets the ones it had no time for."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

W = TypeVar("W")
R = TypeVar("R")


class LatestWins(Generic[W, R]):
    """Runs `work(wish)` in one thread; wishes and results that were overtaken are dropped."""

    def __init__(self, work: Callable[[W], R], *, name: str) -> None:
        self._work = work
        self._name = name
        self._changed = threading.Condition()
        self._wish: tuple[W] | None = None
        self._result: tuple[R] | None = None
        self._error: Exception | None = None
        self._busy = self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, wish: W) -> None:
        """Work on `wish` next, in place of any that still waits. Starts the thread if needed."""
        with self._changed:
            if self._closed:
                return
            self._wish = (wish,)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def take(self) -> R | None:
        """The newest result, once; raises what the work raised, once."""
        with self._changed:
            error, self._error = self._error, None
            result, self._result = self._result, None
        if error is not None:
            raise error
        return result[0] if result is not None else None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being worked on."""
        with self._changed:
            return self._wish is None and not self._busy

    def wait(self, timeout_s: float) -> bool:
        """Block until idle; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._wish is None and not self._busy, timeout_s)

    def close(self) -> None:
        """End the thread after what it is doing now; asking later does nothing."""
        with self._changed:
            self._closed = True
            self._wish = self._result = None
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wish is not None or self._closed)
                if self._closed:
                    return
                assert self._wish is not None
                (wish,), self._wish, self._busy = self._wish, None, True
            result, error = None, None
            try:
                result = (self._work(wish),)
            except Exception as caught:  # noqa: BLE001 - handed to whoever takes the result
                error = caught
            with self._changed:
                self._busy = False
                if not self._closed:
                    self._result, self._error = result or self._result, error
                self._changed.notify_all()
