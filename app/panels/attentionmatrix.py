"""The matrix of one head in the three stages it goes through, every number readable."""

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.attentioncolumns import WordColumns
from app.widgets.figures import number
from app.widgets.heat import heat
from app.widgets.panel import note
from app.widgets.pixels import PixelPicture
from app.widgets.segmented import Segmented

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engines.diffusion.capture import Stage
    from engines.diffusion.looking import Shares

STAGES: "Mapping[Stage, str]" = {
    "scores": "Scores",
    "masked": "Scaled, masked",
    "softmax": "Softmax",
}
HELP: "Mapping[Stage, str]" = {
    "scores": "q·k of every query with every key",
    "masked": "q·k over the root of the head's width, minus infinity where masked",
    "softmax": "What is made of it: every row sums to 1",
}


class MatrixView(QWidget):
    """Queries down, keys across; a row is marked for the patch that is pointed at.

    Where all keys are words, their columns have names and can be picked.
    """

    word_picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stages = Segmented(STAGES, compact=True)
        for stage, words in HELP.items():
            self.stages.button(stage).setToolTip(words)
        self.stages.set_value("softmax")
        self.picture = PixelPicture(most_px=300)
        self.picture.setMouseTracking(True)
        self.picture.setAccessibleName("Attention matrix")
        self.columns = WordColumns()
        self.words = note()
        self.words.setMinimumHeight(2 * self.words.fontMetrics().height())
        self.values: np.ndarray | None = None
        """[queries, keys] as shown."""
        self._found: dict[Stage, Shares | None] = {}
        self._missing = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.stages, self.picture, self.columns, self.words):
            column.addWidget(widget)
        self.stages.changed.connect(self._refresh)
        self.picture.hovered.connect(self._hover)
        self.picture.left.connect(self._say_range)
        self.columns.hovered.connect(self._hover)
        self.columns.left.connect(self._say_range)
        self.columns.picked.connect(self.word_picked)

    def show_stages(self, found: "dict[Stage, Shares | None]", missing: str) -> None:
        """Show a matrix for each stage; `missing` says why there is none where it is None."""
        self._found, self._missing = found, missing
        self._refresh()

    def mark_query(self, query: int) -> None:
        """Mark the row of a query, -1 for none."""
        self.columns.mark(query, self.columns.word)
        if query < 0 or self.values is None:
            self.picture.mark(None)
        else:
            self.picture.mark((query, 0), (len(self.values), 1))

    def mark_word(self, word: int) -> None:
        """Mark the column of a word, -1 for none."""
        self.columns.mark(self.columns.query, word)

    @property
    def stage(self) -> "Stage":
        """What is shown."""
        return next(stage for stage in STAGES if stage == self.stages.value)

    def _refresh(self) -> None:
        shares = self._shares
        words_alone = shares is not None and shares.kind == "cross"
        self.picture.setVisible(shares is not None and not words_alone)
        self.columns.setVisible(words_alone)
        if shares is None:
            self.values = None
            self.picture.show_pixels(None)
            self.words.setText(self._missing)
            return
        self.values = shares.values.numpy()
        low = 0.0 if self.stage == "softmax" else None
        if shares.kind != "cross" or shares.keys is None:
            self.picture.show_pixels(heat(self.values, low=low))
        else:
            told = self._told(shares)
            low = float(told.min()) if low is None else low
            colours = heat(self.values, low=low, high=float(told.max()))
            masked = {key for key, word in enumerate(shares.keys) if word is None}
            hatched = frozenset(masked if self.stage != "scores" else ())
            self.columns.show_pixels(colours, shares.keys, hatched)
        self._say_range()

    @property
    def _shares(self) -> "Shares | None":
        return self._found.get(self.stage)

    def _told(self, shares: "Shares") -> np.ndarray:
        """The columns of `shares` that are no padding."""
        values = shares.values.numpy()
        if shares.kind != "cross" or shares.keys is None:
            return values
        return values[:, [key for key, word in enumerate(shares.keys) if word is not None]]

    def _hover(self, query: int, key: int) -> None:
        shares = self._shares
        if shares is None:
            return
        value = number(float(shares.values[query, key]))
        if shares.keys is None:
            self.words.setText(f"Query {query + 1}, key {key + 1}: {value}")
            return
        if shares.kind == "joint":
            asks, seen = _token(shares, query), _token(shares, key)
            self.words.setText(f"{asks[0].upper()}{asks[1:]} looks at {seen}: {value}")
            return
        row, column = divmod(query, shares.grid[1])
        word = shares.keys[key]
        if word is None:
            what = "padding"
            value = f"{value}, masked before the softmax" if self.stage == "scores" else "masked"
        else:
            what = f"“{word}”"
        self.words.setText(f"Row {row + 1}, column {column + 1}, {what}: {value}")

    def _say_range(self) -> None:
        shares = self._shares
        if shares is None or self.values is None:
            return
        told = self._told(shares)
        queries, keys = told.shape
        ends = f"{number(float(told.min()))} to {number(float(told.max()))}"
        sums = ""
        if self.stage == "softmax":
            rows = self.values.sum(1)
            sums = f"; rows sum to {number(float(rows.min()), 4)}"
            if number(float(rows.max()), 4) != number(float(rows.min()), 4):
                sums += f" to {number(float(rows.max()), 4)}"
        if shares.keys is None:
            self.words.setText(f"{queries} queries down, {keys} keys across, {ends}{sums}")
            return
        if shares.kind == "joint":
            down, across = _tokens(shares, queries), _tokens(shares, keys)
            self.words.setText(f"{down} down, {across} across, {ends}{sums}")
            return
        padding = self.values.shape[1] - keys
        words = _words(keys)
        rest = f"; {padding} more of padding, masked" if padding else ""
        self.words.setText(f"{queries} patches down, {words} across, {ends}{sums}{rest}")


def _token(shares: "Shares", index: int) -> str:
    """What a query or key of joint attention stands for: "row 1, column 2", or "“red”"."""
    places = math.prod(shares.grid)
    if index < places or shares.keys is None:
        row, column = divmod(index, shares.grid[1])
        return f"row {row + 1}, column {column + 1}"
    return f"“{shares.keys[index - places]}”"


def _tokens(shares: "Shares", count: int) -> str:
    places = math.prod(shares.grid)
    words = count - places
    return f"{places} patches{f' and {_words(words)}' if words else ''}"


def _words(count: int) -> str:
    return f"{count} word{'s' * (count != 1)}"
