"""What happens to light along a ray: density, what is left of the light, and who takes it."""

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.panels.raypicture import RayPicture, Takers
from app.panels.ticks import round_steps, tick_words
from app.widgets.figures import number

LABEL_PX, TOP_PX = 16, 15
"""Height of the figures under the axis, and of the words over the curves."""
TICKS_PX = 5
"""Height of a row of ticks, one for every sample of a level."""
REACH_PX = 12
"""How near the mouse must come to what it points at."""
NARROWEST = 1e-3
"""Share of the whole axis that can be zoomed to."""


class RayPlot(QWidget):
    """Where light is taken along a ray; the wheel zooms, a double click brings all of it back."""

    pointed = Signal(int)
    """Which of `pointable` is under the mouse, -1 for none."""
    chosen = Signal(int)
    """Which was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: RayPicture | None = None
        self.pointable = -1
        """Index of the takers that the mouse points at."""
        self.marked = -1
        """Which of them is drawn in full strength, -1 for none."""
        self.low, self.high = 0.0, 1.0
        """Ends of the axis."""
        self._zoomed = False
        self._under_mouse = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Light along the ray")
        self.setToolTip("The wheel zooms, a double click brings all that matters back")
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """A flat picture."""
        return QSize(220, 150)

    def minimumSizeHint(self) -> QSize:
        """Low, but still readable."""
        return QSize(120, 120)

    # -- what it shows -----------------------------------------------------------------------

    def show_picture(self, picture: RayPicture | None, *, keep_zoom: bool = False) -> None:
        """Show this, with nothing marked; the axis stays where it is with `keep_zoom`."""
        self.picture, self.marked = picture, -1
        self._under_mouse = -1
        if picture is not None and not (keep_zoom and self._zoomed):
            self.reset_zoom()
        self.update()

    def reset_zoom(self) -> None:
        """Show all that matters."""
        self._zoomed = False
        if self.picture is not None:
            self.low, self.high = self.picture.home
        self.update()

    def mark(self, index: int) -> None:
        """Mark one of the pointable takers, or none (-1)."""
        if index != self.marked:
            self.marked = index
            self.update()

    # -- mouse -------------------------------------------------------------------------------

    def x_of(self, distance: float) -> float:
        """Where a distance stands on the axis, in pixels from the left."""
        return (distance - self.low) / (self.high - self.low) * self.width()

    def index_at(self, x: float) -> int:
        """Which of the pointable takers is at `x` pixels: of those in reach the one that takes
        most, else the one whose stretch it is; -1 for none."""
        takers = self._pointable()
        if takers is None or len(takers.start) == 0:
            return -1
        at = (takers.middle - self.low) / (self.high - self.low) * self.width()
        near = np.flatnonzero(np.abs(at - x) <= 2.0)
        if len(near):
            return int(near[np.argmax(takers.weights[near])])
        distance = self.low + x / max(1, self.width()) * (self.high - self.low)
        inside = np.flatnonzero((takers.start <= distance) & (distance < takers.end))
        if len(inside):
            return int(inside[0])
        nearest = int(np.argmin(np.abs(at - x)))
        return nearest if abs(at[nearest] - x) <= REACH_PX else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse."""
        self._point(self.index_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self._point(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is under the mouse."""
        index = self.index_at(event.position().x())
        if event.button() is Qt.MouseButton.LeftButton and index >= 0:
            self.chosen.emit(index)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Show all that matters again."""
        self.reset_zoom()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        if self.picture is None:
            return
        low, high = self.picture.span
        steps = event.angleDelta().y() / 120
        width = (self.high - self.low) * 0.8**steps
        width = min(max(width, NARROWEST * (high - low)), high - low)
        share = event.position().x() / max(1, self.width())
        middle = self.low + share * (self.high - self.low)
        self.low = min(max(middle - share * width, low), high - width)
        self.high = self.low + width
        self._zoomed = True
        event.accept()
        self.update()

    def _point(self, index: int) -> None:
        if index != self._under_mouse:
            self._under_mouse = index
            self.pointed.emit(index)

    def _pointable(self) -> Takers | None:
        return self.picture.takers[self.pointable] if self.picture is not None else None

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """From the back: density, weights, light, marks, axis."""
        if self.picture is None:
            return
        picture, colours, painter = self.picture, theme.current(), QPainter(self)
        rows = sum(takers.ticks for takers in picture.takers)
        floor = self.height() - LABEL_PX - TICKS_PX * rows
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_sigma(painter, picture.sigma, floor)
        top = max(float(takers.heights.max(initial=0.0)) for takers in picture.takers) or 1.0
        for row, takers in enumerate(picture.takers):
            self._paint_takers(painter, takers, floor, top)
            if takers.ticks:
                self._paint_ticks(painter, takers, floor + row * TICKS_PX)
        self._paint_light(painter, picture.light, floor)
        self._paint_marks(painter, picture.marks, floor)
        chosen = picture.takers[self.pointable]
        if 0 <= self.marked < len(chosen.start):
            self._paint_marked(painter, chosen, floor, top)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(0, floor, self.width(), 1), theme.colour(colours.outline))
        self._paint_axis(painter)

    def _height(self, share: float, floor: float) -> float:
        """Where a share of the whole height is, in pixels from the top."""
        return floor - share * (floor - TOP_PX)

    def _paint_sigma(self, painter: QPainter, sigma: np.ndarray, floor: float) -> None:
        most = float(sigma[:, 2].max()) if len(sigma) else 0.0
        if not most > 0:
            return
        colour = theme.current().split
        outline = QPolygonF([QPointF(self.x_of(sigma[0, 0]), floor)])
        for start, end, value in sigma.tolist():
            y = self._height(value / most, floor)
            outline.append(QPointF(self.x_of(start), y))
            outline.append(QPointF(self.x_of(end), y))
        outline.append(QPointF(self.x_of(sigma[-1, 1]), floor))
        painter.setPen(QPen(theme.colour(colour, 0.9), 1.2))
        painter.setBrush(theme.colour(colour, 0.16))
        painter.drawPolygon(outline)

    def _paint_takers(self, painter: QPainter, takers: Takers, floor: float, top: float) -> None:
        colours = theme.current()
        for i, height in enumerate(takers.heights.tolist()):
            left, right = self.x_of(takers.start[i]), self.x_of(takers.end[i])
            if right < -4 or left > self.width() + 4:
                continue
            shade = theme.colour(getattr(colours, takers.role(i)), 0.85)
            y = self._height(height / top, floor)
            if takers.start[i] < takers.end[i]:
                painter.fillRect(QRectF(left, y, max(1.0, right - left - 0.5), floor - y), shade)
                continue
            painter.setPen(QPen(shade, 1.6))
            painter.drawLine(QLineF(left, floor, left, y))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawEllipse(QPointF(left, y), 2.2, 2.2)

    def _paint_ticks(self, painter: QPainter, takers: Takers, y: float) -> None:
        shade = theme.colour(getattr(theme.current(), takers.role(0)), 0.9)
        painter.setPen(QPen(shade, 1))
        lines = [QLineF(x, y + 2, x, y + TICKS_PX) for x in map(self.x_of, takers.middle.tolist())]
        painter.drawLines(lines)

    def _paint_marked(self, painter: QPainter, takers: Takers, floor: float, top: float) -> None:
        colours, i = theme.current(), self.marked
        x, y = self.x_of(takers.middle[i]), self._height(takers.heights[i] / top, floor)
        painter.setPen(QPen(theme.colour(colours.text), 1))
        painter.drawLine(QLineF(x, floor, x, TOP_PX))
        painter.setPen(QPen(theme.colour(colours.text), 1.6))
        painter.setBrush(theme.colour(getattr(colours, takers.role(i))))
        painter.drawEllipse(QPointF(x, y), 4, 4)

    def _paint_light(self, painter: QPainter, light: np.ndarray, floor: float) -> None:
        points = [QPointF(self.x_of(t), self._height(share, floor)) for t, share in light.tolist()]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour(theme.current().label), 1.4))
        painter.drawPolyline(QPolygonF(points))

    def _paint_marks(
        self, painter: QPainter, marks: tuple[tuple[float, str], ...], floor: float
    ) -> None:
        """Dashed lines with their names over them, from left to right."""
        colours = theme.current()
        pen = QPen(theme.colour(colours.good), 1.2)
        pen.setDashPattern([3, 2.5])
        painter.setFont(theme.font(10))
        shown = sorted(mark for mark in marks if self.low <= mark[0] <= self.high)
        words = [f"{name} {number(distance)}" for distance, name in shown]
        widths = [painter.fontMetrics().horizontalAdvance(text) + 8 for text in words]
        end = 0.0
        for i, (distance, _) in enumerate(shown):
            x = self.x_of(distance)
            painter.setPen(pen)
            painter.drawLine(QLineF(x, TOP_PX - 3, x, floor))
            # The first stands at the left of its line, so that the second has room.
            wanted = x - widths[i] if i + 1 < len(shown) else x
            left = max(end, min(wanted, self.width() - sum(widths[i:])))
            end = left + widths[i]
            painter.setPen(theme.colour(colours.label))
            painter.drawText(QPointF(left, TOP_PX - 5), words[i])

    def _paint_axis(self, painter: QPainter) -> None:
        colours = theme.current()
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(colours.muted))
        metrics = painter.fontMetrics()
        base, end = self.height() - 3, -10.0
        for value in round_steps(self.low, self.high, max(2, self.width() // 60)).tolist():
            words = tick_words(value)
            width = metrics.horizontalAdvance(words)
            left = min(max(self.x_of(value) - width / 2, 0.0), self.width() - width)
            if left > end + 8:
                painter.drawText(QPointF(left, base), words)
                end = left + width
