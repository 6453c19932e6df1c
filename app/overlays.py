"""What lies on the viewport: how it is drawn, what is shown, how to move, how much there is."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.actions import Actions
from app.balance import Balance
from app.buttons import ActionButton
from app.lightblend import LightBlend
from app.slicer import Slicer
from app.stage import Overlay, Stage
from app.theme import set_role
from app.widgets.segmented import Segmented

MODES = (
    "colour",
    "depth",
    "ellipsoids",
    "points",
    "exact",
    "normals",
    "accumulation",
    "occupancy",
    "slice",
)
HINTS = (
    ("Orbit", "drag"),
    ("Pan", "shift drag"),
    ("Fly", "W A S D"),
    ("Focus", "double click"),
    ("Ray", "click"),
)


class Overlays:
    """Makes the four corner overlays of a stage."""

    def __init__(self, stage: Stage, actions: Actions, balance: Balance) -> None:
        self._modes = Segmented({mode: actions[f"mode_{mode}"].text() for mode in MODES})
        for mode in MODES:
            action = actions[f"mode_{mode}"]
            self._follow(mode, action)
            action.changed.connect(lambda mode=mode, action=action: self._follow(mode, action))
            action.toggled.connect(
                lambda on, mode=mode: self._modes.set_value(mode) if on else None
            )
            action.visibleChanged.connect(
                lambda mode=mode: self._modes.button(mode).setVisible(
                    actions[f"mode_{mode}"].isVisible()
                )
            )
        self._modes.changed.connect(lambda mode: actions[f"mode_{mode}"].trigger())
        self._facts = QLabel()
        set_role(self._facts, "value")
        toggles = [
            ActionButton(actions[name], role="quiet") for name in ("cameras", "grid", "photo")
        ]
        corner = Qt.AlignmentFlag
        self._all: list[QWidget] = []
        self._corner = Overlay(self._facts, margin=7)
        self._balance = Overlay(balance, margin=7)
        self._balance.hide()
        self.light, self.slicer = LightBlend(), Slicer()
        self._light, self._slicer = (Overlay(w, margin=7) for w in (self.light, self.slicer))
        for widget, where in (
            (self._modes, corner.AlignLeft | corner.AlignTop),
            (Overlay(*toggles, margin=1), corner.AlignRight | corner.AlignTop),
            (Overlay(_hints(), margin=7), corner.AlignLeft | corner.AlignBottom),
            (self._corner, corner.AlignRight | corner.AlignBottom),
        ):
            widget.hide()
            stage.place(widget, where)
            self._all.append(widget)
        for widget in (self._balance, self._light, self._slicer):
            widget.hide()
            stage.place(widget, corner.AlignRight | corner.AlignBottom)

    def button(self, mode: str) -> QPushButton:
        """What a mode of the view is chosen by."""
        return self._modes.button(mode)

    def _follow(self, mode: str, action: QAction) -> None:
        button = self._modes.button(mode)
        button.setToolTip(action.toolTip())
        button.setEnabled(action.isEnabled())

    def set_visible(self, visible: bool) -> None:
        """An empty window has none of them."""
        for widget in self._all:
            widget.setVisible(visible)
        self._corner.setVisible(visible and bool(self._facts.text()))

    def show_adjustable(self, photos: Sequence[str], box: np.ndarray | None) -> None:
        """Lights that can be blended, and what can be cut [2, 3]; none and None for nothing."""
        self.light.offer(photos)
        self._light.setVisible(bool(photos))
        if box is not None:
            self.slicer.show_box(box)
        self._slicer.setVisible(box is not None)

    def show_balance(self, visible: bool) -> None:
        """It means something only while a run goes on whose views are asked for."""
        self._balance.setVisible(visible)

    def show_facts(self, amount: str, fps: float = 0.0) -> None:
        """How much of what was learnt is on show and, for Gaussians, how often it is redrawn."""
        parts = [amount] if amount else []
        if fps >= 1:
            parts.append(f"{fps:.0f} fps")
        text = "   ".join(parts)
        if text != self._facts.text():
            self._facts.setText(text)
            self._corner.setVisible(bool(text) and not self._all[0].isHidden())


def _hints() -> QWidget:
    hints = QWidget()
    row = QHBoxLayout(hints)
    row.setContentsMargins(4, 0, 4, 0)
    row.setSpacing(14)
    for what, how in HINTS:
        label = QLabel(f"{what}: {how}")
        set_role(label, "muted")
        row.addWidget(label)
    return hints
