"""Dropping files on the window: says what they are while they hover, then opens them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app import theme

NAMED = 3
"""So many paths are described one by one while they hover, the others are counted."""


def local_paths(mime: QMimeData) -> list[Path]:
    """Files and folders on this machine among what is dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def describe(paths: Sequence[Path], identify: Callable[[Path], str]) -> str:
    """What is about to be dropped, a line each: "Posed photos: fox_colmap"."""
    lines = [f"{identify(path)}: {path.name}" for path in paths[:NAMED]]
    if len(paths) > NAMED:
        lines.append(f"and {len(paths) - NAMED} more")
    return "\n".join(lines)


class DropTarget(QObject):
    """Watches a window; `dropped` tells what was let go over it."""

    dropped = Signal(object)
    """A list of paths, after the drop is over: whoever dragged waits for it to return."""

    def __init__(self, window: QWidget, identify: Callable[[Path], str]) -> None:
        super().__init__(window)
        self._identify = identify
        self.highlight = DropHighlight(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take drags of files; leave everything else to the window."""
        match event:
            case QDropEvent() if event.type() is QEvent.Type.DragEnter:
                paths = local_paths(event.mimeData())
                if paths:
                    self.highlight.say(describe(paths, self._identify))
                    event.acceptProposedAction()
                return True
            case QDropEvent() if event.type() is QEvent.Type.Drop:
                self.highlight.hide()
                paths = local_paths(event.mimeData())
                if paths:
                    event.acceptProposedAction()
                    QTimer.singleShot(0, self, lambda: self.dropped.emit(paths))
                return True
            case QDragLeaveEvent():
                self.highlight.hide()
                return True
        return super().eventFilter(watched, event)


class DropHighlight(QWidget):
    """Shown over the viewport while something hovers; lets all mouse events through."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.text = ""
        self.hide()

    def say(self, text: str) -> None:
        """Show the highlight and what it says."""
        self.text = text
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A veil, a dashed frame in the accent and the words."""
        colours, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour(colours.ground, 0.82))
        pen = QPen(theme.colour(colours.mark), 2, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(14, 14, -14, -14), 10, 10)
        painter.setPen(theme.colour(colours.text))
        painter.setFont(theme.font(18))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text)
