"""The edges of a box, to say which part of a scene is meant."""

import numpy as np

from renderers.colours import ACCENT
from renderers.lines import Lines
from renderers.projection import Lens

EDGES = np.array([(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b) in (1, 2, 4)])
"""[12, 2] pairs of corners, bit 0 of which says low or high along x, 1 along y, 2 along z."""
HIDDEN_OPACITY = 0.28
"""Of edges behind other things."""
WIDTH_PX = 1.6


class WireBox:
    """One upright box, or none."""

    def __init__(self) -> None:
        self._lines = Lines()
        self.set_box(None)

    def set_box(self, box: np.ndarray | None) -> None:
        """Show the box with these low and high corners [2, 3], or none."""
        if box is None:
            self._lines.set_lines(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 4)))
            return
        high = (np.arange(8)[:, None] >> np.arange(3)) & 1
        corners = np.where(high, box[1], box[0])
        colours = np.tile((*ACCENT, 1.0), (len(EDGES), 1))
        self._lines.set_lines(corners[EDGES[:, 0]], corners[EDGES[:, 1]], colours)

    def draw(self, lens: Lens, *, scale: float = 1.0, cutoff: float = 0.0) -> None:
        """Draw with depth; lines are wider by `scale`. Blending is premultiplied."""
        self._lines.draw(lens, width=WIDTH_PX * scale, cutoff=cutoff)

    def draw_hidden(self, lens: Lens, *, scale: float = 1.0) -> None:
        """Draw faintly over everything; the caller has put depth out of use."""
        self._lines.draw(lens, width=WIDTH_PX * scale, opacity=HIDDEN_OPACITY)
