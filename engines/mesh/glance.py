"""A first look at a scene: small views from some of its cameras tell where things are."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.errors import InputError
from assets.region import region_of_interest
from engines.engine import RenderedView, Renders
from engines.events import Event
from engines.mesh.box import Box
from engines.mesh.views import chosen, drawn, points_seen, share_of_views, sized

GLANCE_VIEWS, GLANCE_PX = 40, 96
"""How many cameras look, and at how many pixels."""
BACKGROUND = 1.75
"""What lies farther off than this, in distances of what the cameras look at, is background."""
COMMON = 0.4
"""So is what lies within the pictures of less than this share of the cameras."""
FOREGROUND = 0.1
"""Where less than this share of all pixels is no background, that rule does not fit the scene."""


@dataclass(frozen=True, eq=False)
class Glance:
    """Small views, and what they show."""

    views: tuple[RenderedView, ...]
    points: np.ndarray
    """[n, 3] world positions of what is seen, without the background where there is more."""
    pixel_s: float
    """Seconds that drawing one pixel took."""

    @property
    def box(self) -> Box:
        """What holds nearly all of the points."""
        return Box.around(self.points)


def glance(
    source: Renders,
    cameras: Sequence[Camera],
    *,
    opacity: float,
    budget_ms: float | None = None,
) -> Generator[Event, None, Glance]:
    """Look at the scene from at most `GLANCE_VIEWS` of `cameras` (input frame, one at least).

    `opacity` is that of the faintest pixel that counts as a surface; `budget_ms` the time for
    one view, which is smaller where that would not do. Raises InputError when nothing is seen.
    """
    cameras = [sized(camera, longest=GLANCE_PX) for camera in chosen(cameras, GLANCE_VIEWS)]
    began = time.perf_counter()
    views: list[RenderedView] = yield from drawn(
        "Looking at the scene", source, cameras, lambda view: view, budget_ms=budget_ms
    )
    pixels = sum(view.alpha.size for view in views)
    pixel_s = (time.perf_counter() - began) / pixels
    found = [points_seen(view, opacity=opacity) for view in views]
    points = np.concatenate([points for points, _ in found])
    if not len(points):
        raise InputError(_why_nothing(views, opacity))
    depths = np.concatenate([depths for _, depths in found])
    return Glance(tuple(views), _foreground(cameras, points, depths), pixel_s)


def _foreground(cameras: list[Camera], points: np.ndarray, depths: np.ndarray) -> np.ndarray:
    common = share_of_views(cameras, points) >= COMMON
    near = depths <= BACKGROUND * region_of_interest(cameras).distance
    for foreground in (common & near, common, near):
        if foreground.mean() >= FOREGROUND:
            return points[foreground]
    return points


def _why_nothing(views: list[RenderedView], opacity: float) -> str:
    densest = max(float(view.alpha.max()) for view in views)
    if densest < 0.02:
        return "The cameras see nothing of the scene; check that the photos belong to it"
    return (
        f"Nothing the cameras see is more opaque than {densest:.2f}, and a surface was to "
        f"have {opacity:g}; try an opacity of {densest / 2:.2f}"
    )
