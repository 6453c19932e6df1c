"""The program's mark: soft overlapping discs seen through a lens."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app import theme

SIZE_PX = 64
ICON_PX = (16, 24, 32, 48, 64, 128, 256)


def paint_mark(painter: QPainter, side: float, *, lens: str) -> None:
    """Paint the mark into a square of `side` pixels; `lens` is the colour of its rim."""
    colours = theme.current()
    painter.save()
    painter.scale(side / SIZE_PX, side / SIZE_PX)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, x, y, width, height, angle in (
        (colours.split, 22, 36, 30, 17, -35.0),
        (colours.clone, 40, 38, 28, 16, 40.0),
        (colours.mark, 33, 25, 34, 20, 8.0),
    ):
        painter.save()
        painter.translate(x, y)
        painter.rotate(angle)
        painter.setBrush(theme.colour(colour, 0.72))
        painter.drawEllipse(QRectF(-width / 2, -height / 2, width, height))
        painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.colour(lens), 2.5))
    painter.drawEllipse(QRectF(4, 4, 56, 56))
    painter.restore()


def icon() -> QIcon:
    """The mark on a dark disc, as an icon for the window."""
    made = QIcon()
    for side in ICON_PX:
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.DARK.ground))
        painter.drawEllipse(QRectF(0, 0, side, side))
        paint_mark(painter, side, lens=theme.DARK.text)
        painter.end()
        made.addPixmap(pixmap)
    return made


class Mark(QWidget):
    """The mark as a picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(SIZE_PX, SIZE_PX)
        theme.follow(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it in the colours of the theme."""
        painter = QPainter(self)
        paint_mark(painter, SIZE_PX, lens=theme.current().text)
