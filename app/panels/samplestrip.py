"""All samples of a drawing as small tiles, of which one is looked at."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.pixels import image_of

TILE_PX, GAP_PX = 30, 4
MOST_ROWS = 2
"""More rows are reached by the wheel or the arrow keys."""


class SampleStrip(QWidget):
    """Tiles in rows; click one, or go through them with the arrow keys."""

    chosen = Signal(int)
    """Another one is looked at from now on."""
    picked = Signal(int)
    """A person has picked it here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = 0
        """The sample that is looked at."""
        self._wanted = 0
        """The one that is to be, as soon as it is there and can be chosen."""
        self.usable = 0
        """How many of them can be chosen."""
        self._images: list[QImage] = []
        self._first_row = 0
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Samples")
        theme.follow(self.update)

    def show_samples(self, samples: np.ndarray, *, usable: int | None = None) -> None:
        """Show [n, h, w, c] uint8; the first `usable` can be chosen, or all."""
        before = len(self._images)
        self._images = [image_of(pixels) for pixels in samples]
        self.usable = len(samples) if usable is None else min(usable, len(samples))
        self.row = max(0, min(self._wanted, self.usable - 1))
        if before != len(self._images):
            self.updateGeometry()
        self._keep_in_sight()

    def choose(self, row: int) -> None:
        """Look at another one and tell."""
        if 0 <= row < self.usable and row != self.row:
            self.look_at(row)
            self.picked.emit(row)

    def look_at(self, row: int) -> None:
        """Look at the sample that was picked elsewhere, or the last that can be looked at."""
        self._wanted = row
        if self.isVisible():  # what is hidden may not even have the samples yet
            self._go()

    def _go(self) -> None:
        there = max(0, min(self._wanted, self.usable - 1))
        if there != self.row:
            self.row = there
            self._keep_in_sight()
            self.chosen.emit(there)

    def place_of(self, row: int) -> QRectF:
        """Where a tile is."""
        down, across = divmod(row, self._columns(self.width()))
        pitch = TILE_PX + GAP_PX
        top = 1 + (down - self._first_row) * pitch
        return QRectF(1 + across * pitch, top, TILE_PX, TILE_PX)

    # -- size --------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """One or two rows."""
        return QSize(200, self.heightForWidth(200))

    def minimumSizeHint(self) -> QSize:
        """A few tiles."""
        return QSize(4 * TILE_PX, TILE_PX + 2)

    def heightForWidth(self, width: int) -> int:
        """As many rows as are needed, up to the most."""
        rows = max(1, min(MOST_ROWS, -(-len(self._images) // self._columns(width))))
        return rows * (TILE_PX + GAP_PX) - GAP_PX + 2

    def _columns(self, width: int) -> int:
        return max(1, (width - 2 + GAP_PX) // (TILE_PX + GAP_PX))

    def _keep_in_sight(self) -> None:
        down = self.row // self._columns(self.width())
        self._first_row = min(max(self._first_row, down - MOST_ROWS + 1), down)
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        """Go where was picked meanwhile, once whoever shows this has shown the samples."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self._go)

    # -- events ------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the tile under the mouse."""
        row = self._row_at(event.position())
        if row >= 0:
            self.choose(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Show other rows, if there are any."""
        rows = -(-len(self._images) // self._columns(self.width()))
        if rows <= MOST_ROWS:
            event.ignore()
            return
        step = -1 if event.angleDelta().y() > 0 else 1
        self._first_row = min(max(0, self._first_row + step), rows - MOST_ROWS)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go through the samples."""
        columns = self._columns(self.width())
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.choose(self.row + step)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The tiles, the chosen one framed; those that cannot be chosen are pale."""
        painter, colours = QPainter(self), theme.current()
        for row, image in enumerate(self._images):
            place = self.place_of(row)
            if place.bottom() < 0 or place.top() > self.height():
                continue
            painter.setOpacity(1.0 if row < self.usable else 0.3)
            painter.drawImage(place, image)
            painter.setOpacity(1.0)
            if row == self.row:
                painter.setPen(QPen(theme.colour(colours.mark), 2))
                painter.drawRect(place)

    def _row_at(self, place: QPointF) -> int:
        rows = range(len(self._images))
        return next((row for row in rows if self.place_of(row).contains(place)), -1)
