"""A few photos that a sentence is about, each with a tick that leaves it out."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app import theme
from app.panels.thumbnails import Thumbnails
from app.widgets import tiles
from app.widgets.figures import count
from assets.unposed import Shot, UnposedPhotos

LEAST_PX = 46
"""Least side of a tile."""
WIDEST_PX = 56
GAP_PX = 5
FEW = 8
"""Tiles that are shown before somebody asks for more."""


class Pictures:
    """The photos of a set by name, with thumbnails that are read when they are first shown."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self.thumbnails = thumbnails
        self._views: tuple[Shot, ...] = ()
        self._places: dict[str, int] = {}

    def show_photos(self, photos: UnposedPhotos | None) -> None:
        """Take pictures from these photos from now on."""
        views = photos.views if photos is not None else ()
        if views is not self._views:
            self._views = views
            self._places = {shot.name: i for i, shot in enumerate(views)}
            self.thumbnails.show_views(views)

    def get(self, name: str) -> QPixmap | None:
        """The thumbnail of a photo; None while it is read, or where there is none."""
        place = self._places.get(name)
        return None if place is None else self.thumbnails.get(place)

    def error(self, name: str) -> str:
        """Why there is no thumbnail, or nothing."""
        place = self._places.get(name)
        return "There is no such photo" if place is None else self.thumbnails.error(place)

    def name(self, index: int) -> str:
        """The photo whose thumbnail arrived."""
        return self._views[index].name


class PhotoTile(QAbstractButton):
    """One photo; ticked means used. The corner or Space changes the tick, the rest activates."""

    activated = Signal(str)
    ticked = Signal(str)
    """The tick is to change; whoever owns the set of photos decides."""

    def __init__(self, name: str, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name, self._pictures = name, pictures
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(name)
        self.describe()
        theme.follow(self.update)

    def set_used(self, used: bool) -> None:
        """Tick or untick without telling."""
        self.setChecked(used)
        self.describe()

    def describe(self) -> None:
        """Say name, state and what is wrong with the file."""
        lines = [self.name, "" if self.isChecked() else "left out", self._pictures.error(self.name)]
        self.setToolTip("\n".join(line for line in lines if line))

    def nextCheckState(self) -> None:
        """The owner ticks."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The corner is the tick."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if tiles.tick_reach(QRectF(self.rect())).contains(event.position()):
            self.ticked.emit(self.name)
        else:
            self.activated.emit(self.name)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """All is done when it is pressed."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space ticks, Enter activates."""
        if event.key() == Qt.Key.Key_Space:
            self.ticked.emit(self.name)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit(self.name)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The photo, its tick, a frame under mouse and keyboard."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setClipPath(tiles.rounded(box))
        pixmap, error = self._pictures.get(self.name), self._pictures.error(self.name)
        tiles.paint_picture(painter, box, pixmap, broken=bool(error), left_out=not self.isChecked())
        painter.setClipping(False)
        hot = self.underMouse() or self.hasFocus()
        tiles.paint_tick(painter, box, ticked=self.isChecked(), hot=hot)
        tiles.paint_frame(painter, box, current=self.hasFocus(), hot=hot)


class _More(QAbstractButton):
    """The last cell: shows the rest, or hides it again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.follow(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Words on a quiet ground."""
        colours, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        hot = self.underMouse() or self.hasFocus()
        painter.fillPath(tiles.rounded(box), theme.colour(colours.hover if hot else colours.field))
        tiles.paint_frame(painter, box, current=self.hasFocus(), hot=False)
        painter.setFont(theme.font(12))
        painter.setPen(theme.colour(colours.text if hot else colours.label))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.text())


class PhotoFlow(QWidget):
    """Tiles in rows, eight at first."""

    photo_activated = Signal(str)
    photo_ticked = Signal(str)

    def __init__(
        self, names: Sequence[str], pictures: Pictures, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._names, self._pictures = tuple(names), pictures
        self._left_out: frozenset[str] = frozenset()
        self.tiles: dict[str, PhotoTile] = {}
        """The tiles that exist; all are shown."""
        self.more = _More(self)
        self.more.clicked.connect(lambda: self.set_expanded(not self.is_expanded))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.is_expanded = False
        self.set_expanded(False)

    def set_expanded(self, expanded: bool) -> None:
        """Show all photos, or only the first few."""
        self.is_expanded = expanded
        hidden = 0 if expanded or len(self._names) <= FEW else len(self._names) - FEW + 1
        shown = self._names[: len(self._names) - hidden]
        for name in list(self.tiles):
            if name not in shown:
                tile = self.tiles.pop(name)
                tile.hide()
                tile.deleteLater()
        for name in shown:
            if name not in self.tiles:
                self.tiles[name] = self._make(name)
        self.more.setVisible(len(self._names) > FEW)
        self.more.setText("Fewer" if expanded else f"+{count(hidden)}\nmore")
        words = "Show fewer photos" if expanded else f"Show {count(hidden)} more photos"
        self.more.setToolTip(words)
        self.more.setAccessibleName(words)
        self._arrange()
        self.updateGeometry()

    def set_left_out(self, names: Iterable[str]) -> None:
        """Untick exactly these."""
        self._left_out = frozenset(names)
        for name, tile in self.tiles.items():
            tile.set_used(name not in self._left_out)

    def arrived(self, name: str) -> None:
        """Paint the tile of a photo whose picture is there now."""
        if name in self.tiles:
            self.tiles[name].describe()
            self.tiles[name].update()

    def _make(self, name: str) -> PhotoTile:
        tile = PhotoTile(name, self._pictures, self)
        tile.set_used(name not in self._left_out)
        tile.activated.connect(self.photo_activated)
        tile.ticked.connect(self.photo_ticked)
        tile.show()
        return tile

    # -- where they are ----------------------------------------------------------------------

    def hasHeightForWidth(self) -> bool:
        """More rows in a narrow panel."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Room for all rows."""
        columns, side = self._grid(width)
        cells = len(self.tiles) + self._has_more
        rows = -(-cells // columns)
        return rows * (side + GAP_PX) - GAP_PX if rows else 0

    def sizeHint(self) -> QSize:
        """Four in a row."""
        width = 4 * (LEAST_PX + GAP_PX)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """One column at least; the height is asked for by width."""
        return QSize(LEAST_PX, LEAST_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the tiles where they belong."""
        super().resizeEvent(event)
        self._arrange()

    @property
    def _has_more(self) -> bool:
        return len(self._names) > FEW

    def _grid(self, width: int) -> tuple[int, int]:
        columns = max(1, (width + GAP_PX) // (LEAST_PX + GAP_PX))
        return columns, min(WIDEST_PX, (width + GAP_PX) // columns - GAP_PX)

    def _arrange(self) -> None:
        columns, side = self._grid(self.width())
        cells: list[QWidget] = list(self.tiles.values())
        if self._has_more:
            cells.append(self.more)
        for i, cell in enumerate(cells):
            row, column = divmod(i, columns)
            corner = QPointF(column, row) * (side + GAP_PX)
            cell.setGeometry(int(corner.x()), int(corner.y()), side, side)

    def changeEvent(self, event: QEvent) -> None:
        """Another type size or look may want another height."""
        super().changeEvent(event)
        self.updateGeometry()
