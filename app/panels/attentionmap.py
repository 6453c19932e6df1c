"""Where a patch of the image looks, on top of the image."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.figures import percent
from app.widgets.heat import laid_over
from app.widgets.panel import note
from app.widgets.pixels import PixelPicture

if TYPE_CHECKING:
    from engines.diffusion.looking import Shares

HINT = "Point at a patch; a click keeps it"


class QueryMap(QWidget):
    """The map of the patch under the mouse, else of the one that was clicked, else of all."""

    queried = Signal(int)
    """The patch whose map is shown, -1 for the mean over all."""
    kept = Signal(int)
    """The patch that a click keeps, -1 for none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PixelPicture(most_px=340)
        self.picture.setMouseTracking(True)
        self.picture.setAccessibleName("Where a patch looks")
        self.picture.setToolTip("Dark where it looks least, bright where it looks most")
        self.words = note(HINT)
        self.words.setMinimumHeight(2 * self.words.fontMetrics().height())
        self.pinned = self._under_mouse = -1
        self.values: np.ndarray | None = None
        """[rows, columns] of what is shown on the image."""
        self._pixels: np.ndarray | None = None
        self._shares: Shares | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.picture)
        column.addWidget(self.words)
        self.picture.hovered.connect(self._hover)
        self.picture.left.connect(self._leave)
        self.picture.clicked.connect(self._click)

    @property
    def query(self) -> int:
        """The patch whose map is shown, -1 for the mean over all."""
        return self._under_mouse if self._under_mouse >= 0 else self.pinned

    @property
    def of_what(self) -> str:
        """Whose map is shown, for people."""
        if self._shares is None:
            return "Not recorded"
        if self.query < 0:
            return "Mean of all patches"
        row, column = divmod(self.query, self._shares.grid[1])
        return f"Patch in row {row + 1}, column {column + 1}"

    def show_shares(self, pixels: np.ndarray | None, shares: "Shares | None") -> None:
        """Show `shares` on an image [h, w, c] uint8; the patch stays the same if there is one."""
        if shares is None or (self._shares is not None and shares.grid != self._shares.grid):
            self.forget()
        self._pixels, self._shares = pixels, shares
        self._refresh()

    def forget(self) -> None:
        """Keep no patch."""
        self._under_mouse = -1
        if self.pinned >= 0:
            self.pinned = -1
            self.kept.emit(-1)

    def _hover(self, row: int, column: int) -> None:
        if self._shares is not None:
            self._query(row * self._shares.grid[1] + column)

    def _leave(self) -> None:
        self._query(-1)

    def _query(self, query: int) -> None:
        if query != self._under_mouse:
            self._under_mouse = query
            self._refresh()
            self.queried.emit(self.query)

    def _click(self, row: int, column: int) -> None:
        if self._shares is None:
            return
        query = row * self._shares.grid[1] + column
        self.pinned = -1 if query == self.pinned else query
        self.kept.emit(self.pinned)
        self._refresh()

    def _refresh(self) -> None:
        pixels, shares, query = self._pixels, self._shares, self.query
        if pixels is None or shares is None:
            self.values = None
            self.picture.show_pixels(pixels)
            self.picture.mark(None)
            self.words.setText(HINT if pixels is None else "This was not recorded")
            return
        rows, columns = self.picture.cells = shares.grid
        flat = shares.values[query] if query >= 0 else shares.values.mean(0)
        self.values = flat.reshape(rows, columns).numpy()
        self.picture.show_pixels(laid_over(pixels, self.values))
        self.picture.mark(divmod(query, columns) if query >= 0 else None)
        most = divmod(int(self.values.argmax()), columns)
        total = float(self.values.sum())
        at = f"row {most[0] + 1}, column {most[1] + 1} ({percent(float(self.values.max()), total)})"
        if query < 0:
            self.words.setText(f"All look most at {at}\n{HINT}")
        else:
            row, column = divmod(query, columns)
            kept = ", kept," if query == self.pinned else ""
            self.words.setText(f"Row {row + 1}, column {column + 1}{kept} looks most at {at}")
