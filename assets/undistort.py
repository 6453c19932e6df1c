"""Photos as a pinhole camera would have taken them, whatever lens they were taken through."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from assets.camera import Camera
from assets.lens import Lens
from assets.photos import Photo
from assets.pinhole import pinhole_within
from assets.posed import View

_STEP = 8
"""The map is computed at every 8th pixel; in between it is linear to a small part of a pixel."""

_FACES = {
    "front": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "right": ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    "back": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "left": ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
    "up": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "down": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
}
"""The x, y and z axes of each side of a cube in the coordinates of a panorama."""


@dataclass(frozen=True, eq=False)
class UndistortedPhoto:
    """A photo taken through `lens`, shown as `pinhole` sees it."""

    source: Photo
    lens: Lens
    pinhole: Camera
    """Intrinsics of the result; its pose turns it within the lens's own coordinates."""

    @property
    def width(self) -> int:
        """See `Photo.width`."""
        return self.pinhole.width

    @property
    def height(self) -> int:
        """See `Photo.height`."""
        return self.pinhole.height

    def load(self, width: int, height: int) -> np.ndarray:
        """See `Photo.load`. Reads and maps at twice the size where the photo has it."""
        from assets.remap import remap  # numba takes a while

        finer = 1 if width > 0.99 * self.width else 2
        ratio = min(1.0, finer * width / self.width)
        size = (max(1, round(self.lens.width * ratio)), max(1, round(self.lens.height * ratio)))
        pixels = _weighed(self.source.load(*size))
        shrunk = np.array(size) / (self.lens.width, self.lens.height)
        nodes, step = _nodes(self.lens, self.pinhole, finer * width, finer * height)
        nodes = nodes * shrunk.astype(np.float32)
        out = remap(pixels, nodes, step, finer * width, finer * height, self.lens.is_panorama)
        if finer > 1:
            out = out.reshape(height, finer, width, finer, -1).mean(axis=(1, 3))
        return _unweighed(out)


def views_through(
    lens: Lens,
    name: str,
    photo: Photo,
    camera_to_world: np.ndarray,
    *,
    mask: Path | None = None,
) -> list[View]:
    """The views that `photo`, taken through `lens` at the pose [4, 4], gives: one, or six.

    A pinhole's photo is used as it is, other photos are undistorted when they are read and
    a panorama becomes the six sides of a cube. A `mask` belongs to the photo as it was taken.
    """
    if lens.is_pinhole:
        (fx, fy), (cx, cy) = lens.focal, lens.principal
        camera = Camera(width=lens.width, height=lens.height, fx=fx, fy=fy, cx=cx, cy=cy)
        return [View(name, photo, camera.moved(camera_to_world), mask)]
    cameras = _sides(lens) if lens.is_panorama else {"": pinhole_within(lens)}
    return [
        View(
            name + side,
            UndistortedPhoto(photo, lens, camera),
            camera.moved(camera_to_world @ camera.camera_to_world),
            mask,
        )
        for side, camera in cameras.items()
    ]


@lru_cache(maxsize=8)
def _sides(lens: Lens) -> dict[str, Camera]:
    """The six cameras of a cube, at the resolution that the panorama has at its horizon."""
    size = max(1, round(lens.width / np.pi))
    half = size / 2
    cameras = {}
    for side, axes in _FACES.items():
        turn = np.eye(4)
        turn[:3, :3] = np.array(axes, dtype=np.float64).T
        cameras[f"#{side}"] = Camera(
            width=size, height=size, fx=half, fy=half, cx=half, cy=half, camera_to_world=turn
        )
    return cameras


@lru_cache(maxsize=32)
def _nodes(lens: Lens, pinhole: Camera, width: int, height: int) -> tuple[np.ndarray, int]:
    """Where in the full photo to read for a `width` x `height` picture, as `remap` wants it.

    A panorama's map has poles and a seam, so it is given for each pixel; others are smooth.
    """
    step = 0 if lens.is_panorama else _STEP
    if step:
        x, y = (np.arange(0.0, size + step, step) for size in (width, height))
    else:
        x, y = (np.arange(size) + 0.5 for size in (width, height))
    camera = pinhole.resized(width, height)
    rays = np.ones((len(y), len(x), 3))
    rays[..., 0] = (x - camera.cx) / camera.fx
    rays[..., 1] = ((y - camera.cy) / camera.fy)[:, None]
    turned = rays.reshape(-1, 3) @ pinhole.camera_to_world[:3, :3].T
    return lens.project(turned).reshape(len(y), len(x), 2).astype(np.float32), step


def _weighed(pixels: np.ndarray) -> np.ndarray:
    """Colours times alpha, so that what is transparent does not bleed."""
    if pixels.shape[2] == 3:
        return pixels
    return np.concatenate([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], axis=2)


def _unweighed(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[2] == 3:
        return pixels
    colours = pixels[..., :3] / np.maximum(pixels[..., 3:], np.float32(1e-6))
    return np.concatenate([np.clip(colours, 0.0, 1.0), pixels[..., 3:]], axis=2)
