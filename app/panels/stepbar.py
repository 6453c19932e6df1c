"""Going through the steps of a drawing: a slider, a play button and where one is in words."""

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app import theme
from app.widgets.labels import ElidedLabel
from app.widgets.tools import quiet_button

PLAY_S = 3.0
"""All steps together take about this long."""


class StepBar(QWidget):
    """Steps 0 to count - 1; follows the newest as long as nobody looks at an earlier one."""

    moved = Signal(int)
    """Another step is to be shown."""

    def __init__(self, name: str = "Step", parent: QWidget | None = None) -> None:
        """`name` says what one goes through."""
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self.play = quiet_button("", "Play from noise to sample")
        self.play.clicked.connect(self._toggle)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(name)
        self.slider.setMaximum(0)
        self.slider.valueChanged.connect(self.moved)
        self.words = ElidedLabel(role="muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.slider, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.words)
        theme.follow(self._recolour)

    @property
    def step(self) -> int:
        """The step that is shown."""
        return self.slider.value()

    @property
    def count(self) -> int:
        """How many there are."""
        return self.slider.maximum() + 1

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._timer.isActive()

    def show_count(self, count: int, *, anew: bool = False) -> None:
        """There are so many now; goes to the newest if it was shown, or `anew`. Tells nothing."""
        follows = anew or self.step == self.slider.maximum()
        with QSignalBlocker(self.slider):
            self.slider.setMaximum(max(0, count - 1))
            if follows and not self.playing:
                self.slider.setValue(max(0, count - 1))

    def go_to(self, step: int) -> None:
        """Show another step and tell."""
        self.slider.setValue(step)

    def stop(self) -> None:
        """Play no more."""
        self._timer.stop()
        self._recolour()

    def _toggle(self) -> None:
        if self.playing:
            self.stop()
            return
        if self.step == self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start(max(33, round(PLAY_S * 1000 / self.count)))
        self._recolour()

    def _tick(self) -> None:
        if self.step >= self.slider.maximum():
            self.stop()
        else:
            self.slider.setValue(self.step + 1)

    def _recolour(self) -> None:
        self.play.setIcon(theme.icon("mdi6.pause" if self.playing else "mdi6.play"))
        self.play.setToolTip("Pause" if self.playing else "Play from noise to sample")
