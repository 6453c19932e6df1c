"""The table of a ray: hundreds of rows of which only those in sight are ever put into words."""

from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app import theme
from app.panels.raypicture import Column

ROW_PX = 22
CHIP_PX = 9
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


class RayModel(QAbstractTableModel):
    """Columns of a ray; the rows may stand in another order than along it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = ()
        self.order = np.empty(0, np.intp)
        """[m] what stands in each row, counted along the ray."""
        self._colours = np.empty((0, 3))
        self._sorting = (0, Qt.SortOrder.AscendingOrder)

    def show_columns(self, columns: tuple[Column, ...], colours: np.ndarray) -> None:
        """Show `columns` of m rows each, with a chip of `colours` [m, 3] in the first."""
        self.beginResetModel()
        self.columns = columns
        self._colours = (np.clip(np.nan_to_num(colours), 0, 1) * 255 + 0.5).astype(np.uint8)
        self.order = self._sorted()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Things along the ray."""
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Figures of each."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Words, the colour chip and how they stand."""
        if not index.isValid():
            return None
        item = int(self.order[index.row()])
        if role == Role.DisplayRole:
            return self.columns[index.column()].words(item)
        if role == Role.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Role.DecorationRole and index.column() == 0:
            return QColor(*self._colours[item].tolist())
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        """Titles and what they mean."""
        if orientation is not Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        if role == Role.DisplayRole:
            return self.columns[section].title
        if role == Role.ToolTipRole:
            return self.columns[section].tip
        if role == Role.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the rows by a column; what is equal stays as along the ray."""
        self._sorting = (column, order)
        self.layoutAboutToBeChanged.emit()
        kept = [(index, int(self.order[index.row()])) for index in self.persistentIndexList()]
        self.order = self._sorted()
        rows = np.argsort(self.order)
        for index, item in kept:
            self.changePersistentIndex(index, self.index(int(rows[item]), index.column()))
        self.layoutChanged.emit()

    def row_of(self, item: int) -> int:
        """The row in which the thing number `item` along the ray stands."""
        return int(np.flatnonzero(self.order == item)[0])

    def _sorted(self) -> np.ndarray:
        if not self.columns:
            return np.empty(0, np.intp)
        column, order = self._sorting
        values = self.columns[min(column, len(self.columns) - 1)].values
        descending = order is Qt.SortOrder.DescendingOrder
        return np.argsort(-values if descending else values, kind="stable")


class RayTable(QTableView):
    """Tells what is pointed at: the row the mouse was last moved over, or that was chosen since."""

    pointed = Signal(int)
    """Which of the things along the ray, -1 for none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RayModel(self)
        self._hovered = -1
        self.setModel(self.rows)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setIconSize(QSize(CHIP_PX, CHIP_PX))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("What made the pixel")
        self.setMinimumHeight(3 * ROW_PX)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.verticalHeader().setMinimumSectionSize(ROW_PX)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(24)
        self.setSortingEnabled(True)
        head.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        self.selectionModel().currentRowChanged.connect(self._chosen)
        theme.follow(self._restyle)

    def show_columns(
        self, columns: tuple[Column, ...], colours: np.ndarray, *, chosen: int = -1
    ) -> None:
        """Show these; `chosen` is the thing along the ray that is selected, -1 for none."""
        titles = [column.title for column in self.rows.columns]
        self._hovered = -1
        bar = self.verticalScrollBar().value()
        self.rows.show_columns(columns, colours)
        if titles != [column.title for column in columns]:
            for i, column in enumerate(columns):
                self.setColumnWidth(i, column.width)
        self.verticalScrollBar().setValue(bar)
        if chosen >= 0:
            self.choose(chosen, scroll=False)

    @property
    def chosen(self) -> int:
        """The selected thing along the ray, -1 for none."""
        row = self.currentIndex().row()
        return int(self.rows.order[row]) if row >= 0 else -1

    def choose(self, item: int, *, scroll: bool = True) -> None:
        """Select the thing number `item` along the ray."""
        index = self.rows.index(self.rows.row_of(item), max(0, self.currentIndex().column()))
        auto = self.hasAutoScroll()
        self.setAutoScroll(False)
        self.setCurrentIndex(index)
        self.setAutoScroll(auto)
        if scroll:
            self.scrollTo(index)

    @property
    def pointed_at(self) -> int:
        """The thing that was pointed at last, else the selected one, else -1."""
        if 0 <= self._hovered < len(self.rows.order):
            return int(self.rows.order[self._hovered])
        return self.chosen

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at what the mouse is moved over; rows that scroll under it do not count."""
        super().mouseMoveEvent(event)
        self._hover(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self._tell()

    def _chosen(self) -> None:
        self._hovered = -1
        self._tell()

    def _tell(self) -> None:
        self.pointed.emit(self.pointed_at)

    def _restyle(self) -> None:
        self.setFont(theme.font(12))
        self.horizontalHeader().setFont(theme.font(11))
