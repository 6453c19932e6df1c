"""A small image shown large, on which the mouse paints what of it is to be drawn anew."""

import math

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.pixels import image_of

VEIL = 0.62
"""How opaque the paint is: what lies under it is still recognised."""


class MaskCanvas(QWidget):
    """The left button paints, the right one takes paint away; nothing is blurred."""

    painted = Signal()
    """A stroke, or a part of one, changed the mask."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pixels: np.ndarray | None = None
        """[h, w, 3] uint8 as shown."""
        self.mask = np.zeros((0, 0), bool)
        """[h, w], True where there is paint."""
        self.brush = 1
        """Its diameter in pixels of the image."""
        self.erasing = False
        """The left button takes paint away as well."""
        self._image, self._veil = QImage(), QImage()
        self._last: QPointF | None = None
        self._pointer: QPointF | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Mask")
        theme.follow(self._cover)

    def show_pixels(self, pixels: np.ndarray | None) -> None:
        """Show [h, w, 3] uint8 without any paint on it, or nothing."""
        self.pixels = pixels
        self._image = QImage() if pixels is None else image_of(pixels)
        self._last = None
        self.updateGeometry()
        self.clear()

    def clear(self) -> None:
        """Take all paint away."""
        shape = (0, 0) if self.pixels is None else self.pixels.shape[:2]
        self.mask = np.zeros(shape, bool)
        self._cover()
        self.painted.emit()

    # -- size --------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A tile."""
        return QSize(160, self.heightForWidth(160))

    def minimumSizeHint(self) -> QSize:
        """Small, but to be painted on."""
        return QSize(80, 80)

    def heightForWidth(self, width: int) -> int:
        """As the image is; square without one."""
        if self.pixels is None:
            return width
        height, across = self.pixels.shape[:2]
        return round(width * height / across)

    def box(self) -> QRectF:
        """Where the image is."""
        if self.pixels is None:
            return QRectF(self.rect())
        height, across = self.pixels.shape[:2]
        scale = min(self.width() / across, self.height() / height)
        wide, high = scale * across, scale * height
        return QRectF((self.width() - wide) / 2, (self.height() - high) / 2, wide, high)

    def place_of(self, row: float, column: float) -> QPointF:
        """Where on the widget a place of the image lies; pixel centres at half-integers."""
        box, scale = self.box(), self._scale()
        return QPointF(box.left() + column * scale, box.top() + row * scale)

    def _scale(self) -> float:
        """Pixels of the widget for each pixel of the image."""
        return self.box().width() / max(1, self.mask.shape[1])

    # -- the mouse ---------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A dot of paint."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._last = event.position()
            self._paint_to(event.position(), erase=self._erases(event.buttons()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A line of paint while a button is held; else the brush alone."""
        self._pointer = event.position()
        if self._last is not None:
            self._paint_to(event.position(), erase=self._erases(event.buttons()))
        self.update()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """The stroke ends."""
        self._last = None

    def leaveEvent(self, event: QEvent) -> None:
        """No brush is over the image."""
        super().leaveEvent(event)
        self._pointer = None
        self.update()

    def _erases(self, buttons: Qt.MouseButton) -> bool:
        return self.erasing or bool(buttons & Qt.MouseButton.RightButton)

    def _paint_to(self, place: QPointF, *, erase: bool) -> None:
        """Paint from the last place to this one, so that quick strokes have no gaps."""
        if self.pixels is None or self._last is None:
            return
        box, scale = self.box(), self._scale()
        ends = ((p - box.topLeft()) / scale for p in (self._last, place))
        (x0, y0), (x1, y1) = ((p.x(), p.y()) for p in ends)
        self._last = place
        dots = max(1, math.ceil(2 * math.hypot(x1 - x0, y1 - y0)))
        before = self.mask.copy()
        for share in np.linspace(0, 1, dots + 1):
            self.mask[self._under(x0 + share * (x1 - x0), y0 + share * (y1 - y0))] = not erase
        if not np.array_equal(before, self.mask):
            self._cover()
            self.painted.emit()

    def _under(self, x: float, y: float) -> np.ndarray:
        """[h, w] bool: which pixels a brush at this place of the image covers."""
        rows, columns = (np.arange(count) for count in self.mask.shape)
        down, across = (rows + 0.5 - y)[:, None], (columns + 0.5 - x)[None]
        covered = down**2 + across**2 <= (self.brush / 2) ** 2
        # The finest brush covers the one pixel it is on, wherever on it.
        return covered | ((rows == math.floor(y))[:, None] & (columns == math.floor(x))[None])

    # -- paint -------------------------------------------------------------------------------

    def _cover(self) -> None:
        """Make the paint's picture."""
        tint = theme.colour(theme.current().mark)
        height, width = self.mask.shape
        veil = np.zeros((height, width, 4), np.uint8)
        veil[self.mask] = (tint.red(), tint.green(), tint.blue(), round(255 * VEIL))
        format_ = QImage.Format.Format_RGBA8888
        self._veil = QImage(veil.tobytes(), width, height, 4 * width, format_).copy()
        self.update()

    def _draw_edges(self, painter: QPainter) -> None:
        """A line around the paint, which is seen on images of any colour."""
        padded = np.pad(self.mask, 1)
        across = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]).tolist()
        down = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]).tolist()
        lines = [QLineF(self.place_of(y, x), self.place_of(y, x + 1)) for y, x in across]
        lines += [QLineF(self.place_of(y, x), self.place_of(y + 1, x)) for y, x in down]
        for colour, width in (("#000000", 3.0), ("#ffffff", 1.2)):
            painter.setPen(QPen(theme.colour(colour, 0.8), width))
            painter.drawLines(lines)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The image, the paint on it and the outline of the brush."""
        painter, box = QPainter(self), self.box()
        if self.pixels is None:
            return
        painter.drawImage(box, self._image)
        if self.mask.any():
            painter.drawImage(box, self._veil)
            self._draw_edges(painter)
        if self._pointer is None or not box.contains(self._pointer):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(box)
        radius = self.brush * self._scale() / 2
        for colour, width in (("#000000", 3.0), ("#ffffff", 1.2)):
            painter.setPen(QPen(theme.colour(colour, 0.8), width))
            painter.drawEllipse(self._pointer, radius, radius)
