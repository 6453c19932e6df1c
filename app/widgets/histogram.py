"""How a quantity is spread, and what lies beyond a threshold that can be moved by hand."""

import math
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.figures import number

BINS = 48
GRAB_PX = 9
"""How near to the line a press takes hold of it."""
LABEL_PX = 16
"""Height of the line of figures under the bars."""
COUNTED = 50_000
"""Values that are binned at most, evenly picked; what lies beyond is counted among all."""


class HistogramView(QWidget):
    """Bars over a logarithmic axis and a dashed threshold.

    What lies beyond the threshold is drawn in `colour`, a field of the theme. The line is
    dragged with the mouse or moved with the arrow keys; a double click or Escape brings it
    back to where the run has it.
    """

    threshold_moved = Signal(float)
    """The new threshold, by hand or brought back."""

    def __init__(
        self,
        side: Literal["above", "below"],
        *,
        colour: str = "mark",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.side, self.colour = side, colour
        self.values = np.empty(0, dtype=np.float32)
        """Finite values > 0 only."""
        self.counts = np.zeros(BINS, dtype=np.int64)
        self.low, self.high = -6.0, -3.0
        """Ends of the axis, log10."""
        self.threshold = math.nan
        self.given = math.nan
        """The threshold of the run."""
        self._dragging = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """A flat picture."""
        return QSize(200, 84)

    def minimumSizeHint(self) -> QSize:
        """As low as it is wide in a narrow panel."""
        return QSize(120, 84)

    # -- what it shows -----------------------------------------------------------------------

    def show_values(self, values: np.ndarray, threshold: float) -> None:
        """Show `values` [n]; what is not finite or not above 0 has no place on the axis.

        A threshold moved by hand stays until the run's own is another; NaN for no threshold.
        """
        self.values = values[(values > 0) & (values < np.inf)]
        if threshold != self.given:
            self.given = self.threshold = threshold
        self._bin()
        self.update()

    @property
    def beyond(self) -> int:
        """How many of the values lie beyond the threshold; 0 without one."""
        if math.isnan(self.threshold):
            return 0
        above = int(np.count_nonzero(self.values > self.threshold))
        return above if self.side == "above" else len(self.values) - above

    def _bin(self) -> None:
        if len(self.values) == 0:
            self.counts = np.zeros(BINS, dtype=np.int64)
            return
        sample = np.log10(self.values[:: max(1, len(self.values) // COUNTED)])
        ends = [float(np.quantile(sample, 0.002)), float(sample.max())]
        if math.isfinite(self.given) and self.given > 0:
            ends.append(math.log10(self.given))
        # Ends at half decades, so that the axis stays where it is while values drift.
        self.low = math.floor(2 * min(ends)) / 2
        self.high = max(math.ceil(2 * max(ends)) / 2, self.low + 0.5)
        self.counts, _ = np.histogram(
            np.clip(sample, self.low, self.high), bins=BINS, range=(self.low, self.high)
        )

    # -- the threshold -----------------------------------------------------------------------

    def move_threshold(self, value: float) -> None:
        """Put the line at `value`, kept within the axis."""
        if math.isnan(self.given) or not value > 0:
            return
        value = min(max(value, 10**self.low), 10**self.high)
        if value != self.threshold:
            self.threshold = value
            self.update()
            self.threshold_moved.emit(value)

    def reset_threshold(self) -> None:
        """Put the line back to where the run has it."""
        if self.threshold != self.given:
            self.threshold = self.given
            self.update()
            self.threshold_moved.emit(self.threshold)

    def position_of(self, value: float) -> float:
        """Where `value` stands on the axis, in pixels from the left."""
        return (math.log10(value) - self.low) / (self.high - self.low) * self.width()

    def value_at(self, x: float) -> float:
        """The value at `x` pixels from the left, to two digits."""
        exact = 10 ** (self.low + x / max(1, self.width()) * (self.high - self.low))
        return float(f"{exact:.1e}")

    def _near_line(self, x: float) -> bool:
        return not math.isnan(self.threshold) and (
            abs(x - self.position_of(self.threshold)) <= GRAB_PX
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line."""
        self._dragging = event.button() == Qt.MouseButton.LeftButton and self._near_line(
            event.position().x()
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the line, or show that it can be dragged."""
        x = event.position().x()
        if self._dragging:
            self.move_threshold(self.value_at(x))
        near = self._dragging or self._near_line(x)
        self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go of the line."""
        self._dragging = False

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Bring the line back."""
        self.reset_threshold()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line with the arrow keys, bring it back with Escape."""
        ways = {Qt.Key.Key_Left: 1 / 1.1, Qt.Key.Key_Right: 1.1}
        if event.key() in ways and not math.isnan(self.threshold):
            moved = self.threshold * ways[Qt.Key(event.key())]
            self.move_threshold(float(f"{moved:.2e}"))
        elif event.key() == Qt.Key.Key_Escape and self.threshold != self.given:
            self.reset_threshold()
        else:
            super().keyPressEvent(event)

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Bars, figures at the ends, and the line."""
        colours = theme.current()
        painter = QPainter(self)
        floor = self.height() - LABEL_PX
        painter.fillRect(QRectF(0, floor, self.width(), 1), theme.colour(colours.line))
        self._paint_bars(painter, floor)
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(colours.muted))
        row = QRectF(0, floor + 2, self.width(), LABEL_PX - 2)
        if len(self.values):
            ends = (number(10**self.low, 1), number(10**self.high, 1))
            painter.drawText(row, Qt.AlignmentFlag.AlignLeft, ends[0])
            painter.drawText(row, Qt.AlignmentFlag.AlignRight, ends[1])
        if math.isfinite(self.threshold) and self.threshold > 0:
            self._paint_line(painter, floor)

    def _paint_bars(self, painter: QPainter, floor: float) -> None:
        highest = int(self.counts.max())
        if highest == 0:
            return
        colours = theme.current()
        plain = theme.colour(colours.bar)
        chosen = theme.colour(getattr(colours, self.colour))
        pitch = self.width() / BINS
        edges = np.linspace(self.low, self.high, BINS + 1)
        cut = math.log10(self.threshold) if self.threshold > 0 else math.nan
        for i, n in enumerate(self.counts.tolist()):
            if n == 0:
                continue
            middle = (edges[i] + edges[i + 1]) / 2
            beyond = middle > cut if self.side == "above" else middle < cut
            height = max(1.5, n / highest * (floor - 14))
            bar = QRectF(i * pitch + 0.5, floor - height, max(1.0, pitch - 1), height)
            painter.fillRect(bar, chosen if beyond else plain)

    def _paint_line(self, painter: QPainter, floor: float) -> None:
        colours = theme.current()
        x = self.position_of(self.threshold)
        pen = QPen(theme.colour(getattr(colours, self.colour)), 2 if self.hasFocus() else 1.2)
        pen.setDashPattern([3, 2.5])
        painter.setPen(pen)
        painter.drawLine(QPointF(x, 0), QPointF(x, floor))
        text = f"{self.side} {number(self.threshold, 2)}"
        width = painter.fontMetrics().horizontalAdvance(text)
        left = x + 5 if x + 5 + width <= self.width() else x - 5 - width
        box = QRectF(max(0.0, left), 0, width + 1, 13)
        painter.fillRect(box, theme.colour(colours.card, 0.8))
        painter.setPen(theme.colour(colours.label))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
