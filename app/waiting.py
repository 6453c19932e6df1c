"""What stands in an empty viewport while the first cameras are still being found."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QVBoxLayout, QWidget

from app import theme
from app.theme import set_role

HEADING = "Finding where the photos were taken"
STEPS = {
    "Choosing frames": "The sharpest frames of the video are chosen",
    "Looking at the photos": "The doctor looks at the photos",
    "Preparing photos": "Photos are made ready; the originals stay as they are",
    "Finding features": "Points that other photos may show too are looked for in every photo",
    "Comparing photos": "Photos are compared: which of them see the same things?",
    "Placing photos": "Photos find their place one after the other",
}
"""What goes on in each phase, for people."""
WIDTH = 420
PARTS = 1000


class Waiting(QFrame):
    """A quiet card with the phase in words and how far it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("waiting")
        self.heading = QLabel(HEADING)
        set_role(self.heading, "heading")
        self.words = QLabel()
        set_role(self.words, "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, PARTS)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 22)
        column.setSpacing(10)
        for label in (self.heading, self.words):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label)
        column.addSpacing(2)
        column.addWidget(self.bar)
        self.hide()
        theme.follow(self._recolour)

    def sizeHint(self) -> QSize:
        """As wide as the stage allows, up to what reads well."""
        return QSize(WIDTH, max(self.heightForWidth(WIDTH), 118))

    def show_phase(self, phase: str, share: float) -> None:
        """Say what goes on and how far it is, 0 to 1."""
        words = STEPS.get(phase, phase)
        if words != self.words.text():
            self.words.setText(words)
            self.updateGeometry()
        self.bar.setValue(round(PARTS * share))

    def _recolour(self) -> None:
        colours = theme.current()
        self.setStyleSheet(
            f"#waiting {{ background: {colours.panel}; border: 1px solid {colours.line};"
            " border-radius: 12px; }"
        )
