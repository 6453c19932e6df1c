"""The middle of the window: the viewport, and what lies on it at its corners and in its centre."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.theme import set_role

MARGIN = 12
"""From an overlay to the viewport's edge, in device-independent pixels."""
GAP = 8
"""Between overlays that have to make room for each other."""


class Stage(QWidget):
    """Holds one native viewport for good and places other widgets over it.

    Overlays are siblings of the viewport, above it: the viewport never changes its parent,
    which would cost it its OpenGL context.
    """

    def __init__(self, viewport: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewport = viewport
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(viewport)
        self._placed: list[tuple[QWidget, Qt.AlignmentFlag, int]] = []
        self._filling: list[QWidget] = []

    def minimumSizeHint(self) -> QSize:
        """Never squeezed away by the panels around it."""
        return QSize(320, 240)

    def place(self, widget: QWidget, where: Qt.AlignmentFlag, *, drop: int = 0) -> None:
        """Keep `widget` at a corner, an edge or the centre; it has the size of its hint.

        In a narrow viewport it makes room for those that were placed before it.

        `drop` moves it down, past what is at that edge already.
        """
        widget.setParent(self)
        self._placed.append((widget, where, drop))
        widget.installEventFilter(self)
        widget.raise_()
        self._arrange()

    def fill(self, widget: QWidget) -> None:
        """Keep `widget` over all of the viewport."""
        widget.setParent(self)
        self._filling.append(widget)
        widget.raise_()
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A widget that wants another size gets it."""
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show, QEvent.Type.Hide):
            self._arrange()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything stays at its corner."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        room = self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        for widget in self._filling:
            widget.setGeometry(self.rect())
        taken: list[QRect] = []
        for widget, where, drop in self._placed:
            size = widget.sizeHint().boundedTo(room.size())
            place = QRect(_corner(room, size, where) + QPoint(0, drop), size)
            upwards = bool(where & Qt.AlignmentFlag.AlignBottom)
            if not widget.isHidden() and (upwards or where & Qt.AlignmentFlag.AlignTop):
                for other in taken:
                    if other.intersects(place):
                        above = other.top() - place.height() - GAP
                        place.moveTop(above if upwards else other.bottom() + 1 + GAP)
                taken.append(place)
            widget.setGeometry(place)


class Overlay(QFrame):
    """A quiet rounded box for a few things in a row."""

    def __init__(self, *widgets: QWidget, margin: int = 4, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        set_role(self, "overlay")
        row = QHBoxLayout(self)
        row.setContentsMargins(margin, margin, margin, margin)
        row.setSpacing(2)
        for widget in widgets:
            row.addWidget(widget)


def _corner(room: QRect, size: QSize, where: Qt.AlignmentFlag) -> QPoint:
    x = room.left() + (room.width() - size.width()) // 2
    y = room.top() + (room.height() - size.height()) // 2
    if where & Qt.AlignmentFlag.AlignLeft:
        x = room.left()
    if where & Qt.AlignmentFlag.AlignRight:
        x = room.right() - size.width() + 1
    if where & Qt.AlignmentFlag.AlignTop:
        y = room.top()
    if where & Qt.AlignmentFlag.AlignBottom:
        y = room.bottom() - size.height() + 1
    return QPoint(x, y)
