"""Asks an engine for the exact view of a camera, off the window's thread; newest camera wins."""

import atexit
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from assets.camera import Camera
from engines.engine import RenderedView, RenderSource


@dataclass(frozen=True)
class _Wish:
    source: Callable[[], RenderSource]
    """Makes the source; called on the worker's thread when `version` is new."""
    version: object
    camera: Camera
    budget_ms: float | None


class ExactRenderer:
    """One thread that renders the newest wish and forgets those it overtook."""

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._wish: _Wish | None = None
        self._result: RenderedView | None = None
        self._problem = ""
        self._busy = self._forgotten = False
        self._quitting = False
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """A wish is waiting or being rendered."""
        with self._gate:
            return self._busy or self._wish is not None

    def ask(
        self,
        source: Callable[[], RenderSource],
        version: object,
        camera: Camera,
        budget_ms: float | None,
    ) -> None:
        """Wish for the view of `camera`; `version` says which state `source()` would show."""
        with self._gate:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="exact", daemon=True)
                atexit.register(self.close)
                self._thread.start()
            self._wish = _Wish(source, version, camera, budget_ms)
            self._gate.notify_all()

    def take(self) -> RenderedView | None:
        """The newest finished view, once."""
        with self._gate:
            result, self._result = self._result, None
            return result

    def take_problem(self) -> str:
        """Traceback of a view that could not be rendered, once; empty if all is well."""
        with self._gate:
            problem, self._problem = self._problem, ""
            return problem

    def forget(self) -> None:
        """Drop the wish, what is being rendered and what was rendered."""
        with self._gate:
            self._wish = self._result = None
            self._forgotten = True

    def close(self) -> None:
        """End the thread after the view at hand."""
        with self._gate:
            self._quitting = True
            self._gate.notify_all()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)

    def _work(self) -> None:
        source: RenderSource | None = None
        version: object = None
        while True:
            with self._gate:
                self._busy = False
                self._gate.wait_for(lambda: self._quitting or self._wish is not None)
                wish, self._wish = self._wish, None
                if self._quitting or wish is None:
                    return
                self._busy, self._forgotten = True, False
            try:
                if source is None or wish.version != version:
                    source, version = wish.source(), wish.version
                view = source.render(wish.camera, wish.budget_ms)
            except Exception as error:  # noqa: BLE001 - reported by take_problem
                source = None
                with self._gate:
                    self._problem = "".join(traceback.format_exception(error))
                continue
            with self._gate:
                self._result = None if self._forgotten else view
