"""Lines of a width in pixels, which OpenGL itself no longer promises."""

import numpy as np
from vispy import gloo

from renderers.glsl import program
from renderers.projection import Lens
from renderers.quad import CORNERS


class Lines:
    """A set of straight lines in the world."""

    def __init__(self) -> None:
        self._program = program("line.vert", "line.frag")
        self._program["a_corner"] = gloo.VertexBuffer(CORNERS)
        self._count = 0

    def set_lines(self, start: np.ndarray, end: np.ndarray, colours: np.ndarray) -> None:
        """Show lines from `start` [n, 3] to `end` [n, 3] in `colours` [n, 4], straight sRGB."""
        self._count = len(start)
        if self._count == 0:
            return
        for name, data in (("a_from", start), ("a_to", end), ("a_colour", colours)):
            values = np.ascontiguousarray(data, dtype=np.float32)
            self._program[name] = gloo.VertexBuffer(values, divisor=1)

    def draw(
        self,
        lens: Lens,
        *,
        width: float,
        fade: tuple[np.ndarray, float] | None = None,
        opacity: float = 1.0,
        cutoff: float = 0.0,
    ) -> None:
        """Draw with `width` in pixels; with `fade`, out to a radius about a centre [3].

        Fragments of alpha up to `cutoff` are left out. Blending is premultiplied.
        """
        if self._count == 0:
            return
        camera = lens.camera
        self._program["u_view"] = lens.view
        self._program["u_clip"] = lens.clip
        self._program["u_size"] = (camera.width, camera.height)
        self._program["u_near"] = lens.near
        self._program["u_width"] = width
        self._program["u_fade"] = (*fade[0], fade[1]) if fade is not None else (0.0,) * 4
        self._program["u_opacity"] = opacity
        self._program["u_cutoff"] = cutoff
        self._program.draw("triangle_strip")
