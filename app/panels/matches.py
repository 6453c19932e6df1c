"""Which photos see the same things, pair by pair: why cameras are found, or why they are not."""

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.theme import set_role
from app.widgets.figures import count
from app.widgets.inliers import InlierLegend, top_for
from app.widgets.labels import ElidedLabel
from app.widgets.matrix import MatrixView
from app.widgets.panel import Panel, note
from engines.artifacts import MatchMatrix

EMPTY = "Pairs of photos appear here while they are compared"
HINT = "Brighter cells: photos that share more"
STRONG = 30
"""Matches from which on a pair is sure to hold."""
ENOUGH_TRIES = 8
"""A photo is called loose only after it was compared with so many others, or with all."""


class MatchesPanel(Panel):
    """A square with a cell for each pair of photos, brighter with more matches."""

    pair_chosen = Signal(str, str)
    """Names of two photos whose cell was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Matches", parent)
        self._matrix: MatchMatrix | None = None
        self.view = MatrixView()
        self.readout = ElidedLabel(HINT, role="muted")
        self.loose = note()
        set_role(self.loose, "warn")
        self.legend = InlierLegend()
        self.empty = note(EMPTY)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.view, 1)
        for widget in (self.readout, self.legend, self.loose):
            self.body.addWidget(widget)
        self.body.addStretch(0)
        self.view.pointed.connect(self._say)
        self.view.chosen.connect(self._choose)
        self.clear()

    def show_matches(self, matrix: MatchMatrix) -> None:
        """Show these pairs in place of what was shown; cheap enough for twice a second."""
        self._matrix = matrix
        inliers = matrix.inliers
        top = top_for(int(inliers.max(initial=0)))
        loose = loose_photos(matrix)
        self.legend.set_top(top)
        self.view.show_matrix(matrix, top=top, marked=loose)
        found = int(np.count_nonzero(inliers > 0)) // 2
        compared = int(np.count_nonzero(inliers >= 0) - np.count_nonzero(inliers.diagonal() >= 0))
        compared //= 2
        self.header.set_value(
            f"{count(found)} of {count(compared)} match",
            f"{count(found)} of {count(compared)} pairs compared so far see the same things",
        )
        number = len(loose)
        one = matrix.names[loose[0]] if number == 1 else f"{count(number)} photos"
        verb = "hangs" if number == 1 else "hang"
        self.loose.setText(f"{one} {verb} on no other: no pair with {STRONG} matches or more")
        self._set_empty(False)
        self.loose.setVisible(number > 0)

    def clear(self) -> None:
        """Show nothing."""
        self._matrix = None
        self.view.show_matrix(None, top=top_for(0), marked=np.zeros(0, np.intp))
        self.header.set_value("")
        self._set_empty(True)
        self.loose.hide()

    def _set_empty(self, empty: bool) -> None:
        self.empty.setVisible(empty)
        for widget in (self.view, self.readout, self.legend):
            widget.setVisible(not empty)

    def _say(self, cell: tuple[int, int] | None) -> None:
        self.readout.setText(self.view.words(*cell) if cell is not None else HINT)
        self.readout.setToolTip(self.readout.text())

    def _choose(self, row: int, column: int) -> None:
        if self._matrix is not None:
            self.pair_chosen.emit(self._matrix.names[row], self._matrix.names[column])


def loose_photos(matrix: MatchMatrix) -> np.ndarray:
    """[k] rows of photos that were compared with many others and have no strong pair."""
    inliers = matrix.inliers.copy()
    np.fill_diagonal(inliers, -1)
    tries = np.count_nonzero(inliers >= 0, axis=1)
    best = inliers.max(axis=1, initial=-1)
    return np.flatnonzero((tries >= min(len(inliers) - 1, ENOUGH_TRIES)) & (best < STRONG))
