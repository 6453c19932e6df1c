"""Mouse, wheel, trackpad and keys, translated into moves of the camera."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from renderers.navigation import Navigator

CLICK_PX = 4.0
"""A press that moved no farther than this is a click, in nominal pixels."""
WIPE_PX = 9.0
"""How near to the wipe's edge a press takes hold of it."""


class Listener(Protocol):
    """What the pointer asks of the viewport; positions are in pixels of the target."""

    def clicked(self, x: float, y: float) -> None:
        """The left button was pressed and released in place."""

    def double_clicked(self, x: float, y: float) -> None:
        """The left button was pressed twice."""

    def wipe_edge(self) -> float | None:
        """Where the photo's wipe stands, or None when it cannot be taken hold of."""

    def wipe_to(self, x: float) -> None:
        """The wipe's edge was dragged here."""


@dataclass(eq=False)
class _Drag:
    button: int
    x: float
    y: float
    travelled: float = 0.0
    wipes: bool = False


class Pointer:
    """Connects a canvas's events to a navigator and a listener."""

    def __init__(
        self, navigator: Navigator, listener: Listener, pixel_ratio: Callable[[], float]
    ) -> None:
        self._navigator = navigator
        self._listener = listener
        self._pixel_ratio = pixel_ratio
        self._drag: _Drag | None = None
        self._after_double_click = False

    def connect(self, events: Any) -> None:
        """Listen to the `events` of a vispy canvas."""
        events.mouse_press.connect(self._pressed)
        events.mouse_move.connect(self._moved)
        events.mouse_release.connect(self._released)
        events.mouse_double_click.connect(self._double_clicked)
        events.mouse_wheel.connect(self._scrolled)
        events.touch.connect(self._pinched)
        events.key_press.connect(self._key_pressed)
        events.key_release.connect(self._key_released)

    @property
    def dragging(self) -> bool:
        """Whether a button is held."""
        return self._drag is not None

    def _position(self, event: Any) -> tuple[float, float]:
        x, y = np.asarray(event.pos, dtype=float)[:2] * self._pixel_ratio()
        return float(x), float(y)

    def _pressed(self, event: Any) -> None:
        x, y = self._position(event)
        edge = self._listener.wipe_edge()
        holds = edge is not None and abs(edge - x) <= WIPE_PX * self._pixel_ratio()
        self._drag = _Drag(event.button, x, y, wipes=holds and event.button == 1)
        self._after_double_click = False
        event.handled = True

    def _moved(self, event: Any) -> None:
        drag = self._drag
        if drag is None:
            return
        x, y = self._position(event)
        dx, dy = x - drag.x, y - drag.y
        drag.x, drag.y = x, y
        drag.travelled += abs(dx) + abs(dy)
        event.handled = True
        if drag.wipes:
            self._listener.wipe_to(x)
        elif drag.travelled <= CLICK_PX * self._pixel_ratio():
            return
        elif drag.button != 1 or "Shift" in _names(event):
            self._navigator.pan(dx, dy)
        else:
            self._navigator.orbit(dx, dy)

    def _released(self, event: Any) -> None:
        drag, self._drag = self._drag, None
        event.handled = True
        if drag is None or drag.wipes or drag.button != 1 or self._after_double_click:
            return
        if drag.travelled <= CLICK_PX * self._pixel_ratio():
            self._listener.clicked(*self._position(event))

    def _double_clicked(self, event: Any) -> None:
        self._after_double_click = True
        event.handled = True
        if event.button == 1:
            self._listener.double_clicked(*self._position(event))

    def _scrolled(self, event: Any) -> None:
        across, steps = (float(value) for value in event.delta)
        event.handled = True
        if "Shift" in _names(event):
            ratio = self._pixel_ratio()
            self._navigator.pan(60.0 * ratio * across, 60.0 * ratio * steps)
        elif steps:
            self._navigator.zoom(steps, *self._position(event))

    def _pinched(self, event: Any) -> None:
        if event.type == "gesture_zoom":
            self._navigator.zoom(float(event.scale) * 8.0, *self._position(event))
            event.handled = True

    def _key_pressed(self, event: Any) -> None:
        self._navigator.hurry("Shift" in _names(event))
        plain = not {"Control", "Alt", "Meta"} & _names(event)
        if event.key is not None and plain and self._navigator.press(event.key.name):
            event.handled = True

    def _key_released(self, event: Any) -> None:
        self._navigator.hurry("Shift" in _names(event))
        # A held key repeats: those releases are none.
        repeats = event.native is not None and event.native.isAutoRepeat()
        if event.key is not None and not repeats and self._navigator.release(event.key.name):
            event.handled = True


def _names(event: Any) -> set[str]:
    return {modifier.name for modifier in event.modifiers}
