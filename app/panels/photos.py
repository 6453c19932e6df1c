"""The photos of a data set at a glance: which are held out, which are well explained."""

from collections.abc import Mapping

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import theme
from app.panels.thumbnails import Thumbnails
from app.stylesheet import mix
from app.widgets.figures import count
from app.widgets.panel import BAR_PX, MARGIN, Panel, note
from app.widgets.tools import quiet_button
from assets.posed import PosedPhotos

CELL_PX = 46
"""Least width of a thumbnail with its gap."""
HALF_GAP_PX = 3
POOR_DB, GOOD_DB = 16.0, 30.0
"""PSNR at which the bar is red and short, and green and full."""
EMPTY = "Photos of an opened data set are shown here"


class PhotoModel(QAbstractListModel):
    """The views of a data set in the order in which they are shown."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = thumbnails
        self.dataset: PosedPhotos | None = None
        self.held_out: set[int] = set()
        self.errors: dict[str, float] = {}
        self.order: list[int] = []
        """View index by row."""
        self.by_error = False

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """One row a view."""
        return 0 if parent.isValid() else len(self.order)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> object:
        """Tooltip and accessible text; the delegate asks for the rest by itself."""
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(self.order[index.row()])
        return None

    def words(self, view: int) -> str:
        """What there is to say on a view."""
        assert self.dataset is not None
        one = self.dataset.views[view]
        facts = [f"{one.photo.width} × {one.photo.height}"]
        if view in self.held_out:
            facts.append("held out")
        if one.name in self.errors:
            facts.append(f"{self.errors[one.name]:.1f} dB")
        lines = [one.name, ", ".join(facts), self.thumbnails.error(view)]
        return "\n".join(line for line in lines if line)

    def psnr(self, view: int) -> float | None:
        """PSNR of a view in dB if it is known."""
        assert self.dataset is not None
        return self.errors.get(self.dataset.views[view].name)

    def reorder(self) -> None:
        """Sort by name, or the worst first and what is not known last."""
        views = self.dataset.views if self.dataset else ()
        order = sorted(range(len(views)), key=lambda i: views[i].name)
        if self.by_error:
            order.sort(key=lambda i: self.errors.get(views[i].name, float("inf")))
        if order != self.order:
            self.beginResetModel()
            self.order = order
            self.endResetModel()


class _Tile(QStyledItemDelegate):
    """Paints one thumbnail."""

    def __init__(self, model: PhotoModel, grid: "_Grid") -> None:
        super().__init__(grid)
        self.model, self.grid = model, grid

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex) -> QSize:
        return self.grid.gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        colours = theme.current()
        view = self.model.order[index.row()]
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        box = QRectF(option.rect).adjusted(HALF_GAP_PX, HALF_GAP_PX, -HALF_GAP_PX, -HALF_GAP_PX)
        outline = QPainterPath()
        outline.addRoundedRect(box, 4, 4)
        painter.setClipPath(outline)
        self._paint_picture(painter, box, view)
        psnr = self.model.psnr(view)
        if psnr is not None:
            share = min(1.0, max(0.0, (psnr - POOR_DB) / (GOOD_DB - POOR_DB)))
            bar = QRectF(box.left(), box.bottom() - 4, box.width(), 4)
            painter.fillRect(bar, theme.colour("#000000", 0.45))
            bar.setWidth(max(4.0, share * box.width()))
            painter.fillRect(bar, theme.colour(quality_colour(share)))
        painter.setClipping(False)
        if view in self.model.held_out:
            painter.setPen(QPen(theme.colour("#000000", 0.4), 1))
            painter.setBrush(theme.colour(theme.DARK.split))
            painter.drawEllipse(QRectF(box.right() - 11, box.top() + 4, 7, 7))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        focused = option.state & QStyle.StateFlag.State_HasFocus and self.grid.hasFocus()
        if view == self.grid.current_view:
            painter.setPen(QPen(theme.colour(colours.mark), 2))
            painter.drawRoundedRect(box.adjusted(-0.5, -0.5, 0.5, 0.5), 4.5, 4.5)
        elif focused or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(theme.colour(colours.muted), 1))
            painter.drawRoundedRect(box, 4, 4)
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRectF, view: int) -> None:
        colours = theme.current()
        pixmap = self.model.thumbnails.get(view)
        if pixmap is not None:
            painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
            return
        painter.fillRect(box, theme.colour(colours.card))
        if self.model.thumbnails.error(view):
            side = int(min(box.width(), 22))
            place = QRect(0, 0, side, side)
            place.moveCenter(box.center().toPoint())
            theme.icon("mdi6.image-broken-variant", "error").paint(painter, place)


class _Grid(QListView):
    """Squares that fill the width."""

    activated_row = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.current_view: int | None = None
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.clicked.connect(self._clicked)

    def _clicked(self, index: QModelIndex) -> None:
        self.activated_row.emit(index.row())

    def resizeEvent(self, event: QResizeEvent) -> None:
        room = self.width() - BAR_PX - 1
        columns = max(1, room // CELL_PX)
        self.setGridSize(QSize(room // columns, room // columns))
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self.currentIndex().isValid():
                self.activated_row.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)


class PhotoStrip(Panel):
    """Thumbnails in a grid; a click or Enter on one activates its view."""

    view_activated = Signal(int)
    """Index into the views of the data set."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Photos", parent)
        self.thumbnails = Thumbnails(self)
        self.model = PhotoModel(self.thumbnails, self)
        self.grid = _Grid()
        self.grid.setAccessibleName("Photos")
        self.grid.setModel(self.model)
        self.grid.setItemDelegate(_Tile(self.model, self.grid))
        self.grid.activated_row.connect(self._activate)
        self.thumbnails.loaded.connect(self._arrived)
        self.sort = quiet_button("", "Worst first", checkable=True)
        self.sort.toggled.connect(self._sort)
        self.header.row.addWidget(self.sort)
        self.empty = note(EMPTY)
        self.body.setContentsMargins(MARGIN - HALF_GAP_PX, 0, 0, MARGIN)
        self.empty.setContentsMargins(HALF_GAP_PX, 0, MARGIN, 0)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.grid, 1)
        self.body.addStretch(0)
        theme.follow(self._recolour)
        self.clear()

    def show_dataset(self, dataset: PosedPhotos, held_out: set[int]) -> None:
        """Show the views of `dataset`; `held_out` holds indices of those not trained on."""
        model = self.model
        if dataset is not model.dataset:
            self.thumbnails.show_views(dataset.views)
            model.errors = {}
            self.grid.current_view = None
        model.dataset, model.held_out = dataset, set(held_out)
        self.sort.setEnabled(bool(model.errors))
        model.reorder()
        kept = f", {count(len(held_out))} held out" if held_out else ""
        self.header.set_value(f"{count(len(dataset.views))} posed{kept}")
        self._set_empty(False)
        self.grid.viewport().update()

    def set_errors(self, errors: Mapping[str, float]) -> None:
        """Take PSNR in dB by view name; views not named keep what was known."""
        self.model.errors.update(errors)
        self.sort.setEnabled(bool(self.model.errors))
        if self.model.by_error:
            self.model.reorder()
        self.grid.viewport().update()

    def set_current(self, view: int | None) -> None:
        """Frame a view, or none, and bring it in sight."""
        self.grid.current_view = view
        if view is not None and view in self.model.order:
            index = self.model.index(self.model.order.index(view))
            self.grid.setCurrentIndex(index)
            self.grid.scrollTo(index)
        self.grid.viewport().update()

    def clear(self) -> None:
        """Show no data set."""
        self.thumbnails.show_views(())
        self.model.dataset, self.model.held_out, self.model.errors = None, set(), {}
        self.model.reorder()
        self.grid.current_view = None
        self.header.set_value("")
        self.sort.setEnabled(False)
        self._set_empty(True)

    def _set_empty(self, empty: bool) -> None:
        self.empty.setVisible(empty)
        self.grid.setVisible(not empty)
        self.sort.setVisible(not empty)

    def _activate(self, row: int) -> None:
        view = self.model.order[row]
        self.set_current(view)
        self.view_activated.emit(view)

    def _arrived(self, view: int) -> None:
        if view in self.model.order:
            self.grid.update(self.model.index(self.model.order.index(view)))

    def _sort(self, by_error: bool) -> None:
        self.model.by_error = by_error
        self.sort.setToolTip("By name" if by_error else "Worst first")
        self.model.reorder()

    def _recolour(self) -> None:
        self.sort.setIcon(theme.icon("mdi6.sort"))
        self.grid.viewport().update()


def quality_colour(share: float) -> str:
    """Red at 0, amber at a half, green at 1; of the dark theme, as photos are no ground."""
    poor, fair, good = theme.DARK.prune, theme.DARK.accent, theme.DARK.good
    if share < 0.5:
        return mix(poor, fair, 2 * share)
    return mix(fair, good, 2 * share - 1)
