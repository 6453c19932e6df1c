"""Who gets the machine while a run goes on and its views have to be drawn: training or the view."""

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from app.theme import set_role

LEAST_SHARE = 0.05
"""Neither stands quite still for the other."""
PARTS = 20
TIP = (
    "<p>Views of a radiance field are drawn by the same processor that trains it. Towards "
    "Training, drawing rests between two pieces of a view; towards View, training waits between "
    "two steps until the view is finished</p>"
)


@dataclass(frozen=True)
class Shares:
    """How much of its time each may work; the one rests for the rest of it."""

    drawing: float
    training: float
    """Only while a view is not finished."""


def shares(position: float) -> Shares:
    """What a place of the slider means, from 0 (training) to 1 (the view)."""
    return Shares(
        drawing=min(1.0, max(LEAST_SHARE, position)),
        training=min(1.0, max(LEAST_SHARE, 2.0 * (1.0 - position))),
    )


class Balance(QWidget):
    """A slider between two words."""

    moved = Signal(float)
    """The new position, from 0 to 1."""

    def __init__(self, position: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, PARTS)
        self.slider.setPageStep(PARTS // 4)
        self.slider.setFixedWidth(96)
        self.slider.setAccessibleName("Time for training or for the view")
        self.slider.setValue(round(PARTS * position))
        self.slider.valueChanged.connect(lambda _: self.moved.emit(self.position))
        self.setToolTip(TIP)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(8)
        words = [QLabel("Training"), QLabel("View")]
        for label in words:
            set_role(label, "muted")
        row.addWidget(words[0])
        row.addWidget(self.slider)
        row.addWidget(words[1])

    @property
    def position(self) -> float:
        """Where it stands, from 0 (training) to 1 (the view)."""
        return self.slider.value() / PARTS
