"""Asks an engine for views and rays, off the window's thread: better and better, newest wins."""

import atexit
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from assets.camera import Camera
from engines.artifacts import FieldRay, SplatRay
from engines.engine import RenderedView, RenderSource

LEAST_SHARE = 0.01
"""Drawing never gets less of the time than this, or nothing would ever be seen."""


@dataclass(frozen=True, eq=False)
class Wish:
    """What somebody would like to see."""

    source: Callable[[], RenderSource]
    """Makes the source; called on the worker's thread when `version` is new."""
    version: object
    camera: Camera
    budget_ms: float | None
    """For one view that may be coarse; None for all of them, up to the best."""
    mode: str = "colour"
    at_once: bool = False
    """A person waits for it: it does not wait for the rest that drawing has to take."""
    look: object = None
    """Another look at the same `version` has a source of its own."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A view and the wish it came from."""

    view: RenderedView
    wish: Wish
    pixels: int
    """How sharp it is at least everywhere: the size of the last whole view of the wish."""


@dataclass(frozen=True, eq=False)
class RayWish:
    """A pixel that somebody would like to look into."""

    source: Callable[[], RenderSource]
    """As of a `Wish`."""
    version: object
    camera: Camera
    x: float
    """In pixels of `camera`."""
    y: float
    look: object = None
    """As of a `Wish`."""


class ExactRenderer:
    """One thread that draws the newest wish, piece by piece, and forgets those it overtook.

    Rays are wished for beside views and come between two pieces, as each is done soon.
    """

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._wish: Wish | None = None
        self._drawn: Drawn | None = None
        self._problem = ""
        self._source: RenderSource | None = None
        self._version: object = None
        self._look: object = None
        self._busy = self._forgotten = False
        self._ray_wish: RayWish | None = None
        self._ray: FieldRay | SplatRay | None = None
        self._ray_problem = ""
        self._probing = self._ray_forgotten = False
        self._quitting = False
        self._share = 1.0
        self._piece_s = self._ended = 0.0
        """What the last piece took and when that was."""
        self._pixels = 0
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """A wish is waiting, or better views of the last one are still to come."""
        with self._gate:
            return self._busy or self._wish is not None

    @property
    def share(self) -> float:
        """How much of the time drawing may take; the thread rests between two pieces."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        share = min(1.0, max(LEAST_SHARE, share))
        if share != self._share:
            with self._gate:
                self._share = share
                self._gate.notify_all()

    def ask(self, wish: Wish) -> None:
        """Wish for something else than before."""
        with self._gate:
            self._wish = wish
            self._wake()

    def take(self) -> Drawn | None:
        """The newest view, once."""
        with self._gate:
            drawn, self._drawn = self._drawn, None
            return drawn

    def take_problem(self) -> str:
        """Traceback of a view that could not be drawn, once; empty if all is well."""
        with self._gate:
            problem, self._problem = self._problem, ""
            return problem

    def forget(self) -> None:
        """Drop the wish, what is being drawn and what was drawn."""
        with self._gate:
            self._wish = self._drawn = None
            self._forgotten = True
            if not self._busy:
                self._source = None
            self._gate.notify_all()

    @property
    def probing(self) -> bool:
        """A ray is waited for."""
        with self._gate:
            return self._probing or self._ray_wish is not None

    def ask_ray(self, wish: RayWish) -> None:
        """Wish for the ray of another pixel than before, or of a newer state."""
        with self._gate:
            self._ray_wish = wish
            self._wake()

    def take_ray(self) -> FieldRay | SplatRay | None:
        """The newest ray, once."""
        with self._gate:
            ray, self._ray = self._ray, None
            return ray

    def take_ray_problem(self) -> str:
        """Traceback of a ray that could not be found, once; empty if all is well."""
        with self._gate:
            problem, self._ray_problem = self._ray_problem, ""
            return problem

    def forget_ray(self) -> None:
        """Drop the wish for a ray, the one that is being found and the one that was."""
        with self._gate:
            self._ray_wish = self._ray = None
            self._ray_problem = ""
            self._ray_forgotten = True

    def close(self) -> None:
        """End the thread after the piece at hand."""
        with self._gate:
            self._quitting = True
            self._gate.notify_all()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)

    def _wake(self) -> None:
        """With the gate held: there is something to do."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="exact", daemon=True)
            atexit.register(self.close)
            self._thread.start()
        self._gate.notify_all()

    # -- on the worker's thread ------------------------------------------------------------

    def _work(self) -> None:
        while self._something_to_do():
            self._probe()
            wish = self._next_wish()
            if wish is None:
                continue
            try:
                self._draw(wish, self._source_of(wish))
            except Exception as error:  # noqa: BLE001 - reported by take_problem
                with self._gate:
                    self._source = None
                    self._problem = "".join(traceback.format_exception(error))

    def _something_to_do(self) -> bool:
        """Wait for a wish and, if it is for a view, for time to draw it; False to quit."""
        with self._gate:
            self._busy = False
            if self._forgotten:
                self._source = None
            self._gate.wait_for(lambda: self._quitting or self._wish or self._ray_wish)
            self._rest()
            return not self._quitting

    def _next_wish(self) -> Wish | None:
        """What to draw next, unless a ray comes first again."""
        with self._gate:
            if self._ray_wish is not None:
                return None
            wish, self._wish = self._wish, None
            if wish is not None:  # it may have been forgotten meanwhile
                self._busy, self._forgotten = True, False
            return wish

    def _probe(self) -> None:
        """Find the ray that is waited for, if any."""
        with self._gate:
            wish, self._ray_wish = self._ray_wish, None
            if wish is None:
                return
            self._probing, self._ray_forgotten = True, False
        ray, problem = None, ""
        try:
            ray = self._source_of(wish).probe(wish.camera, wish.x, wish.y)
        except Exception as error:  # noqa: BLE001 - reported by take_ray_problem
            problem = "".join(traceback.format_exception(error))
        with self._gate:
            self._probing = False
            if not self._ray_forgotten and self._ray_wish is None:
                self._ray, self._ray_problem = ray, problem

    def _source_of(self, wish: Wish | RayWish) -> RenderSource:
        with self._gate:
            known = wish.version is self._version and wish.look == self._look
            source = self._source if known else None
        if source is None:
            source = wish.source()
            with self._gate:
                self._source, self._version, self._look = source, wish.version, wish.look
        return source

    def _draw(self, wish: Wish, source: RenderSource) -> None:
        self._pixels = 0
        if wish.budget_ms is not None:
            self._piece(wish, lambda: source.render(wish.camera, wish.budget_ms, mode=wish.mode))
            return
        views = source.refine(wish.camera, mode=wish.mode)
        while self._piece(wish, lambda: next(views, None)) and not self._overtaken():
            with self._gate:
                self._rest()
            self._probe()
            if self._overtaken():
                break
        close = getattr(views, "close", None)
        if close is not None:
            close()

    def _piece(self, wish: Wish, draw: Callable[[], RenderedView | None]) -> bool:
        """Have something drawn and leave it there; False when there was nothing left to draw."""
        began = time.perf_counter()
        view = draw()
        if view is None:
            return False
        if view.whole:
            self._pixels = view.pixels
        with self._gate:
            self._ended = time.perf_counter()
            self._piece_s = self._ended - began
            if not self._forgotten:
                self._drawn = Drawn(view, wish, self._pixels)
        return True

    def _overtaken(self) -> bool:
        with self._gate:
            return self._quitting or self._forgotten or self._wish is not None

    def _rest(self) -> None:
        """With the gate held: let others have their share of the time; a person's wish ends it."""
        while not (self._quitting or self._ray_wish or (self._wish and self._wish.at_once)):
            rest_s = self._piece_s * (1 - self._share) / self._share
            left_s = self._ended + rest_s - time.perf_counter()
            if left_s <= 0:
                return
            self._gate.wait(left_s)
