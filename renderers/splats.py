"""Gaussians on the graphics card: one quad each, drawn in any number of portions."""

from typing import Literal

import numpy as np
from vispy import gloo

from renderers.glsl import program
from renderers.projection import Lens
from renderers.quad import CORNERS
from renderers.splatsort import SplatBatch

Mode = Literal["colour", "depth", "ellipsoids", "points"]
ELLIPSOID_SIGMA = 1.5
"""Radius of a drawn ellipsoid in standard deviations."""
POINT_DIAMETER = 2.2
"""Pixels of the window at its nominal density."""

_ATTRIBUTES = ("a_mean_opacity", "a_shape_a", "a_shape_b", "a_colour")


class SplatBuffers:
    """The instances of one batch and the programs that draw them.

    The order of drawing is the order in the batch. Colour and depth blend premultiplied
    and only test depth; ellipsoids and points are opaque and write it.
    """

    def __init__(self) -> None:
        self._programs = {
            "splats": program("splat.vert", "splat.frag"),
            "ellipsoids": program("ellipsoid.vert", "ellipsoid.frag"),
            "points": program("point.vert", "point.frag"),
        }
        for name in ("splats", "ellipsoids"):
            self._programs[name]["a_corner"] = gloo.VertexBuffer(CORNERS)
        self._programs["ellipsoids"]["u_sigma"] = ELLIPSOID_SIGMA
        self._buffers = {name: gloo.VertexBuffer() for name in _ATTRIBUTES}
        self._batch: SplatBatch | None = None

    def upload(self, batch: SplatBatch) -> None:
        """Make `batch` the one that `draw` draws."""
        if batch is self._batch:
            return
        self._batch = batch
        if len(batch) == 0:
            return
        arrays = (batch.mean_opacity, batch.shape_a, batch.shape_b, batch.colour)
        for name, values in zip(_ATTRIBUTES, arrays, strict=True):
            self._buffers[name].set_data(np.ascontiguousarray(values, dtype=np.float32))

    def draw(self, first: int, last: int, lens: Lens, mode: Mode, *, scale: float) -> None:
        """Draw instances `first` up to `last` of the batch; points grow with `scale`."""
        if last <= first or self._batch is None:
            return
        drawn = self._programs[mode if mode in ("ellipsoids", "points") else "splats"]
        drawn["u_view"] = lens.view
        if mode == "points":
            drawn["u_clip"] = lens.clip
            drawn["u_diameter"] = max(1.0, POINT_DIAMETER * scale)
            self._attach(drawn, first, last, ("a_mean_opacity", "a_colour"), divisor=None)
            drawn.draw("points")
            return
        camera = lens.camera
        drawn["u_focal"] = (camera.fx, camera.fy)
        drawn["u_principal"] = (camera.cx, camera.cy)
        drawn["u_size"] = (camera.width, camera.height)
        drawn["u_depth_range"] = (lens.near, lens.far)
        if mode != "ellipsoids":
            low, high = self._batch.depth_range
            drawn["u_limits"] = jacobian_limits(lens)
            drawn["u_shade_depth"] = (float(mode == "depth"), low, 1.0 / (high - low))
        self._attach(drawn, first, last, _ATTRIBUTES, divisor=1)
        drawn.draw("triangle_strip")

    def _attach(
        self,
        drawn: gloo.Program,
        first: int,
        last: int,
        names: tuple[str, ...],
        *,
        divisor: int | None,
    ) -> None:
        for name in names:
            part = self._buffers[name][first:last]
            # vispy's views of a buffer do not inherit its divisor.
            part.divisor = divisor  # pyright: ignore[reportAttributeAccessIssue]
            drawn[name] = part


def jacobian_limits(lens: Lens) -> tuple[float, float, float, float]:
    """Largest slopes (-x, +x, -y, +y) at which the projection is linearised.

    The image's edge plus 0.3 times half its size, as gsplat has it: farther out the
    linear approximation would blow Gaussians up.
    """
    camera = lens.camera
    slack_x = 0.15 * camera.width / camera.fx
    slack_y = 0.15 * camera.height / camera.fy
    return (
        camera.cx / camera.fx + slack_x,
        (camera.width - camera.cx) / camera.fx + slack_x,
        camera.cy / camera.fy + slack_y,
        (camera.height - camera.cy) / camera.fy + slack_y,
    )
