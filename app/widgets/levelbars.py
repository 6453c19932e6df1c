"""The loss of each part of the noise levels, against that of a network that knows nothing."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.widgets.figures import number, percent

AXIS_PX = 18


class LevelBars(QWidget):
    """A bar for each part, little noise at the left; behind it the loss of the answer 0."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.levels: tuple[float, ...] = ()
        self.untrained: tuple[float, ...] = ()
        self.setAccessibleName("Loss by noise level")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """A flat picture."""
        return QSize(200, 132)

    def minimumSizeHint(self) -> QSize:
        """Room for ten bars."""
        return QSize(120, 132)

    def show_levels(self, levels: Sequence[float], untrained: Sequence[float]) -> None:
        """Show mean squared errors; NaN in `levels` where nothing was seen."""
        self.levels, self.untrained = tuple(levels), tuple(untrained)
        self.update()

    def bar(self, index: int, value: float) -> QRectF:
        """Where a loss of `value` is drawn for the part of this index."""
        pitch = self.width() / max(1, len(self.untrained))
        room = self.height() - AXIS_PX
        seen = [value for value in (*self.levels, *self.untrained) if math.isfinite(value)]
        height = room * min(1.0, value / max(*seen, 1e-9))
        return QRectF(index * pitch + 1.5, room - height, pitch - 3, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Wide pale bars for what is known without learning, narrow ones in front."""
        colours, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for index, untrained in enumerate(self.untrained):
            if math.isfinite(untrained):
                painter.setBrush(theme.colour(colours.bar, 0.45))
                painter.drawRoundedRect(self.bar(index, untrained), 2, 2)
        for index, level in enumerate(self.levels):
            if math.isfinite(level):
                place = self.bar(index, level)
                inset = 0.22 * place.width()
                painter.setBrush(theme.colour(colours.mark))
                painter.drawRoundedRect(place.adjusted(inset, 0, -inset, 0), 2, 2)
        base = self.height() - AXIS_PX
        painter.fillRect(QRectF(0, base, self.width(), 1), theme.colour(colours.line))
        painter.setFont(theme.font(11))
        painter.setPen(theme.colour(colours.muted))
        below = QRectF(0, base + 3, self.width(), AXIS_PX - 3)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "little noise")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, "all noise")

    def event(self, event: QEvent) -> bool:
        """Say the figures where the mouse rests."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)

    def words_at(self, x: float) -> str:
        """What the bars at `x` pixels from the left stand for; empty where there are none."""
        count = len(self.untrained)
        index = int(x / self.width() * count) if count else -1
        if not 0 <= index < count:
            return ""
        level, untrained = self.levels[index], self.untrained[index]
        where = f"Noise level {index / count:g} to {(index + 1) / count:g}"
        if not math.isfinite(level):
            return f"{where}\nnot seen yet, {number(untrained)} without learning"
        return (
            f"{where}\nloss {number(level)}, {number(untrained)} without learning: "
            f"{percent(level, untrained)}"
        )
