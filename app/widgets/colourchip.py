"""A colour as it is, for one that is a result and not of the theme."""

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme

SIDE_PX = 34


class ColourChip(QWidget):
    """A rounded square of one colour; the tooltip has its figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = QColor(0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """As high as two lines of text."""
        return QSize(SIDE_PX, SIDE_PX)

    def show_colour(self, colour: np.ndarray) -> None:
        """Show an sRGB `colour` [3], clipped to [0, 1]."""
        levels = (np.clip(np.nan_to_num(colour), 0.0, 1.0) * 255 + 0.5).astype(int).tolist()
        self.colour = QColor(*levels)
        self.setToolTip(
            f"{self.colour.name()}: red {levels[0]}, green {levels[1]}, blue {levels[2]}"
        )
        self.setAccessibleName(f"Colour {self.colour.name()}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A square that stands out from any ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.current().outline), 1))
        painter.setBrush(self.colour)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
