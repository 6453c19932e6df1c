"""From a click on a pixel to its ray: asks, shows it in panel and viewport, and asks again."""

import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app.asked import Exactly
from app.exact import ExactRenderer, RayWish
from app.panels.ray import RayPanel
from app.panels.raypicture import settled_at
from app.view import ViewControl
from assets.camera import Camera
from engines.artifacts import FieldRay, SplatRay
from renderers.ray import RayMark

AGAIN_S = 1.0
"""Least time between two looks at the same pixel while a run learns."""
BEYOND = 1.15
"""A ray is drawn so much longer than what was found on it."""


@dataclass(frozen=True, eq=False)
class _Pixel:
    camera: Camera
    x: float
    y: float
    side: int | None
    """Which of two that are compared it belongs to."""


class Probing(QObject):
    """Keeps the pixel that is looked into. Called from the window's thread only."""

    wanted = Signal()
    """Somebody clicked a pixel and wants to read what made it."""
    troubled = Signal(str, str)
    """A sentence on what went wrong, and the traceback."""

    def __init__(self, view: ViewControl, panel: RayPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view, self._panel = view, panel
        self._renderer: ExactRenderer = view.asked.renderer
        self._pixel: _Pixel | None = None
        self._asked: Exactly | None = None
        self._asked_at = 0.0
        self._again = False
        """The pixel was shown already, in an older state."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.wanted)
        view.viewport.pixel_picked.connect(self.pick)
        view.viewport.native.installEventFilter(self)
        panel.cleared.connect(self.clear)
        panel.pointed.connect(self._point_out)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click goes somewhere; its first half did not ask for the panel."""
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self._soon.stop()
        return super().eventFilter(watched, event)

    def pick(self, x: float, y: float) -> None:
        """Look into the pixel (x, y) of the viewport; nothing where there is nothing to ask."""
        camera, seen = self._view.drawn_camera, self._view.viewport.camera
        side = self._view.side_at(x / seen.width)
        if self._view.exactly_of(side) is None:
            return
        column = np.clip(x * camera.width / seen.width, 0, camera.width - 1e-3)
        row = np.clip(y * camera.height / seen.height, 0, camera.height - 1e-3)
        self._pixel, self._again = _Pixel(camera, float(column), float(row), side), False
        self._ask()
        if not self._panel.is_in_sight:
            self._soon.start(QApplication.doubleClickInterval())

    def clear(self, _what: object = None) -> None:
        """Look into no pixel any more."""
        self._pixel = self._asked = None
        self._soon.stop()
        self._renderer.forget_ray()
        self._view.viewport.show_ray(None)
        if self._panel.ray is not None:
            self._panel.clear()

    def tick(self) -> None:
        """Show what was found; called by the window's timer."""
        if problem := self._renderer.take_ray_problem():
            self.troubled.emit("The ray could not be found. The log has the details", problem)
        ray = self._renderer.take_ray()
        if ray is not None and self._pixel is not None:
            self._view.viewport.show_ray(mark_of(ray))
            self._panel.show_ray(ray, again=self._again, whose=self._view.name_of(self._pixel.side))
            self._again = True
        if self._is_stale and time.perf_counter() - self._asked_at >= AGAIN_S:
            self._ask()

    @property
    def _is_stale(self) -> bool:
        """What is on show has changed, and somebody looks at the ray of an older state."""
        exactly = self._exactly
        if exactly is None or exactly.is_same(self._asked):
            return False
        panel = self._panel
        return panel.live.isChecked() and panel.is_in_sight and not self._renderer.probing

    @property
    def _exactly(self) -> Exactly | None:
        """What the pixel is a pixel of."""
        return None if self._pixel is None else self._view.exactly_of(self._pixel.side)

    def _ask(self) -> None:
        exactly, pixel = self._exactly, self._pixel
        if exactly is None or pixel is None:
            return
        self._asked, self._asked_at = exactly, time.perf_counter()
        self._renderer.ask_ray(
            RayWish(exactly.source, exactly.version, pixel.camera, pixel.x, pixel.y, exactly.look)
        )

    def _point_out(self, places: np.ndarray | None) -> None:
        self._view.viewport.point_out(places)


def mark_of(ray: FieldRay | SplatRay) -> RayMark:
    """How a ray is drawn in space: a dot for every Gaussian, or sample of the last level."""
    if isinstance(ray, SplatRay):
        t, weights, colours = ray.t, ray.weights, ray.colours
        length = BEYOND * float(t.max(initial=0.0))
    else:
        last = ray.levels[-1]
        t, weights, colours = 0.5 * (last.t_start + last.t_end), last.weights, last.colours
        # A field may be looked through to the horizon, far beyond all that can be seen.
        length = BEYOND * settled_at(last.t_end, weights)
        near = t <= length if length > 0 else np.zeros(len(t), dtype=bool)
        t, weights, colours = t[near], weights[near], colours[near]
    return RayMark(
        origin=ray.origin,
        direction=ray.direction,
        length=length,
        t=t,
        weights=weights,
        colours=colours,
    )
