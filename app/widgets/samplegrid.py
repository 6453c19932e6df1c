"""Many small images side by side, as large as there is room; or the points of a toy."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme

GAP_PX, CAPTION_PX = 8, 17
BAR_PX = 240
LARGEST_PX = 176
"""A cell is not made larger than this; small images would only show their pixels."""
KEYS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
}


class SampleGrid(QWidget):
    """Shows n images with a caption below each; a click, or Enter, asks for one of them."""

    chosen = Signal(int)
    """Index of the image that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.samples: np.ndarray | None = None
        """[n, h, w, c] uint8, or [n, 2] float32 points."""
        self.captions: tuple[str, ...] = ()
        """Of each image; none where nothing was asked for."""
        self.in_pairs = False
        """Each image stands beside the one after it, and never on another row."""
        self.empty = ""
        """What is said where there are no samples."""
        self.share: float | None = None
        """How much of what they wait for is done, 0 to 1; None where that is not known."""
        self.reference: np.ndarray | None = None
        """Points that are learnt from, drawn faintly behind the samples."""
        self._pictures: list[QImage] = []
        self.pointed = -1
        """The image that is looked at elsewhere; -1 for none."""
        self._hovered = self._current = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Samples")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.follow(self.update)

    def minimumSizeHint(self) -> QSize:
        """Room for a few."""
        return QSize(160, 160)

    def show_samples(self, samples: np.ndarray | None, captions: Sequence[str] = ()) -> None:
        """Show [n, h, w, c] uint8 images, or [n, 2] points; captions are taken in turn."""
        self.samples = samples
        self._pictures = []
        self.captions = ()
        if samples is not None and samples.ndim == 4:
            self._pictures = [picture_of(image) for image in samples]
            if any(captions):
                self.captions = tuple(captions[i % len(captions)] for i in range(len(samples)))
        self._current = min(self._current, len(self._pictures) - 1)
        self.update()

    def point_at(self, index: int) -> None:
        """Frame the image that is looked at elsewhere; -1 for none."""
        if index != self.pointed:
            self.pointed = index
            self.update()

    def set_reference(self, points: np.ndarray | None) -> None:
        """Show points [n, 2] behind the samples, and as much of the plane as they take."""
        self.reference = points
        self.update()

    # -- where things are ------------------------------------------------------------------------

    def cell(self, index: int) -> QRect:
        """Where the image of this index is drawn."""
        columns, side = self._columns()
        row, column = divmod(index, columns)
        caption = CAPTION_PX if self.captions else 0
        rows = math.ceil(len(self._pictures) / columns)
        left = (self.width() - columns * (side + GAP_PX) + GAP_PX) // 2
        top = max(0, (self.height() - rows * (side + caption + GAP_PX) + GAP_PX) // 2)
        x, y = left + column * (side + GAP_PX), top + row * (side + caption + GAP_PX)
        return QRect(x, y, side, side)

    def _columns(self) -> tuple[int, int]:
        """The number of columns with which images are largest, and their side in pixels."""
        count, caption = max(1, len(self._pictures)), CAPTION_PX if self.captions else 0
        best = (1, 8)
        each = 2 if self.in_pairs and count > 1 else 1
        for columns in range(each, count + 1, each):
            rows = math.ceil(count / columns)
            side = min(
                (self.width() + GAP_PX) // columns - GAP_PX,
                (self.height() + GAP_PX) // rows - GAP_PX - caption,
                LARGEST_PX,
            )
            if side > best[1]:
                best = (columns, side)
        return best

    def _index_at(self, place: QPointF) -> int:
        for index in range(len(self._pictures)):
            if self.cell(index).contains(place.toPoint()):
                return index
        return -1

    # -- what a person does ----------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The image under the pointer can be clicked."""
        self._hover(self._index_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """No image is under the pointer."""
        super().leaveEvent(event)
        self._hover(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click asks for an image."""
        index = self._index_at(event.position())
        if event.button() is Qt.MouseButton.LeftButton and index >= 0:
            self._current = index
            self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from image to image, Enter asks for it."""
        if not self._pictures:
            super().keyPressEvent(event)
            return
        columns, _ = self._columns()
        steps = {**KEYS, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        if event.key() in steps:
            goal = max(0, self._current) + steps[Qt.Key(event.key())]
            if self._current < 0:
                goal = 0
            if 0 <= goal < len(self._pictures):
                self._current = goal
                self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self.chosen.emit(self._current)
        else:
            super().keyPressEvent(event)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            if index >= 0:
                self.setCursor(Qt.CursorShape.PointingHandCursor)
            else:
                self.unsetCursor()
            self.setToolTip(self.captions[index] if index >= 0 and self.captions else "")
            self.update()

    # -- painting --------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint all of it."""
        painter = QPainter(self)
        self.paint(painter)

    def paint(self, painter: QPainter) -> None:
        """Paint what is shown, on the widget or for a file."""
        colours = theme.current()
        if self.samples is not None and self.samples.ndim == 2:
            self._paint_points(painter, self.samples)
            return
        if not self._pictures:
            painter.setPen(theme.colour(colours.muted))
            painter.drawText(
                self.rect().adjusted(24, 24, -24, -24),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                self.empty,
            )
            self._paint_share(painter)
            return
        painter.setFont(theme.font(11))
        metrics = painter.fontMetrics()
        for index, picture in enumerate(self._pictures):
            cell = self.cell(index)
            painter.drawImage(cell, picture)
            marked = index == self._hovered or (self.hasFocus() and index == self._current)
            if index == self.pointed and not marked:
                painter.setPen(QPen(theme.colour(colours.mark), 1))
                painter.drawRect(cell.adjusted(-3, -3, 2, 2))
            if marked:
                painter.setPen(QPen(theme.colour(colours.mark), 2))
                painter.drawRect(cell.adjusted(-2, -2, 1, 1))
            if self.captions:
                below = QRect(cell.left(), cell.bottom() + 2, cell.width(), CAPTION_PX)
                words = metrics.elidedText(
                    self.captions[index], Qt.TextElideMode.ElideRight, below.width()
                )
                painter.setPen(theme.colour(colours.text if marked else colours.muted))
                painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, words)

    def _paint_share(self, painter: QPainter) -> None:
        """A bar below what is said where there are no samples."""
        if self.share is None:
            return
        wide = min(BAR_PX, self.width() - 48)
        bar = QRectF((self.width() - wide) / 2, self.height() / 2 + 26, wide, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.current().field))
        painter.drawRoundedRect(bar, 2, 2)
        bar.setWidth(wide * min(1.0, max(0.0, self.share)))
        painter.setBrush(theme.colour(theme.current().mark))
        painter.drawRoundedRect(bar, 2, 2)

    def _paint_points(self, painter: QPainter, points: np.ndarray) -> None:
        colours = theme.current()
        known = points if self.reference is None else self.reference
        reach = 1.15 * float(np.abs(known[np.isfinite(known)]).max(initial=0.5))
        side = max(40, min(self.width(), self.height()) - 2 * GAP_PX)
        frame = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(colours.line), 1))
        painter.drawRect(frame)
        painter.drawLine(
            QPointF(frame.left(), frame.center().y()), QPointF(frame.right(), frame.center().y())
        )
        painter.drawLine(
            QPointF(frame.center().x(), frame.top()), QPointF(frame.center().x(), frame.bottom())
        )
        layers = [(points, colours.mark, 0.85, 2.2)]
        if self.reference is not None:
            layers.insert(0, (self.reference, colours.muted, 0.35, 1.4))
            self._paint_legend(painter, frame)
        painter.setClipRect(frame)
        painter.setPen(Qt.PenStyle.NoPen)
        scale = side / (2 * reach)
        for shown, colour, alpha, radius in layers:
            painter.setBrush(theme.colour(colour, alpha))
            for x, y in shown[np.isfinite(shown).all(axis=1)].tolist():
                place = QPointF(frame.center().x() + scale * x, frame.center().y() - scale * y)
                painter.drawEllipse(place, radius, radius)

    def _paint_legend(self, painter: QPainter, frame: QRectF) -> None:
        """Which points are which, in a corner."""
        colours = theme.current()
        painter.setFont(theme.font(11))
        metrics = QFontMetrics(painter.font())
        room = metrics.horizontalAdvance("data samples") + 46
        left, middle = frame.left() + 12, frame.bottom() - 14
        ground = QRectF(frame.left() + 1, frame.bottom() - 26, room, 25)
        painter.fillRect(ground, theme.colour(colours.viewport, 0.85))
        for words, colour in (("data", colours.muted), ("samples", colours.mark)):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(colour))
            painter.drawEllipse(QPointF(left, middle), 3, 3)
            painter.setPen(theme.colour(colours.label))
            painter.drawText(QPointF(left + 8, middle + metrics.ascent() / 2 - 1), words)
            left += 8 + metrics.horizontalAdvance(words) + 16


def picture_of(image: np.ndarray) -> QImage:
    """[h, w, 1 or 3] uint8 as Qt has it; a copy."""
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    image = np.ascontiguousarray(image)
    height, width = image.shape[:2]
    return QImage(image.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
