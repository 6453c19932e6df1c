"""The photos at a glance: which are used or held out, have a place, are well explained."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import theme
from app.panels.photogrid import HALF_GAP_PX, PhotoGrid
from app.panels.photomodel import PhotoModel
from app.panels.thumbnails import Thumbnails
from app.widgets.figures import count
from app.widgets.panel import MARGIN, Panel, note
from app.widgets.tools import quiet_button
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos

EMPTY = "Photos of an opened data set are shown here"


class PhotoStrip(Panel):
    """Thumbnails in a grid; a click or Enter on one activates its view.

    Photos without cameras have a tick besides: what is not ticked is left out. Their marks
    tell which of them have a place by now.
    """

    view_activated = Signal(int)
    """Index into the views of the data set."""
    coloured = Signal(object)
    """PSNR in dB by name, by which cameras are to be coloured; None for not at all."""
    left_out_changed = Signal(object)
    """A person changed a tick: frozenset of the names of all photos that are left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Photos", parent)
        self.thumbnails = Thumbnails(self)
        self.model = PhotoModel(self.thumbnails, self)
        self.grid = PhotoGrid(self.model)
        self.grid.setAccessibleName("Photos")
        self.grid.activated_row.connect(self._activate)
        self.grid.ticked_row.connect(self._tick)
        self.thumbnails.loaded.connect(self._arrived)
        self.sort = quiet_button("", "Worst first", checkable=True)
        self.sort.toggled.connect(self._sort)
        self.colour = quiet_button("", "Colour cameras by the error of their photo", checkable=True)
        self.colour.toggled.connect(self._colour)
        self.header.row.addWidget(self.colour)
        self.header.row.addWidget(self.sort)
        self.empty = note(EMPTY)
        self.body.setContentsMargins(MARGIN - HALF_GAP_PX, 0, 0, MARGIN)
        self.empty.setContentsMargins(HALF_GAP_PX, 0, MARGIN, 0)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.grid, 1)
        self.body.addStretch(0)
        theme.follow(self._recolour)
        self.clear()

    # -- what it shows -----------------------------------------------------------------------

    def show_dataset(self, dataset: PosedPhotos, held_out: set[int]) -> None:
        """Show the views of `dataset`; `held_out` holds indices of those not trained on."""
        self._show(dataset)
        self.model.held_out = set(held_out)
        self._refresh()

    def show_photos(self, photos: UnposedPhotos) -> None:
        """Show photos without cameras, with a tick on each that is not left out."""
        self._show(photos)
        self.model.left_out = photos.left_out
        self._refresh()

    def show_found(self, photos: UnposedPhotos, placed: frozenset[str], held_out: set[str]) -> None:
        """Show photos whose cameras were found: ticks stay, names in `placed` are learnt from.

        Those in `held_out` are only used to judge.
        """
        self.show_photos(photos)
        views = photos.views
        self.model.registered = placed
        self.model.held_out = {i for i, shot in enumerate(views) if shot.name in held_out}
        self._refresh()

    def set_left_out(self, names: Iterable[str]) -> None:
        """Leave out exactly these of the photos without cameras; no signal is sent."""
        self.model.left_out = frozenset(names)
        self._refresh()

    def set_registered(self, names: frozenset[str] | None) -> None:
        """Mark which photos without cameras have a place so far; None takes the marks away.

        Views of a data set all have a place and are never marked.
        """
        self.model.registered = names
        self._refresh()

    def set_errors(self, errors: Mapping[str, float]) -> None:
        """Take PSNR in dB by view name; views not named keep what was known."""
        self.model.errors.update(errors)
        self.sort.setVisible(True)
        self.sort.setEnabled(bool(self.model.errors))
        if self.model.by_error:
            self.model.reorder()
        self._settle_colour()
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
        """Show no photos."""
        self._show(None)
        self._refresh()

    def _show(self, shown: PosedPhotos | UnposedPhotos | None) -> None:
        model = self.model
        if shown is None or shown.views is not model.views:
            self.thumbnails.show_views(shown.views if shown is not None else ())
            model.errors, model.registered = {}, None
            self.grid.current_view = None
        model.shown, model.held_out, model.left_out = shown, set(), frozenset()

    def _refresh(self) -> None:
        model = self.model
        self.sort.setEnabled(bool(model.errors))
        model.reorder()
        self.header.set_value(self._summary())
        empty = model.shown is None
        self.empty.setVisible(empty)
        self.grid.setVisible(not empty)
        self.sort.setVisible(model.dataset is not None or bool(model.errors))
        self._settle_colour()
        self.grid.viewport().update()

    def _summary(self) -> str:
        model = self.model
        total = len(model.views)
        if model.shown is None:
            return ""
        held = f", {count(len(model.held_out))} held out" if model.held_out else ""
        if not model.is_unposed:
            return f"{count(total)} posed{held}"
        if model.registered is not None:
            placed = sum(bool(model.placed(view)) for view in range(total))
            share = "" if placed == model.kept and held else f" of {count(model.kept)}"
            return f"{count(placed)}{share}" + (held if share and held else f" placed{held}")
        out = total - model.kept
        words = f"{count(total)} photo{'s' * (total != 1)}"
        return words + (f", {count(out)} left out" if out else "")

    # -- what a person does ------------------------------------------------------------------

    def _activate(self, row: int) -> None:
        view = self.model.order[row]
        self.set_current(view)
        self.view_activated.emit(view)

    def _tick(self, row: int) -> None:
        name = self.model.views[self.model.order[row]].name
        self.set_left_out(self.model.left_out ^ {name})
        self.left_out_changed.emit(self.model.left_out)

    def _arrived(self, view: int) -> None:
        if view in self.model.order:
            self.grid.update(self.model.index(self.model.order.index(view)))

    def _sort(self, by_error: bool) -> None:
        self.model.by_error = by_error
        self.sort.setToolTip("By name" if by_error else "Worst first")
        self.model.reorder()

    def _settle_colour(self) -> None:
        self.colour.setVisible(self.sort.isVisibleTo(self.header))
        self.colour.setEnabled(bool(self.model.errors))
        self._colour(self.colour.isChecked())

    def _colour(self, on: bool) -> None:
        self.coloured.emit(dict(self.model.errors) if on and self.model.errors else None)

    def _recolour(self) -> None:
        self.sort.setIcon(theme.icon("mdi6.sort"))
        self.colour.setIcon(theme.icon("mdi6.palette-outline"))
        self.grid.viewport().update()
