"""Moves the plane on which a slice of density is shown."""

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from app.looks import Plane
from app.theme import set_role
from app.widgets.figures import number, percent
from app.widgets.segmented import Segmented

PARTS = 100
AXES = {"auto": "Auto", "0": "x", "1": "y", "2": "z"}
AUTO_TIP = "Across the axis along which you look most"


class Slicer(QWidget):
    """What the plane is at right angles to, and how far through the scene it lies."""

    changed = Signal(object)
    """The new `Plane`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = np.zeros((2, 3))
        self.axis = Segmented(AXES, compact=True)
        self.axis.setAccessibleName("Axis of the slice")
        self.axis.button("auto").setToolTip(AUTO_TIP)
        for value in "012":
            self.axis.button(value).setToolTip(f"Across the {AXES[value]} axis")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, PARTS)
        self.slider.setValue(PARTS // 2)
        self.slider.setPageStep(PARTS // 10)
        self.slider.setFixedWidth(120)
        self.slider.setAccessibleName("Place of the slice")
        self.place = QLabel()
        set_role(self.place, "value")
        self.place.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.place.setMinimumWidth(self.place.fontMetrics().horizontalAdvance("x = -88.88"))
        word = QLabel("Slice")
        set_role(word, "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(8)
        for widget in (word, self.axis, self.slider, self.place):
            row.addWidget(widget)
        self.axis.changed.connect(self._tell)
        self.slider.valueChanged.connect(self._tell)
        self._say()

    def show_box(self, box: np.ndarray) -> None:
        """What is cut: its corners [2, 3] in units of the input."""
        self._box = np.asarray(box, dtype=np.float64)
        self._say()

    @property
    def plane(self) -> Plane:
        """The plane that is chosen."""
        axis = None if self.axis.value == "auto" else int(self.axis.value)
        return Plane(axis, self.slider.value() / PARTS)

    def _tell(self, _value: object) -> None:
        self._say()
        self.changed.emit(self.plane)

    def _say(self) -> None:
        plane = self.plane
        if plane.axis is None:
            self.place.setText(percent(plane.share, 1.0))
            return
        low, high = self._box[:, plane.axis]
        place = low + plane.share * (high - low)
        self.place.setText(f"{AXES[str(plane.axis)]} = {number(place)}")
