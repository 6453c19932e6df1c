"""Rasterising on the processor: numba kernels under torch's autograd."""

import numpy as np
from torch import Tensor

from kernels.rasterize.cpu.autograd import Blend, Project, array
from kernels.rasterize.cpu.trace import trace
from kernels.rasterize.types import Projected, Rasterized

__all__ = ["blend", "project", "trace"]


def project(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    *,
    world_to_camera: Tensor,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    width: int,
    height: int,
    probe: Tensor | None = None,
    near: float = 0.01,
) -> Projected:
    """See `kernels.rasterize.project`."""
    view = array(world_to_camera[:3])
    lens = np.array([fx, fy, cx, cy, width, height, near], dtype=np.float32)
    if probe is None:
        probe = means.new_zeros(0, 2)
    means2d, conics, depths, extents, radii = Project.apply(
        means, quats, scales, opacities, probe, view, lens
    )
    return Projected(
        means2d=means2d,
        conics=conics,
        depths=depths,
        extents=extents,
        radii=radii,
        width=width,
        height=height,
    )


def blend(
    projected: Projected,
    opacities: Tensor,
    colours: Tensor,
    *,
    background: Tensor | None = None,
) -> Rasterized:
    """See `kernels.rasterize.blend`."""
    image, depth, alpha = Blend.apply(
        projected.means2d,
        projected.conics,
        projected.depths,
        projected.extents,
        projected.width,
        projected.height,
        opacities,
        colours,
        colours.new_zeros(3) if background is None else background,
    )
    return Rasterized(image, depth, alpha, projected.radii)
