"""Marks on single places: round dots, each of its own colour and size on screen."""

import numpy as np
from vispy import gloo

from renderers.glsl import program
from renderers.projection import Lens

RIM_PX = 1.0
"""Width of the rim in nominal pixels."""


class Dots:
    """A few dots that are sent to the graphics card when they are drawn."""

    def __init__(self, *, rim: tuple[float, float, float]) -> None:
        """`rim` is the colour, sRGB in [0, 1], around every dot."""
        self._program = program("dot.vert", "dot.frag")
        self._program["u_rim"] = rim
        self._count = 0
        self._late: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return self._count

    def set_dots(self, positions: np.ndarray, colours: np.ndarray, diameters: np.ndarray) -> None:
        """Show dots at `positions` [n, 3], sRGB `colours` [n, 3], `diameters` [n] in nominal
        pixels; those whose position is not finite are left out."""
        keep = np.isfinite(positions).all(axis=1)
        self._count = int(keep.sum())
        values = {"a_position": positions, "a_colour": colours, "a_diameter": diameters}
        self._late = {
            name: np.ascontiguousarray(np.nan_to_num(array[keep]), dtype=np.float32)
            for name, array in values.items()
        }

    def draw(
        self, lens: Lens, *, scale: float = 1.0, opacity: float = 1.0, cutoff: float = 0.0
    ) -> None:
        """Draw all, `scale` times their nominal size. Blending is premultiplied.

        Fragments of alpha up to `cutoff` are left out.
        """
        if self._count == 0:
            return
        for name, array in self._late.items():
            self._program[name] = gloo.VertexBuffer(array)
        self._late = {}
        self._program["u_view"] = lens.view
        self._program["u_clip"] = lens.clip
        self._program["u_scale"] = scale
        self._program["u_rim_width"] = RIM_PX * scale
        self._program["u_opacity"] = opacity
        self._program["u_cutoff"] = cutoff
        self._program.draw("points")
