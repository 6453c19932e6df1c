"""Keeps the picture of the Gaussians up with the view: who sorts what, and what is drawn next."""

import sys
import time
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from renderers.layer import Frame, GaussianLayer
from renderers.pacing import CostModel
from renderers.projection import Lens
from renderers.splats import Mode
from renderers.splatsort import PreparedCloud, SplatBatch, draft, prepared, sorted_batch
from renderers.stats import ViewportStats
from renderers.worker import LatestWins

MOVING_MS = 30.0
"""Time for Gaussians in one frame while the view moves."""
SHARING_MS = 15.0
"""Likewise at rest while new Gaussians keep coming: whoever makes them needs the processor."""
SHARING_S = 2.0
"""How long after the last new cloud that holds."""
DRAFT_LIMIT = 24_000
"""Gaussians in a quick picture where OpenGL is emulated."""
SHARPEST_MS = 4_000.0
"""A picture that would take longer than this in all is drawn at less than full size."""

Plane = tuple[np.ndarray, float]


@dataclass(frozen=True, eq=False)
class _Wish:
    cloud: GaussianCloud
    serial: int
    camera: Camera
    near: float
    ellipsoids: bool
    plane: Plane | None
    draft_limit: int

    @property
    def key(self) -> tuple:
        plane = None if self.plane is None else (*self.plane[0], self.plane[1])
        return self.serial, view_key(self.camera), self.ellipsoids, plane


@dataclass(frozen=True, eq=False)
class _Sorted:
    wish: _Wish
    prepared: PreparedCloud
    batch: SplatBatch
    draft: SplatBatch
    """Of fewer Gaussians, for machines that cannot draw all of them in time."""
    seconds: float


class _Sorter:
    """Prepares each cloud once and orders it for every view; runs in the worker's thread."""

    def __init__(self) -> None:
        self._cloud: GaussianCloud | None = None
        self._prepared: PreparedCloud | None = None
        self._draft: PreparedCloud | None = None

    def __call__(self, wish: _Wish) -> _Sorted:
        start = time.perf_counter()
        if wish.cloud is not self._cloud or self._prepared is None or self._draft is None:
            self._prepared, self._cloud = prepared(wish.cloud), wish.cloud
            self._draft = draft(self._prepared, wish.draft_limit)
        batches = [
            sorted_batch(
                cloud,
                wish.camera,
                near=wish.near,
                ellipsoids=wish.ellipsoids,
                plane=wish.plane,
            )
            for cloud in dict.fromkeys((self._prepared, self._draft))
        ]
        return _Sorted(wish, self._prepared, batches[0], batches[-1], time.perf_counter() - start)


def view_key(camera: Camera) -> tuple:
    """Equal for equal views."""
    lens = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    return (*lens, camera.camera_to_world.tobytes())


class GaussianView:
    """The cloud that is shown, its order for the present view, and the plan for its layer."""

    def __init__(self, layer: GaussianLayer, *, software: bool) -> None:
        self.mode: Mode = "colour"
        self.cloud: GaussianCloud | None = None
        self._layer = layer
        self._software = software
        self._costs: dict[Mode, CostModel] = {}
        self._worker: LatestWins[_Wish, _Sorted] = LatestWins(_Sorter(), name="splat sort")
        self._serial = self._oldest = 0
        self._asked: tuple | None = None
        self._sorted: _Sorted | None = None
        self._ready: tuple[GaussianCloud, PreparedCloud] | None = None
        self._changed_at = -np.inf

    def close(self) -> None:
        """End the worker's thread."""
        self._worker.close()

    def show(self, cloud: GaussianCloud | None) -> None:
        """Show `cloud` as soon as it is sorted, or nothing at once."""
        self.cloud = cloud
        self._serial += 1
        self._changed_at = time.perf_counter()
        if cloud is None or len(cloud) == 0:
            self.cloud = None
            self._sorted = self._asked = self._ready = None
            self._oldest = self._serial
            self._layer.clear()

    def follow(self, lens: Lens, plane: Plane | None) -> bool:
        """Have the order made for this view and take a newer one; says whether there was one."""
        if self.cloud is None:
            return False
        wish = _Wish(
            self.cloud,
            self._serial,
            lens.camera,
            lens.near,
            self.mode == "ellipsoids",
            plane,
            DRAFT_LIMIT if self._software else sys.maxsize,
        )
        if wish.key != self._asked:
            self._asked = wish.key
            self._worker.ask(wish)
        result = self._worker.take()
        if result is None or result.wish.serial < self._oldest:
            return False
        self._sorted = result
        self._ready = (result.wish.cloud, result.prepared)
        return True

    def jump(self) -> None:
        """The view is about to become another one: what is on screen does not resemble it."""
        self._layer.clear()
        self._oldest = self._serial = self._serial + 1
        self._sorted = self._asked = None

    def due(self, lens: Lens, stamp: object, *, moving: bool) -> bool:
        """Whether a redraw would bring the layer on."""
        return self._layer.growing is not None or self._next(lens, stamp, moving) is not None

    def plan(self, lens: Lens, stamp: object, pixel_ratio: float, *, moving: bool) -> None:
        """Begin the next picture of the layer if one is due.

        On the way: a quick one that fits in a frame. At rest: the sharpest. A sharp one
        is given up when the view moves on; a quick one never, it is done soon.
        """
        frame = self._next(lens, stamp, moving)
        if frame is not None:
            frame.pixel_ratio = pixel_ratio
            self._layer.begin(frame)

    def _next(self, lens: Lens, stamp: object, moving: bool) -> Frame | None:
        """The picture to begin now, None for none."""
        latest = self._sorted
        if latest is None or latest.wish.ellipsoids != (self.mode == "ellipsoids"):
            return None
        view, stamp = view_key(lens.camera), (latest, stamp)
        growing, shown = self._layer.growing, self._layer.shown
        if growing is not None and growing.mode != self.mode:
            growing = None
        if growing is not None and (not growing.sharp or view_key(growing.lens.camera) == view):
            return None
        if shown is not None and (shown.mode != self.mode or view_key(shown.lens.camera) != view):
            shown = None
        if shown is not None and shown.stamp == stamp and (moving or shown.sharp):
            return None
        costs = self._costs_of(self.mode)
        scale, fits = _scale(costs, latest.batch, SHARPEST_MS)
        batch, sharp = latest.batch, True
        if moving or shown is None:
            quick, fits = _scale(costs, latest.batch, MOVING_MS)
            sharp = quick >= scale
            scale = min(scale, quick)
            if not fits and len(latest.draft) < len(latest.batch):
                batch, sharp = latest.draft, False
                scale, _ = _scale(costs, latest.draft, MOVING_MS)
        return Frame(
            lens=lens,
            scale=scale,
            batch=batch,
            mode=self.mode,
            costs=costs,
            stamp=stamp,
            sharp=sharp,
        )

    def _costs_of(self, mode: Mode) -> CostModel:
        return self._costs.setdefault(mode, CostModel.first_guess(software=self._software))

    def budget_ms(self, *, moving: bool) -> float:
        """Time that the layer may take in this redraw."""
        shared = time.perf_counter() - self._changed_at < SHARING_S
        return SHARING_MS if shared and not moving else MOVING_MS

    def finished(self, lens: Lens, plane: Plane | None, *, pixel_ratio: float) -> Frame | None:
        """A frame of this very view at full size, sorted here and now."""
        ready = self.ready()
        if ready is None:
            return None
        return sharp_frame(ready, lens, self.mode, plane, pixel_ratio=pixel_ratio)

    def ready(self) -> PreparedCloud | None:
        """The drawable part of what is shown."""
        if self.cloud is None:
            return None
        if self._ready is None or self._ready[0] is not self.cloud:
            self._ready = (self.cloud, prepared(self.cloud))
        return self._ready[1]

    @property
    def busy(self) -> bool:
        """Whether a newer order or picture is on its way."""
        return self._layer.growing is not None or not self._worker.idle

    def stats(self, *, frame_ms: float, fps: float) -> ViewportStats:
        """What the Gaussians on screen took, with the window's own figures."""
        shown = self._layer.shown
        return ViewportStats(
            gaussians=0 if self.cloud is None else len(self.cloud),
            drawn=0 if shown is None else len(shown.batch),
            frame_ms=frame_ms,
            sort_ms=0.0 if self._sorted is None else 1e3 * self._sorted.seconds,
            layer_ms=0.0 if shown is None else 1e3 * shown.seconds,
            scale=0.0 if shown is None else shown.scale,
            fps=fps,
        )


def _scale(costs: CostModel, batch: SplatBatch, budget_ms: float) -> tuple[float, bool]:
    """At what share of the full size `batch` fits in the budget, and whether it then does."""
    fragments = float(batch.pixels[-1])
    scale = costs.scale_for(len(batch), fragments, budget_ms)
    return scale, costs.predicted_ms(len(batch), fragments * scale * scale) <= budget_ms


def sharp_frame(
    cloud: PreparedCloud,
    lens: Lens,
    mode: Mode,
    plane: Plane | None,
    *,
    pixel_ratio: float = 1.0,
) -> Frame:
    """`cloud` sorted for `lens`, to be drawn at full size in one go."""
    ellipsoids = mode == "ellipsoids"
    return Frame(
        lens=lens,
        scale=1.0,
        batch=sorted_batch(cloud, lens.camera, near=lens.near, ellipsoids=ellipsoids, plane=plane),
        mode=mode,
        costs=CostModel.first_guess(software=True),
        stamp=None,
        sharp=True,
        pixel_ratio=pixel_ratio,
    )
