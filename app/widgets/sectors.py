"""From which sides there are photos, as a ring seen from above."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.widgets.figures import count

SIDE_PX = 84
INNER = 0.6
"""Radius of the hole over the radius of the ring."""
GAP_DEGREES = 3.0


class SectorRing(QWidget):
    """Sectors with photos are filled, the more the brighter; empty ones are outlined.

    The first sector begins at the right, the others follow counter-clockwise.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: tuple[float, ...] = ()
        self.grave = False
        """Empty sectors are red rather than grey."""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Where photos were taken from, seen from above")
        theme.follow(self.update)

    def show_counts(self, counts: Sequence[float], *, grave: bool = False) -> None:
        """Show the number of cameras in each sector; `grave`: empty ones spoil the result.

        Many a thing is photographed from its front alone, and that is fine.
        """
        self.counts, self.grave = tuple(counts), grave
        self.setAccessibleDescription(self.words())
        self.update()

    def words(self) -> str:
        """What the ring shows, as a sentence."""
        empty = sum(n <= 0 for n in self.counts)
        sides = f"{count(len(self.counts))} directions"
        if not empty:
            return f"Photos were taken from all {sides}"
        verb = "has" if empty == 1 else "have"
        shade = " in red" if self.grave else ""
        return f"{count(empty)} of {sides} {verb} no photo, outlined{shade}"

    def sizeHint(self) -> QSize:
        """A small square."""
        return QSize(SIDE_PX, SIDE_PX)

    def sector_at(self, place: QPointF) -> int | None:
        """Index of the sector at a place in pixels; None in the hole and outside."""
        middle = QRectF(self.rect()).center()
        right, up = place.x() - middle.x(), middle.y() - place.y()
        distance = math.hypot(right, up) / (SIDE_PX / 2 - 2)
        if not self.counts or not INNER <= distance <= 1:
            return None
        share = math.atan2(up, right) / math.tau % 1.0
        return int(share * len(self.counts)) % len(self.counts)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ring, and what was photographed in its middle."""
        if not self.counts:
            return
        colours, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outer = QRectF(0, 0, SIDE_PX - 4, SIDE_PX - 4)
        outer.moveCenter(QRectF(self.rect()).center())
        most, span = max(self.counts), 360.0 / len(self.counts)
        empty = colours.error if self.grave else colours.muted
        for i, number in enumerate(self.counts):
            path = _segment(outer, i * span + GAP_DEGREES / 2, span - GAP_DEGREES)
            if number > 0:
                share = 0.35 + 0.65 * number / most
                painter.fillPath(path, theme.colour(colours.clone, share))
            else:
                painter.fillPath(path, theme.colour(empty, 0.14))
                painter.setPen(QPen(theme.colour(empty), 1.2))
                painter.drawPath(path)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(colours.muted))
        painter.drawEllipse(outer.center(), 3, 3)

    def event(self, event: QEvent) -> bool:
        """Say how many photos there are on the side where the mouse rests."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            sector = self.sector_at(QPointF(event.pos()))
            words = self.words()
            if sector is not None:
                number = self.counts[sector]
                words = f"{count(number)} photo{'s' * (number != 1)} from this side"
                words = words if number > 0 else "No photo from this side"
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)


def _segment(outer: QRectF, start: float, span: float) -> QPainterPath:
    """A piece of the ring; degrees counter-clockwise from the right."""
    radius = outer.width() / 2 * (1 - INNER)
    inner = outer.adjusted(radius, radius, -radius, -radius)
    path = QPainterPath()
    path.arcMoveTo(outer, start)
    path.arcTo(outer, start, span)
    path.arcTo(inner, start + span, -span)
    path.closeSubpath()
    return path
