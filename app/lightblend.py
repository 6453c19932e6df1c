"""Blends the light of photos: each has a code of its own that a field may be seen under."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QWidget

from app.looks import Light
from app.theme import set_role

PARTS = 100
MEAN = "Mean light"
CHOICE_PX = 136
TIP = (
    "<p>Photos were learnt with an appearance code each, for their light and exposure. Drag to "
    "see the field in the light of the photo on the right</p>"
)


class LightBlend(QWidget):
    """From one light to another: two choices and a slider between them."""

    changed = Signal(object)
    """The new `Light`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.photos: tuple[str, ...] = ()
        self.first, self.second = _choice("Light at the left"), _choice("Light at the right")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, PARTS)
        self.slider.setPageStep(PARTS // 4)
        self.slider.setFixedWidth(96)
        self.slider.setAccessibleName("Blend of the two lights")
        self.setToolTip(TIP)
        word = QLabel("Light")
        set_role(word, "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 0, 0)
        row.setSpacing(8)
        for widget in (word, self.first, self.slider, self.second):
            row.addWidget(widget)
        for box in (self.first, self.second):
            box.activated.connect(self._tell)
        self.slider.valueChanged.connect(self._tell)

    def offer(self, photos: Sequence[str]) -> None:
        """Lights there are from now on; what was chosen goes where other photos are offered."""
        if tuple(photos) == self.photos:
            return
        self.photos = tuple(photos)
        with QSignalBlocker(self.slider):
            self.slider.setValue(0)
        for box in (self.first, self.second):
            box.clear()
            box.addItem(MEAN, None)
            for name in photos:
                box.addItem(name, name)
        self.second.setCurrentIndex(1 if photos else 0)
        self.changed.emit(self.light)

    @property
    def light(self) -> Light:
        """The light that is chosen."""
        share = self.slider.value() / PARTS
        first, second = self.first.currentData(), self.second.currentData()
        return Light(first, second, share) if share or first else Light()

    def _tell(self, _value: int) -> None:
        self.changed.emit(self.light)


def _choice(name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setFixedWidth(CHOICE_PX)
    box.view().setMinimumWidth(180)
    box.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
    return box
