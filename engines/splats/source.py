"""A cloud as the exact rasteriser sees it, for whoever asks."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from engines.artifacts import SplatRay
from engines.engine import RenderedView
from engines.splats.lineage import Lineage
from engines.splats.probe import probe
from engines.splats.render import CloudTensors, render

SMALLEST = 0.125
"""A view is never drawn at less than this part of its resolution."""
BIRTH_FIELDS = ("parent", "cause", "step")
"""What a ray tells of each birth."""


class CloudSource:
    """Renders a `GaussianCloud` with the same kernels that train it."""

    def __init__(
        self,
        cloud: GaussianCloud,
        device: torch.device | None = None,
        *,
        lineage: Lineage | None = None,
    ) -> None:
        """`lineage` is that of the run in which the ids of the cloud were given."""
        self._device, self._lineage = device or torch.device("cpu"), lineage
        self._lock = threading.Lock()
        self._ms_per_pixel: float | None = None
        self.update(cloud)

    def update(self, cloud: GaussianCloud) -> None:
        """Draw this cloud (input frame) from now on."""
        tensors = CloudTensors.of(cloud, self._device)
        with self._lock:
            self._tensors, self._ids = tensors, cloud.ids

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

    def probe(self, camera: Camera, x: float, y: float) -> SplatRay:
        """The Gaussians that make the pixel which holds (x, y), and where they come from.

        Raises ValueError for a place that is not on the image of `camera`.
        """
        with self._lock:
            tensors, ids = self._tensors, self._ids
        ray = probe(tensors, camera, x, y)
        if ids is None:
            return ray
        found = ids[ray.rows]
        if self._lineage is None:
            return replace(ray, ids=found)
        births = self._lineage.births_of(found)
        parents, causes, born = (births[name].astype(np.int64) for name in BIRTH_FIELDS)
        return replace(ray, ids=found, parents=parents, causes=causes, born=born)
