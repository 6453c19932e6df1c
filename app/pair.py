"""Two sources under one camera: what is put side by side, and how far they are apart."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from engines.engine import RenderedView, RenderSource

GAIN = 4.0
"""A difference of a quarter is shown as white."""
PAIR_MODES = ("sides", "difference", "first", "second")


@dataclass(frozen=True, eq=False, kw_only=True)
class PairView(RenderedView):
    """What is to be seen of two views; the fields of `RenderedView` are the picture itself."""

    left: RenderedView | None = None
    """What belongs left of the divider, if there is one."""
    first_ms: float = math.nan
    """Time the last piece of the first source took, NaN where it was not asked."""
    second_ms: float = math.nan
    psnr: float = math.nan
    """How alike the two are in dB, where both were asked; infinite if they are the same."""


class PairSource:
    """Draws two sources for the same camera. As a `RenderSource`, but without rays."""

    modes = PAIR_MODES

    def __init__(self, first: RenderSource, second: RenderSource) -> None:
        self._sources = {"first": first, "second": second}

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "sides"
    ) -> PairView:
        """The view of `camera`; both sources share `budget_ms`."""
        names = _asked(mode)
        each_ms = None if budget_ms is None else budget_ms / len(names)
        pieces = {
            name: _timed(lambda s=self._sources[name]: s.render(camera, each_ms)) for name in names
        }
        return _joined(camera, pieces, mode)

    def refine(self, camera: Camera, *, mode: str = "sides") -> Iterator[PairView]:
        """Better and better views: the sources take turns, and who is done waits."""
        running = {name: self._sources[name].refine(camera) for name in _asked(mode)}
        pieces: dict[str, tuple[RenderedView, float]] = {}
        try:
            while running:
                for name, views in list(running.items()):
                    piece = _timed(lambda views=views: next(views, None))
                    if piece[0] is None:
                        del running[name]
                    else:
                        pieces[name] = piece
                if running and len(pieces) == len(_asked(mode)):
                    yield _joined(camera, pieces, mode)
        finally:
            for views in running.values():
                close = getattr(views, "close", None)
                if close is not None:
                    close()

    def probe(self, camera: Camera, x: float, y: float) -> None:
        """Whose ray it were is not known; ask one of the two."""
        raise NotImplementedError("a pair has no rays; ask one of its sources")


def difference(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, float]:
    """How far two images [h, w, 3] in [0, 1] are apart, and their PSNR in dB.

    The first of the two results is |first - second| times `GAIN`, cut off at 1.
    """
    apart = np.clip(first, 0.0, 1.0) - np.clip(second, 0.0, 1.0)
    error = float(np.mean(np.square(apart, dtype=np.float64)))
    psnr = -10.0 * math.log10(error) if error > 0.0 else math.inf
    return np.minimum(GAIN * np.abs(apart), 1.0).astype(np.float32), psnr


def _asked(mode: str) -> tuple[str, ...]:
    if mode not in PAIR_MODES:
        raise ValueError(f"mode is {mode!r}; expected one of {', '.join(PAIR_MODES)}")
    return ("first", "second") if mode in ("sides", "difference") else (mode,)


def _timed(draw: Callable[[], RenderedView]) -> tuple[RenderedView, float]:
    began = time.perf_counter()
    view = draw()
    return view, 1e3 * (time.perf_counter() - began)


def _joined(camera: Camera, pieces: dict[str, tuple[RenderedView, float]], mode: str) -> PairView:
    times = {f"{name}_ms": ms for name, (_, ms) in pieces.items()}
    if mode in pieces:
        view = pieces[mode][0]
        return PairView(
            camera=view.camera, image=view.image, depth=view.depth, alpha=view.alpha, **times
        )
    first, second = pieces["first"][0], pieces["second"][0]
    height, width = map(max, zip(first.depth.shape, second.depth.shape, strict=True))
    images = [_enlarged(view.image, height, width) for view in (first, second)]
    shown, psnr = difference(*images)
    if mode == "sides":
        return PairView(
            camera=second.camera,
            image=second.image,
            depth=second.depth,
            alpha=second.alpha,
            left=first,
            psnr=psnr,
            **times,
        )
    return PairView(
        camera=camera.resized(width, height),
        image=shown,
        depth=_enlarged(second.depth, height, width),
        alpha=np.ones((height, width), dtype=np.float32),
        psnr=psnr,
        **times,
    )


def _enlarged(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """`image` [h, w, ...] at another size, each pixel repeated as often as need be."""
    h, w = image.shape[:2]
    if (h, w) == (height, width):
        return image
    rows, columns = np.arange(height) * h // height, np.arange(width) * w // width
    return image[rows[:, None], columns]
