"""A matrix of few keys, each of which is a word: patches down, named columns across."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.pixels import image_of

BODY_PX, LINE_PX = 240, 16
MOST_NAME_PX = 84
PADDING = "–"
"""The name of a column that is no word."""


class WordColumns(QWidget):
    """As wide as there is room; click a column, or use the arrow keys, to pick its word."""

    hovered = Signal(int, int)
    """Query and key under the mouse."""
    left = Signal()
    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keys: tuple[str | None, ...] = ()
        """A word for each column, None for padding."""
        self.masked: frozenset[int] = frozenset()
        """Columns that are hatched, as nothing can be looked at there."""
        self.query = self.word = -1
        self._image: QImage | None = None
        self._queries = 1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Attention matrix, words across")
        self.setToolTip("Click a word for its map of this head")
        theme.follow(self.update)

    def show_pixels(
        self, pixels: np.ndarray, keys: Sequence[str | None], masked: frozenset[int]
    ) -> None:
        """Show colours [queries, keys, 3] uint8 of the numbers, with `masked` columns hatched."""
        if tuple(keys) != self.keys:
            self.keys = tuple(keys)
            self.updateGeometry()
        self._image, self._queries, self.masked = image_of(pixels), len(pixels), masked
        self.update()

    def mark(self, query: int, word: int) -> None:
        """Put a frame around the row of a query and the column of a word, -1 for none."""
        self.query, self.word = query, word
        self.update()

    # -- where things are --------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Names above a body of one height."""
        return QSize(220, self._head_px() + BODY_PX)

    def minimumSizeHint(self) -> QSize:
        """Narrow columns."""
        return QSize(100, self.sizeHint().height())

    def place_of(self, query: int, key: int) -> QRectF:
        """The cell of a query and a key."""
        box = self._box()
        wide, high = box.width() / max(1, len(self.keys)), box.height() / self._queries
        return QRectF(box.left() + key * wide, box.top() + query * high, wide, high)

    def cell_at(self, place: QPointF) -> tuple[int, int] | None:
        """Query (-1 in the line of names) and key under a place of the widget."""
        box = self._box()
        if not self.keys or not (0 <= place.x() < self.width() and place.y() < box.bottom()):
            return None
        key = min(int(place.x() / box.width() * len(self.keys)), len(self.keys) - 1)
        down = (place.y() - box.top()) / box.height() * self._queries
        return (min(int(down), self._queries - 1) if down >= 0 else -1), key

    def _box(self) -> QRectF:
        top = self._head_px()
        return QRectF(0, top, max(1, self.width()), max(1, self.height() - top - 1))

    def _names(self) -> list[str]:
        return [PADDING if key is None else key for key in self.keys]

    def _widest(self) -> int:
        metrics = self.fontMetrics()
        return max((metrics.horizontalAdvance(name) for name in self._names()), default=0)

    def _head_px(self) -> int:
        """Names stand upright where one does not fit above its column; decided for any width."""
        return LINE_PX if len(self.keys) <= 1 else min(MOST_NAME_PX, self._widest()) + 6

    # -- events ------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse."""
        cell = self.cell_at(event.position())
        if cell is None or cell[0] < 0:
            self.left.emit()
        else:
            self.hovered.emit(*cell)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self.left.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the word of the column."""
        cell = self.cell_at(event.position())
        if cell is not None:
            self._pick(cell[1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go from word to word."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        elif self.word + step >= 0:
            self._pick(self.word + step)

    def _pick(self, key: int) -> None:
        if key < len(self.keys) and self.keys[key] is not None:
            self.picked.emit(key)

    # -- paint -------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Names, colours, hatching, frames."""
        if self._image is None or not self.keys:
            return
        painter, colours = QPainter(self), theme.current()
        box = self._box()
        painter.drawImage(box, self._image)
        for key in self.masked:
            place = self.place_of(0, key).united(self.place_of(self._queries - 1, key))
            painter.fillRect(place, theme.colour(colours.field))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(theme.colour(colours.faint), Qt.BrushStyle.BDiagPattern))
            painter.drawRect(place)
        self._paint_names(painter)
        frames = []
        if self.word >= 0:
            first = self.place_of(0, self.word)
            frames.append(first.united(self.place_of(self._queries - 1, self.word)))
        if self.query >= 0:
            first = self.place_of(self.query, 0)
            row = first.united(self.place_of(self.query, len(self.keys) - 1))
            frames.append(row.adjusted(0, -2, 0, 2))  # rows may be lower than the frame is thick
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for frame in frames:
            for colour, width in ((theme.colour("#000000", 0.6), 4), (theme.colour("#ffffff"), 2)):
                painter.setPen(QPen(colour, width))
                painter.drawRect(frame)

    def _paint_names(self, painter: QPainter) -> None:
        colours, head = theme.current(), self._head_px()
        metrics = painter.fontMetrics()
        for key, name in enumerate(self._names()):
            place = self.place_of(0, key)
            told = self.keys[key] is not None
            chosen = colours.mark if key == self.word else colours.text if told else colours.faint
            painter.setPen(theme.colour(chosen))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, MOST_NAME_PX)
            painter.save()
            if len(self.keys) <= 1:
                painter.drawText(QRectF(0, 0, self.width(), head), shown)
            else:
                painter.translate(place.center().x(), head - 4)
                painter.rotate(-90)
                room = QRectF(0, -LINE_PX / 2, head, LINE_PX)
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)
            painter.restore()
