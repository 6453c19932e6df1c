"""The photos of the strip: what is known of each, and in which order they are shown."""

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from app.panels.thumbnails import Thumbnails
from assets.posed import PosedPhotos, View
from assets.unposed import Shot, UnposedPhotos


class PhotoModel(QAbstractListModel):
    """The views of a data set, or photos without cameras, in the order in which they are shown."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = thumbnails
        self.shown: PosedPhotos | UnposedPhotos | None = None
        self.held_out: set[int] = set()
        self.errors: dict[str, float] = {}
        self.left_out: frozenset[str] = frozenset()
        """Names of photos without cameras that are not to be used."""
        self.registered: frozenset[str] | None = None
        """Names of photos that have a place so far; None while nobody looks for places."""
        self.order: list[int] = []
        """View index by row."""
        self.by_error = False

    @property
    def dataset(self) -> PosedPhotos | None:
        """What is shown, if its cameras are known."""
        return self.shown if isinstance(self.shown, PosedPhotos) else None

    @property
    def is_unposed(self) -> bool:
        """Photos without cameras are shown: they have ticks, and marks once they are placed."""
        return isinstance(self.shown, UnposedPhotos)

    @property
    def views(self) -> tuple[View, ...] | tuple[Shot, ...]:
        """What is shown; its indices are those of all signals."""
        return self.shown.views if self.shown is not None else ()

    @property
    def kept(self) -> int:
        """How many photos are to be used."""
        return sum(view.name not in self.left_out for view in self.views)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """One row a view."""
        return 0 if parent.isValid() else len(self.order)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> object:
        """Tooltip, accessible text and tick; the delegate asks for the rest by itself."""
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(self.order[index.row()])
        if role == Qt.ItemDataRole.CheckStateRole and self.is_unposed:
            out = self.is_left_out(self.order[index.row()])
            return Qt.CheckState.Unchecked if out else Qt.CheckState.Checked
        return None

    def words(self, view: int) -> str:
        """What there is to say on a view."""
        one = self.views[view]
        facts = [f"{one.photo.width} × {one.photo.height}"]
        if view in self.held_out:
            facts.append("held out")
        if self.is_left_out(view):
            facts.append("left out")
        elif (placed := self.placed(view)) is not None:
            facts.append("placed" if placed else "no place yet")
        if one.name in self.errors:
            facts.append(f"{self.errors[one.name]:.1f} dB")
        lines = [one.name, ", ".join(facts), self.thumbnails.error(view)]
        return "\n".join(line for line in lines if line)

    def psnr(self, view: int) -> float | None:
        """PSNR of a view in dB if it is known."""
        return self.errors.get(self.views[view].name)

    def is_left_out(self, view: int) -> bool:
        """Whether a photo without camera is not to be used."""
        return self.is_unposed and self.views[view].name in self.left_out

    def placed(self, view: int) -> bool | None:
        """Whether a photo has a place by now; None where that is no question."""
        if not self.is_unposed or self.registered is None or self.is_left_out(view):
            return None
        return self.views[view].name in self.registered

    def reorder(self) -> None:
        """Sort by name, or the worst first and what is not known last."""
        views = self.views
        order = sorted(range(len(views)), key=lambda i: views[i].name)
        if self.by_error:
            order.sort(key=lambda i: self.errors.get(views[i].name, float("inf")))
        if order != self.order:
            self.beginResetModel()
            self.order = order
            self.endResetModel()
