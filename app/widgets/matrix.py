"""Which photos see the same, as a square of cells that can be pointed at and walked through."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.widgets.inliers import colour_table, levels, paint_not_yet
from engines.artifacts import MatchMatrix

GUTTER_PX = 8
"""Room at the left for the marks of photos that hang on nothing."""
GAP_FROM_PX = 8
"""Cells of at least this size are set apart by a line."""
STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class MatrixView(QWidget):
    """A match matrix; rows and columns are photos in the order of their names."""

    chosen = Signal(int, int)
    """Row and column of a pair that was clicked, or at which Enter was pressed."""
    pointed = Signal(object)
    """Row and column of the cell under the mouse or the cursor, or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matrix: MatchMatrix | None = None
        self._levels = np.zeros((0, 0), np.uint8)
        self._image = QImage()
        self._marked: np.ndarray = np.zeros(0, np.intp)
        self.cursor_cell: tuple[int, int] | None = None
        """Where the keyboard is."""
        self._hovered: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Match matrix")
        theme.follow(self._recolour)

    # -- what it shows -----------------------------------------------------------------------

    def show_matrix(self, matrix: MatchMatrix | None, *, top: int, marked: np.ndarray) -> None:
        """Show these matches; `top` of them are the brightest colour, rows `marked` get a mark."""
        same = matrix is not None and self._matrix is not None
        if not same or matrix.names != self._matrix.names:
            self.cursor_cell = self._hovered = None
        self._matrix, self._marked = matrix, marked
        self._levels = levels(matrix.inliers, top) if matrix else np.zeros((0, 0), np.uint8)
        self._draw()
        self._tell()

    @property
    def count(self) -> int:
        """Photos in a row."""
        return len(self._levels)

    def square(self) -> QRectF:
        """Where the cells are, in pixels."""
        left = float(GUTTER_PX)
        side = max(1.0, min(self.width() - left - 1, self.height() - 1.0))
        if self.count and side / self.count >= GAP_FROM_PX:
            side = int(side / self.count) * self.count + 1.0
        return QRectF(
            round(left + (self.width() - left - side) / 2), round((self.height() - side) / 2),
            side, side,
        )  # fmt: skip

    def cell_at(self, place: QPointF) -> tuple[int, int] | None:
        """Row and column at a place in pixels; None beside the cells."""
        square = self.square()
        if not self.count or not square.contains(place):
            return None
        row = int((place.y() - square.top()) / square.height() * self.count)
        column = int((place.x() - square.left()) / square.width() * self.count)
        return min(row, self.count - 1), min(column, self.count - 1)

    def cell_box(self, row: int, column: int) -> QRectF:
        """Where a cell is, in pixels."""
        square = self.square()
        side = square.width() / max(1, self.count)
        return QRectF(square.left() + column * side, square.top() + row * side, side, side)

    def words(self, row: int, column: int) -> str:
        """What there is to say on a cell."""
        if self._matrix is None:
            return ""
        names, inliers = self._matrix.names, self._matrix.inliers
        if row == column:
            others = int(np.count_nonzero(inliers[row] > 0))
            return f"{names[row]}: matches in {others:,} other photo{'s' * (others != 1)}"
        found = int(inliers[row, column])
        said = f"{found:,} match{'es' * (found != 1)}" if found > 0 else "no match"
        if found < 0:
            said = "not compared yet"
        return f"{names[row]} × {names[column]}: {said}"

    # -- how it looks ------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A square that suits a narrow panel."""
        return QSize(246, 246)

    def minimumSizeHint(self) -> QSize:
        """Small, but still a picture."""
        return QSize(120, 120)

    def _draw(self) -> None:
        """Make the picture; with more photos than pixels the best pair of each pixel shows."""
        shown = self._levels
        room = max(1, int(self.square().width() * self.devicePixelRatioF()))
        block = -(-len(shown) // room) if len(shown) else 1
        if block > 1:
            starts = np.arange(0, len(shown), block)
            shown = np.maximum.reduceat(np.maximum.reduceat(shown, starts, 0), starts, 1)
        side = len(shown)
        data = np.ascontiguousarray(shown).tobytes()
        self._image = QImage(data, side, side, side, QImage.Format.Format_Indexed8).copy()
        self._image.setColorTable(colour_table())
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, cells, marks, cursor."""
        if not self.count:
            return
        colours, painter, square = theme.current(), QPainter(self), self.square()
        if int(self._levels.min()) == 0:
            paint_not_yet(painter, square)
        painter.drawImage(square, self._image)
        cell = square.width() / self.count
        if cell >= GAP_FROM_PX:
            painter.setPen(QPen(theme.colour(colours.panel), 1))
            for i in range(self.count + 1):
                at = round(i * (square.width() - 1) / self.count)
                x, y = round(square.left()) + at, round(square.top()) + at
                painter.drawLine(x, round(square.top()), x, round(square.bottom()) - 1)
                painter.drawLine(round(square.left()), y, round(square.right()) - 1, y)
        self._paint_marks(painter, square, cell)
        self._paint_cursor(painter)

    def _paint_marks(self, painter: QPainter, square: QRectF, cell: float) -> None:
        height = max(2.0, min(cell - 1, 8.0))
        shade = theme.colour(theme.current().error)
        for row in self._marked:
            middle = square.top() + (row + 0.5) * cell
            place = QRectF(square.left() - GUTTER_PX, middle - height / 2, 5, height)
            painter.fillRect(place, shade)

    def _paint_cursor(self, painter: QPainter) -> None:
        cell = self._hovered or (self.cursor_cell if self.hasFocus() else None)
        if cell is None or max(cell) >= self.count:
            return
        for i, j in {cell, cell[::-1]}:
            box = self.cell_box(i, j)
            grow = max(0.0, (5 - box.width()) / 2)
            box = box.adjusted(-grow, -grow, grow, grow)
            painter.setPen(QPen(theme.colour("#000000", 0.6), 3))
            painter.drawRect(box)
            painter.setPen(QPen(theme.colour("#ffffff", 1.0 if (i, j) == cell else 0.55), 1))
            painter.drawRect(box)

    def _recolour(self) -> None:
        if self.count:
            self._image.setColorTable(colour_table())
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As high as wide at most; more photos may have a pixel of their own now."""
        super().resizeEvent(event)
        self.setMaximumHeight(max(120, self.width() - GUTTER_PX))
        if self.count:
            self._draw()

    # -- mouse and keys ----------------------------------------------------------------------

    @property
    def pointed_cell(self) -> tuple[int, int] | None:
        """The cell under the mouse, else where the keyboard is, else None."""
        return self._hovered or (self.cursor_cell if self.hasFocus() else None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse."""
        self._point(self.cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self._point(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the pair."""
        cell = self.cell_at(event.position())
        if event.button() is Qt.MouseButton.LeftButton and cell is not None:
            self.cursor_cell = cell
            self._choose(cell)
            self._tell()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, Enter and Space choose."""
        key = Qt.Key(event.key())
        if self.count and key in STEPS:
            down, right = STEPS[key]
            row, column = self.cursor_cell or (0, 0)
            if self.cursor_cell is not None:
                row, column = row + down, column + right
            last = self.count - 1
            self.cursor_cell = (min(max(0, row), last), min(max(0, column), last))
            self._hovered = None
            self._tell()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self.cursor_cell is not None:
                self._choose(self.cursor_cell)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self._tell()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keyboard is elsewhere."""
        super().focusOutEvent(event)
        self._tell()

    def event(self, event: QEvent) -> bool:
        """Say what a cell stands for where the mouse rests on it."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            cell = self.cell_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.words(*cell) if cell else "", self)
            return True
        return super().event(event)

    def _choose(self, cell: tuple[int, int]) -> None:
        if cell[0] != cell[1]:
            self.chosen.emit(*cell)

    def _point(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self._tell()

    def _tell(self) -> None:
        cell = self.pointed_cell
        self.setAccessibleDescription(self.words(*cell) if cell else "")
        self.pointed.emit(cell)
        self.update()
