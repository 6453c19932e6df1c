"""Thumbnails in squares that fill the width; a press on one is for its photo or for its tick."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import theme
from app.panels.photomodel import PhotoModel
from app.widgets import tiles
from app.widgets.panel import BAR_PX

CELL_PX = 46
"""Least width of a thumbnail with its gap."""
HALF_GAP_PX = 3


class PhotoGrid(QListView):
    """The tiles of a `PhotoModel`."""

    activated_row = Signal(int)
    ticked_row = Signal(int)
    """The tick of a photo without camera is to change."""

    def __init__(self, model: PhotoModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.photos = model
        self.current_view: int | None = None
        """Ticks cannot be changed."""
        self._pressed = QPointF()
        self.setModel(model)
        self.setItemDelegate(_Tile(model, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.clicked.connect(self._clicked)

    def box(self, index: QModelIndex | QPersistentModelIndex) -> QRectF:
        """Where the picture of a row is, in pixels of the viewport."""
        gap = HALF_GAP_PX
        return QRectF(self.visualRect(index)).adjusted(gap, gap, -gap, -gap)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep in mind where it was: the tick is only a corner of the tile."""
        self._pressed = event.position()
        super().mousePressEvent(event)

    def _clicked(self, index: QModelIndex) -> None:
        on_tick = tiles.tick_reach(self.box(index)).contains(self._pressed)
        if on_tick and self.photos.is_unposed:
            self.ticked_row.emit(index.row())
        else:
            self.activated_row.emit(index.row())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many squares in a row as have room, and no gap at the right."""
        room = self.width() - BAR_PX - 1
        columns = max(1, room // CELL_PX)
        self.setGridSize(QSize(room // columns, room // columns))
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes to the photo; Space changes its tick, or goes there too if it has none."""
        row = self.currentIndex().row()
        if event.key() == Qt.Key.Key_Space and self.photos.is_unposed:
            if row >= 0:
                self.ticked_row.emit(row)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if row >= 0:
                self.activated_row.emit(row)
        else:
            super().keyPressEvent(event)


class _Tile(QStyledItemDelegate):
    """Paints one thumbnail."""

    def __init__(self, model: PhotoModel, grid: PhotoGrid) -> None:
        super().__init__(grid)
        self.model, self.grid = model, grid

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex) -> QSize:
        return self.grid.gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        model = self.model
        view = model.order[index.row()]
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        gap = HALF_GAP_PX
        box = QRectF(option.rect).adjusted(gap, gap, -gap, -gap)
        painter.setClipPath(tiles.rounded(box))
        tiles.paint_picture(
            painter,
            box,
            model.thumbnails.get(view),
            broken=bool(model.thumbnails.error(view)),
            left_out=model.is_left_out(view),
        )
        psnr = model.psnr(view)
        if psnr is not None:
            tiles.paint_bar(painter, box, psnr)
        placed = model.placed(view)
        # As long as none has a place, a veil over all of them would tell nothing.
        if placed is False and model.registered:
            tiles.paint_veil(painter, box)
        painter.setClipping(False)
        if view in model.held_out:
            tiles.paint_dot(painter, box, theme.DARK.split)
        if placed is not None:
            colour = theme.DARK.good if placed else "#ffffff"
            tiles.paint_dot(painter, box, colour, hollow=not placed)
        under_mouse = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus) and self.grid.hasFocus()
        if model.is_unposed:
            hot = under_mouse or focused
            tiles.paint_tick(painter, box, ticked=not model.is_left_out(view), hot=hot)
        current = view == self.grid.current_view
        tiles.paint_frame(painter, box, current=current, hot=under_mouse or focused)
        painter.restore()
