"""A photo as what draws it: beside a run's view, for whoever stands where it was taken."""

from collections.abc import Iterator

import numpy as np

from assets.camera import Camera
from assets.posed import View
from engines.artifacts import FieldRay, SplatRay
from engines.engine import RenderedView

NEAR = 1e-6
"""Poses that differ by no more than this are the same."""


class PhotoSource:
    """Shows the photo of a view to the camera that stands there, and nothing to any other.

    As a `RenderSource`, but without rays.
    """

    modes = ("colour",)

    def __init__(self, view: View) -> None:
        self._view = view

    def render(
        self, camera: Camera, _budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        """The photo as `camera` has it, nothing beyond its edges; always in full.

        Where there is a photo depth is 1, and alpha as the photo has it. Raises InputError when
        the file is broken.
        """
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}; expected {self.modes[0]}")
        shape = (camera.height, camera.width)
        image, alpha = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
        depth = np.zeros(shape, np.float32)
        taken = self._view.camera
        if np.allclose(camera.camera_to_world, taken.camera_to_world, atol=NEAR):
            columns, across = _places(camera.width, camera.fx, camera.cx, taken.fx, taken.cx)
            rows, down = _places(camera.height, camera.fy, camera.cy, taken.fy, taken.cy)
            inside = (rows >= 0) & (rows < taken.height)
            inside = inside[:, None] & ((columns >= 0) & (columns < taken.width))[None]
            size = (max(1, round(taken.width / across)), max(1, round(taken.height / down)))
            width, height = min(size[0], taken.width), min(size[1], taken.height)
            photo = self._view.photo.load(width, height)
            found = _sampled(photo, rows / taken.height, columns / taken.width)[inside]
            depth[inside] = alpha[inside] = 1.0
            if found.shape[1] == 4:
                alpha[inside] = found[:, 3]
            image[inside] = found[:, :3] * alpha[inside][:, None]
        return RenderedView(camera=camera, image=image, depth=depth, alpha=alpha)

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        """One view, in full."""
        yield self.render(camera, mode=mode)

    def probe(self, camera: Camera, x: float, y: float) -> FieldRay | SplatRay:
        """Nothing lies behind the pixels of a photo."""
        raise NotImplementedError("a photo has no rays")


def _places(
    count: int, focal: float, centre: float, taken_focal: float, taken_centre: float
) -> tuple[np.ndarray, float]:
    """[count] where the middles of pixels lie on the photo, and the step from one to the next."""
    step = taken_focal / focal
    return (np.arange(count) + 0.5 - centre) * step + taken_centre, step


def _sampled(photo: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """[h, w, c] bilinear values of `photo` at shares of its height [h] and width [w]."""

    def split(shares: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.clip(shares * count - 0.5, 0.0, count - 1.0)
        low = np.floor(place).astype(np.int64)
        return low, np.minimum(low + 1, count - 1), (place - low).astype(np.float32)

    top, bottom, down = split(rows, photo.shape[0])
    left, right, across = split(columns, photo.shape[1])
    lines = photo[top] * (1 - down)[:, None, None] + photo[bottom] * down[:, None, None]
    return lines[:, left] * (1 - across)[None, :, None] + lines[:, right] * across[None, :, None]
