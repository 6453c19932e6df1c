"""How the number of matches of a pair becomes a colour, and the legend that says so."""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.figures import count

NOT_YET, SELF, IN_VAIN, LOWEST = 0, 1, 2, 3
"""Levels of what is no number: not compared, the diagonal, compared in vain; then the ramp."""
LEVELS = 256
FLOOR = 10
"""Matches at the dark end of the ramp; pairs with fewer are hardly ever taken for pairs."""
LEAST_TOP = 100
RAMP = "inferno"
RAMP_FROM, RAMP_TO = 0.22, 0.97
"""The part of the ramp that is used, so that few matches differ from none in both themes."""
IN_VAIN_COLOUR = "#0b0c10"
"""In both themes: dark is the low end of the ramp."""


def top_for(most: int) -> int:
    """A round number of at least `most` matches for the bright end; it changes seldom."""
    most = max(most, LEAST_TOP)
    ten = 10 ** int(math.log10(most))
    return next(step * ten for step in (1, 2, 5, 10) if step * ten >= most)


def levels(inliers: np.ndarray, top: int) -> np.ndarray:
    """[n, n] uint8 colour index of a match matrix; logarithmic from FLOOR to `top`."""
    # A table over all counts, as one look-up a pair is far cheaper than one logarithm a pair.
    counts = np.maximum(np.arange(-1, top + 1), FLOOR)
    share = np.log(counts / FLOOR) / math.log(top / FLOOR)
    table = (LOWEST + np.rint(share * (LEVELS - 1 - LOWEST))).astype(np.uint8)
    table[:2] = NOT_YET, IN_VAIN
    found = table[np.clip(inliers, -1, top) + 1]
    np.fill_diagonal(found, SELF)
    return found


def colour_table() -> list[int]:
    """0xAARRGGBB by level in the present theme; what was not compared is transparent."""
    ramp = _ramp(LEVELS - LOWEST).astype(np.uint32)
    shades = (0xFF << 24) | (ramp[:, 0] << 16) | (ramp[:, 1] << 8) | ramp[:, 2]
    own = [theme.colour(c).rgba() for c in (theme.current().bar, IN_VAIN_COLOUR)]
    return [0, *own, *shades.tolist()]


def _ramp(points: int) -> np.ndarray:
    chosen = pg.colormap.get(RAMP)
    return chosen.getLookupTable(RAMP_FROM, RAMP_TO, points, alpha=False)


def paint_not_yet(painter: QPainter, box: QRectF) -> None:
    """The hatched ground of pairs that were not compared."""
    colours = theme.current()
    painter.fillRect(box, theme.colour(colours.card))
    painter.save()
    painter.setClipRect(box)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour(colours.outline), 1))
    pitch = 6
    first = int((box.left() + box.top()) / pitch)
    for i in range(first, int((box.right() + box.bottom()) / pitch) + 1):
        reach = i * pitch
        painter.drawLine(
            int(reach - box.top()), int(box.top()), int(reach - box.bottom()), int(box.bottom())
        )
    painter.restore()


class InlierLegend(QWidget):
    """The ramp with its numbers, and below it the two colours that are no number."""

    BAR_PX = 8

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.top = LEAST_TOP
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def set_top(self, top: int) -> None:
        """How many matches the bright end stands for."""
        self.top = top
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines of small type and the bar."""
        return QSize(200, 50)

    def minimumSizeHint(self) -> QSize:
        """Room for all words."""
        return QSize(176, 50)

    def marks(self) -> list[int]:
        """The numbers below the ramp: both ends and the powers of ten between them."""
        powers = [10**k for k in range(2, 8) if FLOOR < 10**k < self.top]
        return [FLOOR, *powers, self.top]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Bar, numbers, swatches."""
        colours, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        bar = QRectF(0, 0, self.width(), self.BAR_PX)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for i, (red, green, blue) in enumerate(_ramp(17)):
            gradient.setColorAt(i / 16, theme.colour(f"#{red:02x}{green:02x}{blue:02x}"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 2, 2)
        painter.setPen(theme.colour(colours.muted))
        self._paint_marks(painter)
        self._paint_swatches(painter)

    def _paint_marks(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        free_from, free_to = 0.0, float(self.width())
        marks = self.marks()
        # The ends first: what is between them gives way.
        for mark in (marks[0], marks[-1], *marks[1:-1]):
            words = f"{count(mark)} matches" if mark == self.top else count(mark)
            width = metrics.horizontalAdvance(words)
            place = math.log(mark / FLOOR) / math.log(self.top / FLOOR) * self.width()
            left = min(max(0.0, place - width / 2), self.width() - width)
            inner = mark not in (marks[0], marks[-1])
            if inner and (left < free_from + 6 or left + width > free_to - 6):
                continue
            if mark == marks[-1]:
                free_to = left
            else:
                free_from = left + width
            painter.drawText(QRectF(left, self.BAR_PX + 3, width + 1, 14), words)

    def _paint_swatches(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        left, top = 0.0, 34.0
        for words, hatched in (("no match", False), ("not compared yet", True)):
            box = QRectF(left, top + 2, 10, 10)
            if hatched:
                paint_not_yet(painter, box)
            else:
                painter.fillRect(box, theme.colour(IN_VAIN_COLOUR))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour(theme.current().outline), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            painter.setPen(theme.colour(theme.current().muted))
            width = metrics.horizontalAdvance(words)
            painter.drawText(QRectF(left + 16, top, width + 1, 14), words)
            left += 16 + width + 14
