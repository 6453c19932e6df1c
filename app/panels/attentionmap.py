"""Where a patch of the image looks, on top of the image; or at which words, and from where."""

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.attentionbars import WordBars
from app.widgets.figures import percent
from app.widgets.heat import laid_over
from app.widgets.panel import note
from app.widgets.pixels import PixelPicture

if TYPE_CHECKING:
    from torch import Tensor

    from engines.diffusion.looking import Shares

HINT = "Bright where it looks most. Point at a patch; a click keeps it"
WORDS_HINT = "Point at a patch for its words; click a word for its map"


class QueryMap(QWidget):
    """The map of the patch under the mouse, else of the one that was clicked, else of all.

    Where words are looked at, bars show how much, and on the image lies the map of a word. Where
    both are, the image shows places until a word is chosen.
    """

    queried = Signal(int)
    """The patch whose map is shown, -1 for the mean over all."""
    kept = Signal(int)
    """The patch that a click keeps, -1 for none."""
    word_chosen = Signal(int)
    """The word whose map is shown, -1 for none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PixelPicture(most_px=340)
        self.picture.setMouseTracking(True)
        self.picture.setAccessibleName("Where a patch looks")
        self.words = note(HINT)
        # What is below does not move while the mouse goes over the map.
        self.words.setMinimumHeight(3 * self.words.fontMetrics().height())
        self.bars = WordBars()
        self.pinned = self._under_mouse = self.word = -1
        self.values: np.ndarray | None = None
        """[rows, columns] of what is shown on the image, None for nothing."""
        self._pixels: np.ndarray | None = None
        self._shares: Shares | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.picture, self.bars, self.words):
            column.addWidget(widget)
        self.picture.hovered.connect(self._hover)
        self.picture.left.connect(self._leave)
        self.picture.clicked.connect(self._click)
        self.bars.picked.connect(self.choose_word)

    @property
    def query(self) -> int:
        """The patch whose map is shown, -1 for the mean over all."""
        return self._under_mouse if self._under_mouse >= 0 else self.pinned

    @property
    def of_what(self) -> str:
        """Whose map is shown, for people."""
        if self._shares is None:
            return "Not recorded"
        if (keys := self._shares.keys) is not None and self.word >= 0:
            return f"Word {keys[self.word]}"
        if self._shares.to_places is None:
            return "Sample"
        if self.query < 0:
            return "Mean of all patches"
        row, column = divmod(self.query, self._shares.grid[1])
        return f"Patch in row {row + 1}, column {column + 1}"

    def show_shares(self, pixels: np.ndarray | None, shares: "Shares | None") -> None:
        """Show `shares` on an image [h, w, c] uint8; the patch stays the same if there is one."""
        if shares is None or (self._shares is not None and shares.grid != self._shares.grid):
            self.forget()
        before = None if self._shares is None else self._shares.keys
        self._pixels, self._shares = pixels, shares
        if self.word >= 0 and (shares is None or shares.keys != before):
            self.choose_word(-1)
        else:
            self._refresh()

    def choose_word(self, word: int) -> None:
        """Show the map of this word, or that of none if it is shown already."""
        self.word = -1 if word == self.word else word
        self._refresh()
        self.word_chosen.emit(self.word)

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
        self.bars.setVisible(shares is not None and shares.keys is not None)
        if pixels is None or shares is None:
            self.values = None
            self.picture.show_pixels(pixels)
            self.picture.mark(None)
            self.words.setText(HINT if pixels is None else "This was not recorded")
            return
        self.picture.cells, self.values = shares.grid, None
        if shares.keys is None:
            at, hint = self._show_places(pixels, shares), HINT
        elif shares.to_places is None:
            self.picture.show_pixels(pixels)
            at, hint = self._show_words(pixels, shares, shares.keys)
        else:
            place = self._show_places(pixels, shares)
            word, hint = self._show_words(pixels, shares, shares.keys)
            at = f"{place}; {self._at_words(shares)} go to words, most to {word}"
        self._say(at, hint)
        self.picture.mark(divmod(query, shares.grid[1]) if query >= 0 else None)

    def _show_places(self, pixels: np.ndarray, shares: "Shares") -> str:
        """The map of places on the image; the place that is looked at most, for people."""
        assert shares.to_places is not None
        flat = self._asked(shares.to_places)
        self.values = flat.reshape(shares.grid).numpy()
        self.picture.show_pixels(laid_over(pixels, self.values))
        at = _place(int(self.values.argmax()), shares.grid[1])
        return f"{at} ({percent(float(flat.max()), self._whole(shares))})"

    def _show_words(
        self, pixels: np.ndarray, shares: "Shares", keys: tuple[str | None, ...]
    ) -> tuple[str, str]:
        """Bars, and the map of a word if one is chosen; the word that is looked at most, a hint."""
        assert shares.to_words is not None
        words = [key for key in keys if key is not None]
        told = self._asked(shares.to_words)[: len(words)].numpy()
        self.bars.show_values(words, told, self.word)
        most, hint = int(told.argmax()), WORDS_HINT
        if self.word >= 0:
            self.values = shares.to_words[:, self.word].reshape(shares.grid).numpy()
            self.picture.show_pixels(laid_over(pixels, self.values))
            at = _place(int(self.values.argmax()), shares.grid[1])
            share = percent(float(self.values.max()), 1.0)
            hint = f"“{keys[self.word]}” is looked at most by {at} ({share})"
        return f"“{words[most]}” ({percent(float(told[most]), 1.0)})", hint

    def _asked(self, values: "Tensor") -> "Tensor":
        """[keys] of [places, keys]: those of the patch that is asked about, or the mean of all."""
        return values[self.query] if self.query >= 0 else values.mean(0)

    def _whole(self, shares: "Shares") -> float:
        """All that is looked at; more than 1 for the most of several heads."""
        return float(self._asked(shares.values[: math.prod(shares.grid)]).sum())

    def _at_words(self, shares: "Shares") -> str:
        assert shares.to_words is not None
        return percent(float(self._asked(shares.to_words).sum()), self._whole(shares))

    def _say(self, at: str, hint: str) -> None:
        """What is looked at most, by whom; `hint` where a patch is not all that is asked about."""
        assert self._shares is not None
        if self.query < 0:
            self.words.setText(f"All look most at {at}\n{hint}")
            return
        kept = ", kept," if self.query == self.pinned else ""
        place = _place(self.query, self._shares.grid[1]).capitalize()
        below = f"\n{hint}" if self.word >= 0 else ""
        self.words.setText(f"{place}{kept} looks most at {at}{below}")


def _place(patch: int, columns: int) -> str:
    row, column = divmod(patch, columns)
    return f"row {row + 1}, column {column + 1}"
