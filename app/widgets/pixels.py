"""A small image shown large with every pixel sharp, and which of its pixels the mouse is on."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme


def image_of(pixels: np.ndarray) -> QImage:
    """A picture of [h, w, 1 or 3] uint8, with memory of its own."""
    if pixels.shape[2] == 1:
        pixels = pixels.repeat(3, axis=2)
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class PixelPicture(QWidget):
    """As wide as there is room and as high as the image wants; nothing is blurred."""

    hovered = Signal(int, int)
    """Row and column of the cell under the mouse."""
    left = Signal()
    clicked = Signal(int, int)

    def __init__(self, *, most_px: int = 360, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pixels: np.ndarray | None = None
        """[h, w, c] uint8 as shown."""
        self.cells: tuple[int, int] | None = None
        """(rows, columns) that the mouse tells apart; None for every pixel."""
        self.marked: tuple[int, int] | None = None
        """The cell with a frame around it."""
        self._marked_of: tuple[int, int] | None = None
        self._image: QImage | None = None
        self._most_px = most_px
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.follow(self.update)

    def show_pixels(self, pixels: np.ndarray | None) -> None:
        """Show [h, w, 1 or 3] uint8, or nothing."""
        before = None if self.pixels is None else self.pixels.shape[:2]
        self.pixels = pixels
        self._image = None if pixels is None else image_of(pixels)
        if pixels is None or pixels.shape[:2] != before:
            self.updateGeometry()
        self.update()

    def mark(self, cell: tuple[int, int] | None, cells: tuple[int, int] | None = None) -> None:
        """Put a frame around a cell of `self.cells`, or of others, or around none."""
        if (cell, cells) != (self.marked, self._marked_of):
            self.marked, self._marked_of = cell, cells
            self.update()

    # -- size --------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A tile."""
        return QSize(96, self.heightForWidth(96))

    def minimumSizeHint(self) -> QSize:
        """Small, but to be recognised."""
        return QSize(48, 48)

    def heightForWidth(self, width: int) -> int:
        """As the image is; square without one."""
        if self.pixels is None:
            return min(width, self._most_px)
        height, across = self.pixels.shape[:2]
        return max(24, min(self._most_px, round(width * height / across)))

    def box(self) -> QRectF:
        """Where the image is."""
        if self.pixels is None:
            side = min(self.width(), self.height())
            return QRectF((self.width() - side) / 2, 0, side, side)
        height, across = self.pixels.shape[:2]
        scale = min(self.width() / across, self.height() / height)
        size = (scale * across, scale * height)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    # -- mouse -------------------------------------------------------------------------------

    def cell_at(self, place: QPointF) -> tuple[int, int] | None:
        """Row and column under a place of the widget; None beside the image."""
        box = self.box()
        if self.pixels is None or not box.contains(place):
            return None
        rows, columns = self.cells or self.pixels.shape[:2]
        row = int((place.y() - box.top()) / box.height() * rows)
        column = int((place.x() - box.left()) / box.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    def middle_of(self, row: int, column: int) -> QPointF:
        """The middle of a cell on the widget."""
        return self._cell_box(row, column, self.cells).center()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse."""
        cell = self.cell_at(event.position())
        if cell is None:
            self.left.emit()
        else:
            self.hovered.emit(*cell)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self.left.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell what was clicked."""
        cell = self.cell_at(event.position())
        if cell is not None:
            self.clicked.emit(*cell)

    # -- paint -------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The image, or a quiet place for it."""
        painter, colours = QPainter(self), theme.current()
        box = self.box()
        if self._image is None:
            painter.fillRect(box, theme.colour(colours.field))
            return
        painter.drawImage(box, self._image)
        if self.marked is not None:
            place = self._cell_box(*self.marked, self._marked_of or self.cells)
            for colour, width in ((theme.colour("#000000", 0.6), 4), (theme.colour("#ffffff"), 2)):
                painter.setPen(QPen(colour, width))
                painter.drawRect(place)

    def _cell_box(self, row: int, column: int, cells: tuple[int, int] | None) -> QRectF:
        assert self.pixels is not None
        rows, columns = cells or self.pixels.shape[:2]
        box = self.box()
        high, wide = box.height() / rows, box.width() / columns
        return QRectF(box.left() + column * wide, box.top() + row * high, wide, high)
