"""One thing that the doctor found: what, why, what to do, and the photos it is about."""

from collections.abc import Iterable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.panels.phototile import PhotoFlow, Pictures
from app.widgets.panel import note
from app.widgets.tools import quiet_button
from engines.doctor.finding import Finding

ICONS = {
    "good": ("mdi6.check-circle", "good", "Fine"),
    "note": ("mdi6.information", "clone", "Worth knowing"),
    "warn": ("mdi6.alert", "warn", "Costs quality"),
    "bad": ("mdi6.close-octagon", "error", "Likely not to work"),
}
"""Icon, field of the theme and meaning by level."""
ICON_PX = 16
INDENT_PX = ICON_PX + 8


class LevelMark(QWidget):
    """The icon of a level, in its colour; the tooltip says what it means."""

    def __init__(self, level: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._colour, words = ICONS[level]
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(words)
        self.setAccessibleName(words)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """A small square, a pixel lower than the line beside it."""
        return QSize(ICON_PX, ICON_PX + 1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon."""
        place = self.rect().adjusted(0, 1, 0, 0)
        theme.icon(self._icon, self._colour).paint(QPainter(self), place)


class Advice(QLabel):
    """One thing to do, set apart by a line in the accent at its left."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(words, parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setContentsMargins(10, 1, 0, 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        theme.follow(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line, then the words."""
        painter = QPainter(self)
        shade = theme.colour(theme.current().mark)
        painter.fillRect(QRectF(0, 1, 2, self.height() - 2), shade)
        painter.end()
        super().paintEvent(event)


class FindingView(QWidget):
    """A finding in a column; its photos can be left out one by one or all at once."""

    photo_activated = Signal(str)
    photo_ticked = Signal(str)
    all_asked = Signal(object, bool)
    """Names of the photos, and whether they are to be used."""

    def __init__(self, finding: Finding, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.finding = finding
        self._left_out: frozenset[str] = frozenset()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(INDENT_PX - ICON_PX)
        self.title = QLabel(finding.title)
        theme.set_role(self.title, "value")
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        head.addWidget(LevelMark(finding.level), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.title, 1)
        column.addLayout(head)
        self.rest = QVBoxLayout()
        self.rest.setContentsMargins(INDENT_PX, 0, 0, 0)
        self.rest.setSpacing(8)
        column.addLayout(self.rest)
        if finding.words:
            self.rest.addWidget(note(finding.words))
        if finding.advice:
            self.rest.addWidget(Advice(finding.advice))
        self.flow = PhotoFlow(finding.photos, pictures)
        self.flow.photo_activated.connect(self.photo_activated)
        self.flow.photo_ticked.connect(self.photo_ticked)
        self.flow.setVisible(bool(finding.photos))
        self.toggle = quiet_button("", "", role="inline")
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.clicked.connect(self._toggle)
        self.rest.addWidget(self.flow)
        self.rest.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignLeft)
        self.toggle.setVisible(finding.may_go)
        theme.follow(self._say)

    def set_left_out(self, names: Iterable[str]) -> None:
        """Untick exactly these photos."""
        self._left_out = frozenset(names)
        self.flow.set_left_out(self._left_out)
        self._say()

    @property
    def are_all_out(self) -> bool:
        """None of the photos is used."""
        return self._left_out.issuperset(self.finding.photos)

    def _toggle(self) -> None:
        self.all_asked.emit(self.finding.photos, self.are_all_out)

    def _say(self) -> None:
        one = len(self.finding.photos) == 1
        if self.are_all_out:
            words, icon = f"Use {'this' if one else 'these'} again", "mdi6.restore"
        else:
            words, icon = f"Leave {'this' if one else 'these'} out", "mdi6.image-remove-outline"
        self.toggle.setText(f" {words}")  # room after the icon
        self.toggle.setAccessibleName(f"{words}: {self.finding.title}")
        self.toggle.setToolTip("")
        self.toggle.setIcon(theme.icon(icon))
