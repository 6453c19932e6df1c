"""What a radiance field is along one ray, sample by sample."""

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera
from assets.frame import Normalisation
from engines.artifacts import FieldRay, RayLevel
from engines.nerf.look import Level, levels_of
from engines.nerf.radiance import Radiance
from engines.nerf.rays import Lenses, Rays
from kernels.composite import median_depth


@torch.no_grad()
def probe(
    radiance: Radiance,
    frame: Normalisation,
    camera: Camera,
    x: float,
    y: float,
    *,
    code: Tensor | None = None,
) -> FieldRay:
    """The ray through the middle of the pixel of `camera` (input frame) that holds (x, y)."""
    pixel = float(np.floor(x)) + 0.5, float(np.floor(y)) + 0.5
    moved = camera.moved(frame.pose_to_normalised(camera.camera_to_world))
    device = radiance.device
    which = torch.zeros(1, dtype=torch.int64, device=device)
    rays = Lenses([moved], device).rays(which, torch.tensor([pixel], device=device))
    code = radiance.code_of(None) if code is None else code
    levels = levels_of(radiance, rays, None if code is None else code[None])
    last = levels[-1]
    seen, samples = last.seen, last.samples
    middle = median_depth(seen.weights, samples.t_start, samples.t_end, samples.offsets)
    behind = radiance.backdrop.colours(rays.directions)[0]
    accumulation = float(seen.accumulation[0])
    colour = (seen.colour[0] + (1 - accumulation) * behind).clamp(0, 1)
    return FieldRay(
        pixel=pixel,
        origin=camera.centre.copy(),
        direction=_direction(rays),
        levels=tuple(_told(level, frame) for level in levels),
        colour=colour.cpu().numpy(),
        depth=float(seen.depth[0]) / frame.scale,
        median_depth=float(middle[0]) / frame.scale,
        accumulation=accumulation,
    )


def _direction(rays: Rays) -> np.ndarray:
    return rays.directions[0].double().cpu().numpy()


def _told(level: Level, frame: Normalisation) -> RayLevel:
    """A level in units of the input."""
    samples, sigma = level.samples, level.sigma
    thickness = sigma * (samples.t_end - samples.t_start)
    light = torch.exp(-(thickness.cumsum(0) - thickness))

    def array(tensor: Tensor) -> np.ndarray:
        return tensor.cpu().numpy().astype(np.float32)

    return RayLevel(
        name=level.name,
        t_start=array(samples.t_start / frame.scale),
        t_end=array(samples.t_end / frame.scale),
        sigma=array(sigma * frame.scale),
        transmittance=array(light),
        weights=array(level.seen.weights),
        colours=array(level.colours),
    )
