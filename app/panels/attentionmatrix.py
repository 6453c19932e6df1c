"""The matrix of one head in the three stages it goes through, every number readable."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

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
    """Queries down, keys across; a row is marked for the patch that is pointed at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stages = Segmented(STAGES, compact=True)
        for stage, words in HELP.items():
            self.stages.button(stage).setToolTip(words)
        self.stages.set_value("softmax")
        self.picture = PixelPicture(most_px=300)
        self.picture.setMouseTracking(True)
        self.picture.setAccessibleName("Attention matrix")
        self.words = note()
        self.words.setMinimumHeight(2 * self.words.fontMetrics().height())
        self.values: np.ndarray | None = None
        """[queries, keys] as shown."""
        self._found: dict[Stage, Shares | None] = {}
        self._missing = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.stages, self.picture, self.words):
            column.addWidget(widget)
        self.stages.changed.connect(self._refresh)
        self.picture.hovered.connect(self._hover)
        self.picture.left.connect(self._say_range)

    def show_stages(self, found: "dict[Stage, Shares | None]", missing: str) -> None:
        """Show a matrix for each stage; `missing` says why there is none where it is None."""
        self._found, self._missing = found, missing
        self._refresh()

    def mark_query(self, query: int) -> None:
        """Mark the row of a query, -1 for none."""
        if query < 0 or self.values is None:
            self.picture.mark(None)
        else:
            self.picture.mark((query, 0), (len(self.values), 1))

    @property
    def stage(self) -> "Stage":
        """What is shown."""
        return next(stage for stage in STAGES if stage == self.stages.value)

    def _refresh(self) -> None:
        shares = self._found.get(self.stage)
        self.picture.setVisible(shares is not None)
        if shares is None:
            self.values = None
            self.picture.show_pixels(None)
            self.words.setText(self._missing)
            return
        self.values = shares.values.numpy()
        low = 0.0 if self.stage == "softmax" else None
        self.picture.show_pixels(heat(self.values, low=low))
        self._say_range()

    def _hover(self, query: int, key: int) -> None:
        if self.values is None:
            return
        value = float(self.values[query, key])
        told = "masked" if np.isneginf(value) else number(value)
        self.words.setText(f"Query {query + 1}, key {key + 1}: {told}")

    def _say_range(self) -> None:
        if self.values is None:
            return
        finite = self.values[np.isfinite(self.values)]
        queries, keys = self.values.shape
        ends = f"{number(float(finite.min()))} to {number(float(finite.max()))}"
        sums = ""
        if self.stage == "softmax":
            rows = self.values.sum(1)
            sums = f"; rows sum to {number(float(rows.min()), 4)}"
            if number(float(rows.max()), 4) != number(float(rows.min()), 4):
                sums += f" to {number(float(rows.max()), 4)}"
        self.words.setText(f"{queries} queries down, {keys} keys across, {ends}{sums}")
