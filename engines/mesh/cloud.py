"""A mesh of a cloud of Gaussians, with the cameras of its photos or without any."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from assets.camera import Camera
from assets.errors import InputError
from assets.gaussians import GaussianCloud
from engines.engine import RenderedView
from engines.mesh.box import Box
from engines.mesh.config import MeshConfig
from engines.mesh.depth import DepthMesher
from engines.mesh.views import LARGEST_ORBIT_PX, ORBIT_VIEWS, orbit
from engines.splats.source import CloudSource
from kernels.backend import DeviceError, resolve_device

FAINT = 0.1
"""Gaussians below this opacity do not count when a box is put around a cloud."""
REACH = 3.0
"""Standard deviations by which a Gaussian outside a box may still reach into it."""
SOLID = 0.2
"""Gaussians below this opacity have no part in a surface, only in its colours."""
ORBIT_PX_PER_CELL = 2.0
"""Pixels along a side of the views from all around, for each cell along the box."""
HARDENING = 2.0
"""Added to the logit of the others' opacity."""


class SurfaceSource:
    """Draws a cloud with the depth of its first surface and with its true colours.

    Expected depth lies somewhere between all layers that light goes through, and no view
    agrees with another on where. Without faint Gaussians and with the others more opaque the
    first layer decides, which every view sees at the same place.
    """

    def __init__(self, cloud: GaussianCloud, device: torch.device) -> None:
        clear = cloud.opacities >= SOLID
        solid = cloud.selected(clear) if clear.any() else cloud
        harder = (solid.logit_opacities + HARDENING).astype(np.float32)
        self._colour = CloudSource(cloud, device)
        self._depth = CloudSource(replace(solid, logit_opacities=harder), device)

    def render(self, camera: Camera, budget_ms: float | None = None) -> RenderedView:
        """The view of `camera`; smaller where `budget_ms` would not do for both drawings."""
        surface = self._depth.render(camera, None if budget_ms is None else budget_ms / 2)
        colour = self._colour.render(surface.camera)
        # Colours come mixed with black by the cloud's own alpha, and leave so by the surface's.
        share = surface.alpha / np.maximum(colour.alpha, 1e-3)
        return replace(surface, image=np.clip(colour.image * share[..., None], 0, 1))


def mesher_of_cloud(
    cloud: GaussianCloud, cameras: Sequence[Camera] | None, config: MeshConfig
) -> DepthMesher:
    """What makes a mesh of `cloud`, seen from `cameras` (input frame) or else from all around.

    From all around, what lies outside the box is taken away first, so that a room's walls do
    not hide what stands in it. Raises InputError for an empty cloud or a device that is not there.
    """
    if not len(cloud):
        raise InputError("There are no Gaussians to make a mesh of")
    try:
        device = resolve_device(config.device)
    except DeviceError as error:
        raise InputError(str(error)) from error
    if cameras:
        return DepthMesher(SurfaceSource(cloud, device), cameras, config)
    if config.box:
        box = Box.of(config.box)
        margin = REACH * cloud.scales.max(axis=1, keepdims=True)
        near = ((cloud.means + margin >= box.low) & (cloud.means - margin <= box.high)).all(axis=1)
        if not near.any():
            raise InputError(
                f"There is nothing in the box {box}; the Gaussians lie in {_box_of(cloud)}"
            )
        cloud = cloud.selected(near & (cloud.scales.max(axis=1) < np.linalg.norm(box.size)))
    else:
        box = _box_of(cloud)
    cameras = orbit(box, min(ORBIT_VIEWS, config.views), pixels=LARGEST_ORBIT_PX)
    mesher = DepthMesher(SurfaceSource(cloud, device), cameras, config, finest=ORBIT_PX_PER_CELL)
    mesher.box = box
    return mesher


def _box_of(cloud: GaussianCloud) -> Box:
    solid = cloud.opacities >= FAINT
    return Box.around(cloud.means[solid if solid.any() else slice(None)])
