"""Rays through pixels: where light that reached a photo came from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera


@dataclass(frozen=True, eq=False)
class Rays:
    """n rays of the normalised frame."""

    origins: Tensor
    """[n, 3] float32."""
    directions: Tensor
    """[n, 3] float32 of length 1, so that places along a ray are distances from the eye."""

    def __len__(self) -> int:
        return len(self.origins)

    def part(self, which: slice | Tensor) -> "Rays":
        """Some of them."""
        return Rays(self.origins[which], self.directions[which])


class Lenses:
    """Many cameras as tensors, so that pixels of all of them become rays at once."""

    def __init__(self, cameras: Sequence[Camera], device: torch.device) -> None:
        def tensor(rows: list) -> Tensor:
            return torch.from_numpy(np.array(rows, dtype=np.float32)).to(device)

        self._focal = tensor([(camera.fx, camera.fy) for camera in cameras])
        self._centre = tensor([(camera.cx, camera.cy) for camera in cameras])
        self._rotation = tensor([camera.camera_to_world[:3, :3] for camera in cameras])
        self._eye = tensor([camera.centre for camera in cameras])

    def rays(self, which: Tensor, pixels: Tensor) -> Rays:
        """Rays of cameras `which` [n] int64 through `pixels` [n, 2] (x, y; centres at halves)."""
        flat = (pixels - self._centre[which]) / self._focal[which]
        local = torch.nn.functional.pad(flat, (0, 1), value=1.0)
        directions = torch.einsum("nij,nj->ni", self._rotation[which], local)
        return Rays(self._eye[which], torch.nn.functional.normalize(directions, dim=1))


def rays_of(
    camera: Camera, device: torch.device, rows: slice = slice(None), *, every: int = 1
) -> Rays:
    """One ray through the middle of each pixel of the `rows` of an image, row by row.

    Of the rows and of the pixels in them only each `every`th is taken.
    """
    y = torch.arange(camera.height, device=device)[::every][rows] + 0.5
    x = torch.arange(camera.width, device=device)[::every] + 0.5
    pixels = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1).reshape(-1, 2)
    which = torch.zeros(len(pixels), dtype=torch.int64, device=device)
    return Lenses([camera], device).rays(which, pixels.float())


def along_axis(camera: Camera, rays: Rays) -> Tensor:
    """[n] how far along z of `camera` a step of length 1 along each ray leads."""
    forward = torch.from_numpy(camera.forward.astype(np.float32)).to(rays.directions.device)
    return rays.directions @ forward
