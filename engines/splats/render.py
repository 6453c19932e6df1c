"""From Gaussians to an image: projection, colour for the view, blending."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from kernels.rasterize import Projected, Rasterized, blend, project
from kernels.sphericalharmonics import spherical_harmonics


@dataclass(frozen=True, eq=False)
class CloudTensors:
    """Activated Gaussians as the kernels take them, all float32 on one device."""

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    sh0: Tensor
    """[n, 1, 3]"""
    sh_rest: Tensor
    """[n, (degree + 1)**2 - 1, 3]"""

    @classmethod
    def of(cls, cloud: GaussianCloud, device: torch.device) -> "CloudTensors":
        """The tensors of a finished cloud."""

        def tensor(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

        return cls(
            tensor(cloud.means),
            tensor(cloud.quats),
            tensor(cloud.scales),
            tensor(cloud.opacities),
            tensor(cloud.sh[:, :1]),
            tensor(cloud.sh[:, 1:]),
        )

    @property
    def sh_degree(self) -> int:
        """Highest degree there are coefficients for."""
        return round((self.sh_rest.shape[1] + 1) ** 0.5) - 1


def render(
    gaussians: CloudTensors,
    camera: Camera,
    *,
    sh_degree: int | None = None,
    background: Tensor | None = None,
    probe: Tensor | None = None,
) -> Rasterized:
    """Draw `gaussians` as `camera` sees them, all in one frame.

    Colours use degrees up to `sh_degree` (all by default). `probe` [n, 2] is an offset of the
    projected centres in pixels; its gradient is what density control watches.
    """
    projected, colours = projected_view(gaussians, camera, sh_degree=sh_degree, probe=probe)
    return blend(projected, gaussians.opacities, colours, background=background)


def projected_view(
    gaussians: CloudTensors,
    camera: Camera,
    *,
    sh_degree: int | None = None,
    probe: Tensor | None = None,
) -> tuple[Projected, Tensor]:
    """What `render` blends: ellipses on the image, and colours [n, 3] as seen from there."""
    device = gaussians.means.device
    view = torch.from_numpy(camera.world_to_camera).to(device, torch.float32)
    projected = project(
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        world_to_camera=view,
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        width=camera.width,
        height=camera.height,
        probe=probe,
    )
    eye = torch.from_numpy(camera.centre).to(device, torch.float32)
    return projected, spherical_harmonics(
        (gaussians.sh0, gaussians.sh_rest),
        gaussians.means - eye,
        degree=gaussians.sh_degree if sh_degree is None else sh_degree,
        visible=projected.radii > 0,
    )
