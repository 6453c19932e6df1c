"""What is to be seen of two views of one camera: both, or how far they are apart."""

import math
from dataclasses import dataclass, replace

import numpy as np

from assets.camera import Camera
from engines.engine import RenderedView

GAIN = 4.0
"""A difference of a quarter is shown as white."""
SOLID = 0.5
"""Where more of the light is stopped a depth counts for the scale of depths."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PairView(RenderedView):
    """What is to be seen of two views; the fields of `RenderedView` are the picture itself."""

    left: RenderedView | None = None
    """What belongs left of the divider, if there is one."""
    first_ms: float = math.nan
    """Time that a whole view of the first source took in full; NaN before there was one."""
    second_ms: float = math.nan
    psnr: float = math.nan
    """How alike the two are in dB, once both are there in full; infinite if they are the same."""
    sharpness: int = 0
    """Pixels of the coarser one."""

    @property
    def pixels(self) -> int:
        """How sharp it is: as the coarser of the two."""
        return self.sharpness


def joined(
    camera: Camera,
    views: tuple[RenderedView, RenderedView],
    *,
    mode: str = "colour",
    apart: bool = False,
    behind: np.ndarray | None = None,
    took_ms: tuple[float, float] = (math.nan, math.nan),
) -> PairView:
    """Two views of `camera` as one.

    Args:
        views: maybe smaller than the camera; the second is a photo if there is `behind`.
        mode: "depth" and "accumulation" are painted here, on one scale for both; for all else
            the views are in it already.
        apart: show the difference.
        behind: [3] sRGB, what photos with transparency are laid over before they are compared.
        took_ms: time of each in full.
    """
    first, second = _painted(views, mode)
    height, width = map(max, zip(first.depth.shape, second.depth.shape, strict=True))
    images = [_enlarged(_laid(view, behind), height, width) for view in (first, second)]
    seen = np.ones((height, width), dtype=bool)
    if behind is not None:
        seen = _enlarged(second.depth, height, width) > 0
        first, second = _solid(first, behind), _as_deep(second, first)
    finished = all(view.whole and view.depth.size == camera.width * camera.height for view in views)
    shown, psnr = difference(*images, seen)
    common = {
        "whole": first.whole and second.whole,
        "first_ms": took_ms[0],
        "second_ms": took_ms[1],
        "psnr": psnr if finished else math.nan,
        "sharpness": min(view.depth.size for view in views),
    }
    if not apart:
        return PairView(
            camera=second.camera,
            image=second.image,
            depth=second.depth,
            alpha=second.alpha,
            left=first,
            **common,
        )
    return PairView(
        camera=camera.resized(width, height),
        image=shown,
        depth=_enlarged(second.depth, height, width),
        alpha=seen.astype(np.float32),
        **common,
    )


def difference(first: np.ndarray, second: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, float]:
    """How far two images [h, w, 3] in [0, 1] are apart where they are `seen` [h, w].

    Returns |first - second| times `GAIN`, cut off at 1 and 0 where nothing is seen, and the
    PSNR in dB: NaN if nothing is seen at all.
    """
    apart = np.clip(first, 0.0, 1.0) - np.clip(second, 0.0, 1.0)
    apart[~seen] = 0.0
    if not seen.any():
        return apart.astype(np.float32), math.nan
    error = float(np.mean(np.square(apart[seen], dtype=np.float64)))
    psnr = -10.0 * math.log10(error) if error > 0.0 else math.inf
    return np.minimum(GAIN * np.abs(apart), 1.0).astype(np.float32), psnr


def _painted(
    views: tuple[RenderedView, RenderedView], mode: str
) -> tuple[RenderedView, RenderedView]:
    """The views in a mode that follows from depth and alpha, near bright and far dark."""
    if mode not in ("depth", "accumulation"):
        return views
    depths = np.concatenate([view.depth[view.alpha > SOLID] for view in views])
    scale = float(np.median(depths)) if len(depths) else 1.0

    def paint(view: RenderedView) -> RenderedView:
        grey = view.alpha * (view.alpha if mode == "accumulation" else scale / (scale + view.depth))
        return replace(view, image=np.repeat(grey[..., None], 3, axis=2).astype(np.float32))

    return paint(views[0]), paint(views[1])


def _solid(run: RenderedView, behind: np.ndarray) -> RenderedView:
    """The run's view as it is compared with a photo: over one colour, nothing seen through it."""
    depth = np.where(run.depth > 0, run.depth, _middle(run))
    image = _laid(run, behind).astype(np.float32)
    return replace(run, image=image, depth=depth, alpha=np.ones_like(run.alpha))


def _middle(run: RenderedView) -> np.float32:
    """How far most of what is seen is."""
    known = run.depth[run.depth > 0]
    return np.float32(np.median(known) if len(known) else 1.0)


def _as_deep(photo: RenderedView, run: RenderedView) -> RenderedView:
    """The photo as far away as what the run has there, so that things in space lie around it."""
    depth = _enlarged(run.depth, *photo.depth.shape)
    depth = np.where(photo.depth > 0, np.where(depth > 0, depth, _middle(run)), 0.0)
    return replace(photo, depth=depth.astype(np.float32))


def _laid(view: RenderedView, behind: np.ndarray | None) -> np.ndarray:
    """[h, w, 3] the image of `view` over one colour, black by default."""
    if behind is None:
        return view.image
    return view.image + (1 - view.alpha)[..., None] * behind.astype(np.float32)


def _enlarged(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """`image` [h, w, ...] at another size, each pixel repeated as often as need be."""
    h, w = image.shape[:2]
    if (h, w) == (height, width):
        return image
    rows, columns = np.arange(height) * h // height, np.arange(width) * w // width
    return image[rows[:, None], columns]
