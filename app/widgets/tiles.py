"""How a photo looks as a small tile, the same in the strip and beside what the doctor says."""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap

from app import theme
from app.stylesheet import mix

RADIUS_PX = 4
TICK_PX = 14
"""Side of the tick at the top left."""
REACH_PX = 18
"""A press this near to the top left corner is meant for the tick."""
LEFT_OUT_OPACITY = 0.3
VEIL = 0.6
"""How far the ground covers a photo that has no place yet."""
POOR_DB, GOOD_DB = 16.0, 30.0
"""PSNR at which the bar is red and short, and green and full."""


def paint_picture(
    painter: QPainter, box: QRectF, pixmap: QPixmap | None, *, broken: bool, left_out: bool
) -> None:
    """The photo, or the ground while it is read, or a sign that it cannot be."""
    colours = theme.current()
    painter.fillRect(box, theme.colour(colours.card))
    if pixmap is not None:
        painter.setOpacity(LEFT_OUT_OPACITY if left_out else 1.0)
        painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
        painter.setOpacity(1.0)
    elif broken:
        side = int(min(box.width(), 22))
        place = QRect(0, 0, side, side)
        place.moveCenter(box.center().toPoint())
        theme.icon("mdi6.image-broken-variant", "error").paint(painter, place)


def rounded(box: QRectF) -> QPainterPath:
    """The outline of a tile, to clip to."""
    outline = QPainterPath()
    outline.addRoundedRect(box, RADIUS_PX, RADIUS_PX)
    return outline


def paint_bar(painter: QPainter, box: QRectF, psnr: float) -> None:
    """How well the photo is explained, as a bar along the bottom."""
    share = min(1.0, max(0.0, (psnr - POOR_DB) / (GOOD_DB - POOR_DB)))
    bar = QRectF(box.left(), box.bottom() - 4, box.width(), 4)
    painter.fillRect(bar, theme.colour("#000000", 0.45))
    bar.setWidth(max(4.0, share * box.width()))
    painter.fillRect(bar, theme.colour(quality_colour(share)))


def quality_colour(share: float) -> str:
    """Red at 0, amber at a half, green at 1; of the dark theme, as photos are no ground."""
    poor, fair, good = theme.DARK.prune, theme.DARK.accent, theme.DARK.good
    if share < 0.5:
        return mix(poor, fair, 2 * share)
    return mix(fair, good, 2 * share - 1)


def paint_veil(painter: QPainter, box: QRectF) -> None:
    """Push a photo back that has no place yet."""
    painter.fillRect(box, theme.colour(theme.current().panel, VEIL))


def paint_dot(painter: QPainter, box: QRectF, colour: str, *, hollow: bool = False) -> None:
    """A mark at the top right, full or hollow."""
    place = QRectF(box.right() - 11, box.top() + 4, 7, 7)
    if hollow:
        painter.setBrush(theme.colour("#000000", 0.35))
        painter.setPen(QPen(theme.colour("#000000", 0.35), 3))
        painter.drawEllipse(place)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour(colour), 1.4))
    else:
        painter.setPen(QPen(theme.colour("#000000", 0.4), 1))
        painter.setBrush(theme.colour(colour))
    painter.drawEllipse(place)


def tick_reach(box: QRectF) -> QRectF:
    """Where a press on a tile is meant for its tick."""
    return QRectF(box.topLeft(), box.topLeft() + QPointF(REACH_PX, REACH_PX))


def paint_tick(painter: QPainter, box: QRectF, *, ticked: bool, hot: bool) -> None:
    """A tick at the top left: ticked is used, empty is left out; `hot` under the mouse."""
    place = QRectF(box.left() + 3, box.top() + 3, TICK_PX, TICK_PX)
    painter.setPen(QPen(theme.colour("#ffffff", 0.9 if hot or not ticked else 0.0), 1))
    painter.setBrush(theme.colour("#000000", 0.7 if hot else 0.5))
    painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 3.5, 3.5)
    if ticked:
        pen = QPen(theme.colour("#ffffff"), 1.7)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        corner = place.topLeft()
        painter.drawPolyline(
            [corner + QPointF(x, y) for x, y in ((3.7, 7.4), (6.0, 9.7), (10.4, 4.6))]
        )


def paint_frame(painter: QPainter, box: QRectF, *, current: bool, hot: bool) -> None:
    """A frame around the current tile, a quieter one under the mouse or the keyboard."""
    colours = theme.current()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if current:
        painter.setPen(QPen(theme.colour(colours.mark), 2))
        painter.drawRoundedRect(box.adjusted(-0.5, -0.5, 0.5, 0.5), 4.5, 4.5)
    elif hot:
        painter.setPen(QPen(theme.colour(colours.muted), 1))
        painter.drawRoundedRect(box, RADIUS_PX, RADIUS_PX)
