"""Two rendered views of one camera in one window, with a line between them."""

import numpy as np
from vispy import gloo

from renderers.colours import ACCENT
from renderers.pictures import RenderedPicture
from renderers.projection import Lens

LEAST, MOST = 0.005, 0.995
"""The line stays this share of the window's width inside it, where it can be taken hold of."""


class Divided:
    """A second picture, left of a line; right of it is the first one."""

    def __init__(self) -> None:
        self.split = 0.5
        """Where the line is, as a share of the width."""
        self.left = RenderedPicture()

    @property
    def shown(self) -> bool:
        """Whether there are two pictures."""
        return self.left.shown

    def edge(self, width: int) -> float | None:
        """Column of the line on a target of this width, None where there is none."""
        return self.split * width if self.shown else None

    def move_edge(self, x: float, width: int) -> None:
        """Put the line at column `x`, or as near to it as it may go."""
        self.split = float(np.clip(x / width, LEAST, MOST))

    def draw(self, right: RenderedPicture, lens: Lens, *, shade_depth: bool) -> None:
        """Draw both, each on its side; `right` alone where there is no other."""
        if not self.shown:
            right.draw(lens, shade_depth=shade_depth)
            return
        width, height = lens.camera.width, lens.camera.height
        column = round(self.split * width)
        gloo.set_state(scissor_test=True)
        gloo.set_scissor(0, 0, column, height)
        self.left.draw(lens, shade_depth=shade_depth)
        gloo.set_scissor(column, 0, width - column, height)
        right.draw(lens, shade_depth=shade_depth)
        gloo.set_state(scissor_test=False)

    def draw_edge(self, width: int, height: int) -> None:
        """Draw the line over everything else."""
        gloo.set_state(scissor_test=True)
        gloo.set_scissor(max(0, round(self.split * width) - 1), 0, 2, height)
        gloo.clear(color=(*ACCENT, 1.0), depth=False)
        gloo.set_state(scissor_test=False)
