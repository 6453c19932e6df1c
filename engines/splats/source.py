"""A cloud as the exact rasteriser sees it, for whoever asks."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import torch

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from engines.engine import RenderedView
from engines.splats.render import CloudTensors, render

SMALLEST = 0.125
"""A view is never drawn at less than this part of its resolution."""


class CloudSource:
    """Renders a `GaussianCloud` with the same kernels that train it."""

    def __init__(self, cloud: GaussianCloud, device: torch.device | None = None) -> None:
        self._device = device or torch.device("cpu")
        self._lock = threading.Lock()
        self._ms_per_pixel: float | None = None
        self.update(cloud)

    def update(self, cloud: GaussianCloud) -> None:
        """Draw this cloud (input frame) from now on."""
        tensors = CloudTensors.of(cloud, self._device)
        with self._lock:
            self._tensors = tensors

    @property
    def modes(self) -> tuple[str, ...]:
        """Colour only: everything else is drawn better from the Gaussians themselves."""
        return ("colour",)

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        """One view, in full."""
        yield self.render(camera, mode=mode)

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        """The view of `camera`; smaller where the last view says `budget_ms` would not do."""
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}; expected one of {', '.join(self.modes)}")
        with self._lock:
            tensors = self._tensors
        full = camera.width * camera.height
        if budget_ms is not None and self._ms_per_pixel is not None:
            part = np.sqrt(budget_ms / (self._ms_per_pixel * full))
            if part < 1:
                part = max(part, SMALLEST)
                camera = camera.resized(
                    max(1, round(camera.width * part)), max(1, round(camera.height * part))
                )
        began = time.perf_counter()
        with torch.no_grad():
            drawn = render(tensors, camera)
            alpha = drawn.alpha
            depth = torch.where(alpha > 1e-3, drawn.depth / alpha.clamp_min(1e-3), 0.0)
            view = RenderedView(
                camera=camera,
                image=drawn.image.clamp(0, 1).cpu().numpy(),
                depth=depth.cpu().numpy(),
                alpha=alpha.cpu().numpy(),
            )
        self._ms_per_pixel = (time.perf_counter() - began) * 1e3 / (camera.width * camera.height)
        return view
