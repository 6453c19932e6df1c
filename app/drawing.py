"""Has a diffusion model draw off the window's thread: stroke by stroke, the newest wish wins."""

import atexit
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.diffusion.artist import Artist, Stroke, Wish
    from engines.diffusion.capture import Capture


@dataclass(frozen=True, eq=False, kw_only=True)
class Order:
    """What somebody would like to have drawn, and by whom."""

    artist: "Callable[[], Artist]"
    """Makes the snapshot; called on the drawing thread."""
    wish: "Wish"
    capture: "Callable[[], Capture] | None" = None
    """Makes what writes attention down; None where nobody wants to see it."""
    start: str = ""
    """What samples start from, for people; empty for noise."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawing:
    """What was drawn so far of an order."""

    order: Order
    artist: "Artist"
    strokes: "tuple[Stroke, ...]" = ()
    capture: "Capture | None" = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    done: bool = False
    """All was drawn."""
    stopped: bool = False
    """No more will be drawn, and what there is has not come to its end."""

    @property
    def ended(self) -> bool:
        """No stroke will be added."""
        return self.done or self.stopped


class Drawer:
    """One thread that draws the newest order and forgets those it overtook.

    Called from the window's thread; asks nothing of Qt.
    """

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._order: Order | None = None
        self._drawing: Drawing | None = None
        self._problem = ""
        self._busy = self._stopped = self._quitting = False
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """An order is waiting or being drawn."""
        with self._gate:
            return self._busy or self._order is not None

    def ask(self, order: Order) -> None:
        """Draw this from now on."""
        with self._gate:
            self._order, self._stopped = order, False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="drawing", daemon=True)
                atexit.register(self.close)
                self._thread.start()
            self._gate.notify_all()

    def stop(self) -> None:
        """Draw nothing more; what is drawn already may still be taken."""
        with self._gate:
            self._order, self._stopped = None, True

    def take(self) -> Drawing | None:
        """The newest state of the drawing, once."""
        with self._gate:
            drawing, self._drawing = self._drawing, None
            return drawing

    def take_problem(self) -> str:
        """Why nothing could be drawn, once: a sentence or a traceback; empty if all is well."""
        with self._gate:
            problem, self._problem = self._problem, ""
            return problem

    def close(self) -> None:
        """End the thread after the stroke at hand."""
        with self._gate:
            self._quitting = True
            self._gate.notify_all()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)

    # -- on the drawing thread -----------------------------------------------------------

    def _work(self) -> None:
        from assets.errors import InputError
        from kernels.threads import step_back

        step_back()  # as training does: both share the cores evenly, and the window goes first
        while True:
            with self._gate:
                self._busy = False
                self._gate.wait_for(lambda: self._quitting or self._order is not None)
                if self._quitting:
                    return
                order, self._order = self._order, None
                self._busy = True
            assert order is not None
            try:
                self._draw(order)
            except InputError as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - reported by take_problem
                self._fail("".join(traceback.format_exception(error)))

    def _draw(self, order: Order) -> None:
        from engines.diffusion.finite import check_finite, lost_note

        artist = order.artist()
        capture = None if order.capture is None else order.capture()
        followed = artist.notes(order.wish)
        drawing = Drawing(order=order, artist=artist, capture=capture, notes=followed)
        _check_room(artist.kept_bytes(order.wish), order.wish.count)
        began = time.perf_counter()
        strokes = artist.draw(order.wish, capture=capture)
        try:
            for stroke in strokes:
                check_finite(stroke, artist, order.wish)
                if stroke.shower is not None:  # decoded here, where nobody waits for it
                    stroke.bytes_of("x0")
                    if stroke.t == 0:
                        stroke.bytes_of("x")
                lost = lost_note(stroke)
                drawing = replace(
                    drawing,
                    strokes=(*drawing.strokes, stroke),
                    notes=(*followed, lost) if lost else followed,
                    seconds=time.perf_counter() - began,
                )
                with self._gate:
                    if self._stopped or self._overtaken():
                        break
                    self._drawing = drawing
        finally:
            strokes.close()
            self._end(drawing)

    def _end(self, drawing: Drawing) -> None:
        """Leave the last that there will be of a drawing, unless another order overtook it."""
        if not drawing.strokes:
            return
        whole = drawing.strokes[-1].t == 0
        with self._gate:
            if not self._overtaken():
                self._drawing = replace(drawing, done=whole, stopped=not whole)

    def _overtaken(self) -> bool:
        return self._quitting or self._order is not None

    def _fail(self, problem: str) -> None:
        with self._gate:
            self._problem = problem


def _check_room(needed: int, count: int) -> None:
    """Raise InputError when the strokes of a drawing, all of which are kept, would not fit."""
    import torch

    from assets.errors import InputError
    from engines.diffusion.memory import free_bytes

    free = free_bytes(torch.device("cpu"))
    if needed > free:
        raise InputError(
            f"All steps of {count:,} samples would need {needed / 1e9:,.1f} GB of memory to be "
            f"gone through and {free / 1e9:,.1f} GB are free; draw fewer samples or in fewer steps"
        )
