"""The line at the bottom: what goes on, how far it is, how fast, and what it costs."""

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from app import theme
from app.theme import set_role
from app.widgets.labels import ElidedLabel

PARTS = 1000
PHASE_PX = 170
"""Room for what goes on, so that the bar does not move with each word."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the line says; empty words are not shown."""

    phase: str = ""
    share: float | None = None
    """0 to 1; None hides the bar, a negative number means that nobody knows."""
    steps: str = ""
    left: str = ""
    rate: str = ""
    count: str = ""
    memory: str = ""
    dataset: str = ""
    can_cancel: bool = False


class StatusBar(QWidget):
    """Shows a `Status`."""

    cancelled = Signal()
    """A person wants what goes on to end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusbar")
        self.setFixedHeight(28)
        self._shown = Status()
        self.phase = ElidedLabel()
        self.phase.setFixedWidth(PHASE_PX)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(190)
        self.cancel = QPushButton("Cancel")
        set_role(self.cancel, "quiet")
        self.cancel.clicked.connect(self.cancelled)
        self.steps, self.left, self.rate, self.count = (QLabel() for _ in range(4))
        self.memory = QLabel()
        self.memory.setToolTip("Memory this program uses")
        self.dataset = ElidedLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(18)
        row.addWidget(self.phase)
        row.addWidget(self.bar)
        row.addWidget(self.cancel)
        for label in (self.steps, self.left, self.rate, self.count):
            row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.memory)
        row.addWidget(self.dataset)
        theme.follow(self._recolour)
        self._write(self._shown)

    def show_status(self, status: Status) -> None:
        """Show `status`; costs nothing if it is what is shown already."""
        if status != self._shown:
            self._shown = status
            self._write(status)

    def _write(self, status: Status) -> None:
        for name in ("phase", "steps", "left", "rate", "count", "memory", "dataset"):
            label, text = getattr(self, name), getattr(status, name)
            if label.text() != text:
                label.setText(text)
                if isinstance(label, ElidedLabel):
                    label.setToolTip(text)
            label.setVisible(bool(text))
        self.bar.setVisible(status.share is not None)
        self.cancel.setVisible(status.can_cancel)
        if status.share is not None:
            known = status.share >= 0
            self.bar.setRange(0, PARTS if known else 0)
            if known:
                self.bar.setValue(round(status.share * PARTS))

    def _recolour(self) -> None:
        colours = theme.current()
        self.setStyleSheet(
            f"#statusbar {{ background: {colours.panel}; border-top: 1px solid {colours.line}; }}"
            f"#statusbar QLabel {{ color: {colours.label}; font-size: 12px; }}"
            "#statusbar QPushButton { font-size: 12px; padding: 0px 6px; min-height: 16px; }"
        )
