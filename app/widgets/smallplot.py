"""A few curves over steps, small and quiet; one of them stands out, one step is marked."""

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.figures import number

TOP_PX, LEFT_PX, BOTTOM_PX = 6, 34, 16


class SmallPlot(QWidget):
    """Lines [k, n] over n steps from 0 up; a click picks a step."""

    picked = Signal(int)
    hovered = Signal(int)
    left = Signal()

    def __init__(
        self,
        name: str,
        parent: QWidget | None = None,
        *,
        ends: tuple[str, str] = ("noise", "sample"),
    ) -> None:
        """`ends` say what stands left and right."""
        super().__init__(parent)
        self._ends = ends
        self.lines = np.empty((0, 0))
        self.strong = -1
        """The line that stands out, -1 for none."""
        self.step = -1
        """The step that is marked, -1 for none."""
        self.low, self.high = 0.0, 1.0
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """A flat picture."""
        return QSize(200, 92)

    def minimumSizeHint(self) -> QSize:
        """Low, but still readable."""
        return QSize(120, 92)

    def show_lines(
        self,
        lines: np.ndarray,
        *,
        strong: int = -1,
        step: int = -1,
        low: float = 0.0,
        high: float | None = None,
    ) -> None:
        """Show [k, n], from `low` to `high` or their most; NaN leaves a gap."""
        self.lines, self.strong, self.step = np.asarray(lines, float), strong, step
        finite = self.lines[np.isfinite(self.lines)]
        self.low = low
        self.high = high or (float(finite.max()) if finite.size else 0.0) or 1.0
        self.update()

    def mark(self, step: int) -> None:
        """Mark another step."""
        if step != self.step:
            self.step = step
            self.update()

    def step_at(self, x: float) -> int:
        """The step nearest to `x` pixels; -1 where there are none."""
        count = self.lines.shape[1]
        if not count:
            return -1
        area = self._area()
        share = (x - area.left()) / max(1.0, area.width())
        return int(np.clip(round(share * (count - 1)), 0, count - 1))

    def x_of(self, step: int) -> float:
        """Where a step stands, in pixels from the left."""
        area = self._area()
        return area.left() + step / max(1, self.lines.shape[1] - 1) * area.width()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell which step is under the mouse, and pick it while the button is down."""
        step = self.step_at(event.position().x())
        if step >= 0:
            self.hovered.emit(step)
            if event.buttons() & Qt.MouseButton.LeftButton:
                self.picked.emit(step)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the step under the mouse."""
        step = self.step_at(event.position().x())
        if step >= 0:
            self.picked.emit(step)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self.left.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Faint lines, then the strong one, then the marked step."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        painter.setFont(theme.font(10))
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.setPen(QPen(theme.colour(colours.line), 1))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            painter.setPen(theme.colour(colours.muted))
            room = QRectF(0, y - 7, LEFT_PX - 6, 14)
            painter.drawText(
                room,
                Qt.AlignmentFlag.AlignRight,
                number(self.low + share * (self.high - self.low), 2),
            )
        count = self.lines.shape[1]
        if not count:
            return
        below = QRectF(area.left(), area.bottom() + 2, area.width(), BOTTOM_PX - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, self._ends[0])
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, self._ends[1])
        if 0 <= self.step < count:
            painter.setPen(QPen(theme.colour(colours.muted), 1, Qt.PenStyle.DashLine))
            x = self.x_of(self.step)
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        order = [i for i in range(len(self.lines)) if i != self.strong]
        for i in [*order, *([self.strong] if 0 <= self.strong < len(self.lines) else [])]:
            strong = i == self.strong
            colour = theme.colour(colours.mark if strong else colours.bar)
            painter.setPen(QPen(colour, 2 if strong else 1.2))
            painter.drawPolyline(self._polyline(i))

    def _polyline(self, line: int) -> QPolygonF:
        area, values = self._area(), self.lines[line]
        return QPolygonF(
            [
                QPointF(self.x_of(j), area.bottom() - self._height(v) * area.height())
                for j, v in enumerate(values)
                if np.isfinite(v)
            ]
        )

    def _height(self, value: float) -> float:
        """Where a value stands, as a share of the height."""
        return min(1.0, (value - self.low) / max(self.high - self.low, 1e-12))

    def _area(self) -> QRectF:
        width, height = self.width() - LEFT_PX - 4, self.height() - TOP_PX - BOTTOM_PX
        return QRectF(LEFT_PX, TOP_PX, max(1, width), max(1, height))
