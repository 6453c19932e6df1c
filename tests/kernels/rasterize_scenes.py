"""Small random scenes for the tests of rasterising."""

from dataclasses import dataclass, fields, replace
from types import ModuleType

import torch
from torch import Tensor

from kernels.rasterize import Projected, Rasterized


@dataclass
class Scene:
    """All that is differentiable, and the camera."""

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    colours: Tensor
    background: Tensor
    probe: Tensor
    world_to_camera: Tensor
    lens: dict

    def to(self, dtype: torch.dtype) -> "Scene":
        """A copy of another precision whose tensors want gradients."""
        changes = {
            f.name: getattr(self, f.name).detach().to(dtype).clone()
            for f in fields(self)
            if f.name != "lens"
        }
        for name in PARAMETERS:
            changes[name].requires_grad_()
        return replace(self, **changes)

    def project(self, twin: ModuleType) -> Projected:
        return twin.project(
            self.means,
            self.quats,
            self.scales,
            self.opacities,
            world_to_camera=self.world_to_camera,
            probe=self.probe,
            **self.lens,
        )

    def draw(self, twin: ModuleType) -> Rasterized:
        return twin.blend(
            self.project(twin), self.opacities, self.colours, background=self.background
        )

    def gradients(self, twin: ModuleType, seed: int = 0) -> dict[str, Tensor]:
        """Gradients of a random linear function of image, depth and alpha."""
        drawn = self.draw(twin)
        pull = torch.Generator().manual_seed(seed)
        total = sum(
            (part * torch.randn(part.shape, generator=pull).to(part)).sum()
            for part in (drawn.image, drawn.depth, drawn.alpha)
        )
        total.backward()
        return {name: getattr(self, name).grad for name in PARAMETERS}


PARAMETERS = ("means", "quats", "scales", "opacities", "colours", "background", "probe")


def random_scene(
    count: int, width: int, height: int, *, seed: int = 0, scale: float = 0.3, opaque: float = 1.0
) -> Scene:
    """`count` Gaussians before, around and beside a camera that looks askew at them."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=random)

    rotation, _ = torch.linalg.qr(torch.eye(3) + 0.2 * normal(3, 3))
    rotation = rotation * torch.sign(torch.diagonal(rotation))
    view = torch.eye(4)
    view[:3, :3], view[:3, 3] = rotation, torch.tensor([0.1, -0.2, 3.0])
    return Scene(
        means=normal(count, 3),
        quats=normal(count, 4),
        scales=scale * torch.exp(0.7 * normal(count, 3)) * 0.5,
        opacities=uniform(count) * opaque,
        colours=uniform(count, 3),
        background=uniform(3),
        probe=torch.zeros(count, 2),
        world_to_camera=view,
        lens={
            "fx": 0.9 * width,
            "fy": 0.95 * width,
            "cx": 0.48 * width,
            "cy": 0.53 * height,
            "width": width,
            "height": height,
        },
    )
