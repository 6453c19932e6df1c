"""What made a pixel of a cloud of Gaussians: all that were blended into it, nearest first."""

import numpy as np
import torch

from assets.camera import Camera
from engines.artifacts import SplatRay
from engines.splats.render import CloudTensors, projected_view
from kernels.rasterize import trace


@torch.no_grad()
def probe(
    gaussians: CloudTensors, camera: Camera, x: float, y: float, *, sh_degree: int | None = None
) -> SplatRay:
    """The Gaussians that `render` blends into the pixel that holds (x, y), with its numbers.

    Colours use degrees up to `sh_degree` (all by default). Who they are is not known here.
    Raises ValueError for a place that is not on the image of `camera`.
    """
    column, row = int(np.floor(x)), int(np.floor(y))
    projected, colours = projected_view(gaussians, camera, sh_degree=sh_degree)
    traced = trace(projected, gaussians.opacities, colours, column=column, row=row)
    rows = traced.rows
    weights = traced.alphas * traced.transmittances
    direction, per_depth = _direction(camera, column + 0.5, row + 0.5)
    depths = projected.depths[rows].cpu().numpy()
    t = depths * np.float32(per_depth)
    weights, colours = weights.cpu().numpy(), colours[rows].cpu().numpy()
    accumulation = float(weights.sum())
    return SplatRay(
        pixel=(column + 0.5, row + 0.5),
        origin=camera.centre.copy(),
        direction=direction,
        rows=rows.cpu().numpy(),
        means=gaussians.means[rows].cpu().numpy(),
        depths=depths,
        t=t,
        alpha=traced.alphas.cpu().numpy(),
        transmittance=traced.transmittances.cpu().numpy(),
        weights=weights,
        colours=colours,
        colour=weights @ colours,
        depth=float(weights @ t) / accumulation if accumulation else 0.0,
        accumulation=accumulation,
    )


def _direction(camera: Camera, x: float, y: float) -> tuple[np.ndarray, float]:
    """Unit direction [3] through a place on the image, and its length for a depth of 1."""
    local = np.array([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, 1.0])
    length = float(np.linalg.norm(local))
    return camera.camera_to_world[:3, :3] @ local / length, length
