"""What all panels share: a title line over a body, and how they become docks."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.theme import set_role
from app.widgets.labels import SectionTitle

MARGIN = 12
"""Space between a panel's edge and what is in it, in device-independent pixels."""

HEADER_PX = 38
"""Height of a title line, with or without tools in it."""
BAR_PX = 10
"""Width of a scroll bar in the style sheet."""


class PanelTitle(SectionTitle):
    """The title line of a panel, of one height whatever tools are in it."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent=parent)
        self.row.setContentsMargins(MARGIN, 6, MARGIN, 4)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A dock asks this, and only this, for the height of its title."""
        return QSize(super().sizeHint().width(), HEADER_PX)

    def minimumSizeHint(self) -> QSize:
        """Narrow, as the value and the title can be shortened."""
        return QSize(super().minimumSizeHint().width(), HEADER_PX)


class Panel(QWidget):
    """A title line and below it a column of widgets."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(200)
        self.header = PanelTitle(title)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(MARGIN, 0, MARGIN, MARGIN)
        self.body.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addLayout(self.body, 1)

    @property
    def is_in_sight(self) -> bool:
        """Whether anybody can see it; behind another tab Qt still calls it visible."""
        return not self.visibleRegion().isEmpty()


def docked(panel: Panel, name: str) -> QDockWidget:
    """A dock named `name` that has the panel's title line as its own and no other frame."""
    dock = QDockWidget(panel.windowTitle())
    dock.setObjectName(name)
    dock.setTitleBarWidget(panel.header)
    dock.setWidget(panel)
    return dock


class Card(QFrame):
    """A quiet box for what belongs together, with a title line if it has a title."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(10, 10, 10, 10)
        self.body.setSpacing(6)
        self.header = SectionTitle(title) if title else None
        if self.header is not None:
            self.body.addWidget(self.header)


def note(text: str = "") -> QLabel:
    """A muted sentence that wraps."""
    label = QLabel(text)
    set_role(label, "muted")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


class ScrolledColumn(QScrollArea):
    """A column that scrolls up and down; its bar takes the place of the column's margin."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(content, "scrolled")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        self.verticalScrollBar().rangeChanged.connect(self._make_room)
        self._make_room(0, 0)

    def _make_room(self, _low: int, high: int) -> None:
        layout = self.widget().layout()
        margins = layout.contentsMargins()
        margins.setRight(0 if high > 0 else BAR_PX)
        layout.setContentsMargins(margins)


def add_scrolled(panel: Panel, content: QWidget) -> None:
    """Fill the body of `panel` with `content`, which has a layout and may be higher than it."""
    panel.body.setContentsMargins(MARGIN, 0, MARGIN - BAR_PX, MARGIN)
    panel.body.addWidget(ScrolledColumn(content), 1)
