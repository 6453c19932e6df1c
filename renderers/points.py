"""Point clouds as round dots of a fixed size on screen."""

import numpy as np
from vispy import gloo

from assets.pointcloud import PointCloud
from renderers.glsl import program
from renderers.projection import Lens

DIAMETER = 2.6
"""Pixels of the window at its nominal density."""


class Points:
    """Any number of point clouds in one buffer."""

    def __init__(self) -> None:
        self._program = program("point.vert", "point.frag")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def set_clouds(self, clouds: list[PointCloud]) -> None:
        """Show exactly these; non-finite points are left out."""
        positions = np.concatenate([c.positions for c in clouds] or [np.zeros((0, 3))])
        colours = np.concatenate([c.colours for c in clouds] or [np.zeros((0, 3))])
        keep = np.isfinite(positions).all(axis=1)
        self._count = int(keep.sum())
        if self._count == 0:
            return
        padded = np.ones((self._count, 4), dtype=np.float32)
        padded[:, :3] = positions[keep]
        self._program["a_mean_opacity"] = gloo.VertexBuffer(padded)
        colours = np.ascontiguousarray(np.nan_to_num(colours[keep]), dtype=np.float32)
        self._program["a_colour"] = gloo.VertexBuffer(colours)

    def draw(self, lens: Lens, *, scale: float = 1.0) -> None:
        """Draw all with depth, dots `scale` times their nominal size."""
        if self._count == 0:
            return
        self._program["u_view"] = lens.view
        self._program["u_clip"] = lens.clip
        self._program["u_diameter"] = max(1.0, DIAMETER * scale)
        self._program.draw("points")
