"""What the cameras see of a scene: depth, how far to believe it, and colour."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from assets.camera import Camera, look_at
from engines.engine import RenderedView, Renders
from engines.events import Event, Prepared
from engines.mesh.box import Box, Grid

EMPTY = np.float32(1e30)
"""Depth of a pixel through which one sees nothing but the void."""
BYTES_PER_PIXEL = 4 + 4 + 3
GRAZING = 0.1
"""Cosine between ray and surface below which depth is not believed: an edge or a bad angle."""
PIXELS_PER_CELL = 1.5
ORBIT_VIEWS = 60
LARGEST_ORBIT_PX = 8_192
ORBIT_ANGLE = np.radians(40.0)
SMALLEST_SIDE = 16

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class DepthView:
    """One camera's depth map, ready to be fused."""

    camera: Camera
    depth: np.ndarray
    """[h, w] float32 world units along z; `EMPTY` where one sees through."""
    trust: np.ndarray
    """[h, w] float32 in [0, 1], the weight of what the pixel says."""
    colour: np.ndarray
    """[h, w, 3] uint8 sRGB."""


def drawn(
    phase: str,
    source: Renders,
    cameras: Sequence[Camera],
    keep: Callable[[RenderedView], T],
    *,
    budget_ms: float | None = None,
) -> Generator[Event, None, list[T]]:
    """Draw what each of `cameras` sees; yields progress and returns what `keep` makes of it.

    A view that takes longer than `budget_ms` is drawn smaller.
    """
    kept = []
    for done, camera in enumerate(cameras):
        yield Prepared(phase=phase, done=done, total=len(cameras))
        kept.append(keep(source.render(camera, budget_ms)))
    yield Prepared(phase=phase, done=len(cameras), total=len(cameras))
    return kept


def depth_view(drawn: RenderedView, *, opacity: float) -> DepthView:
    """`drawn` with its pixels judged: surface where alpha is at least `opacity`, else void.

    A surface seen at an angle counts less (Curless and Levoy 1996, section 3), here by the
    square of the cosine: splats of a slanted surface hide each other and look too near. That
    also takes out pixels at the edge of a thing, whose depth lies between it and the ground.
    """
    solid = (drawn.alpha >= opacity) & (drawn.depth > 0)
    depth = np.where(solid, drawn.depth, EMPTY).astype(np.float32)
    cosine = _facing(drawn.camera, np.where(solid, drawn.depth, np.nan))
    surface = np.where(cosine >= GRAZING, cosine**2 * drawn.alpha, 0.0)
    trust = np.where(solid, surface, 1.0 - drawn.alpha).astype(np.float32)
    full = drawn.image / np.maximum(drawn.alpha, 1e-3)[..., None]  # not mixed with the void
    colour = np.rint(np.clip(full, 0, 1) * 255).astype(np.uint8)
    return DepthView(drawn.camera, depth, trust, colour)


def points_seen(drawn: RenderedView, *, opacity: float) -> tuple[np.ndarray, np.ndarray]:
    """World positions [n, 3] of what the pixels of `drawn` show, and their depths [n]."""
    solid = (drawn.alpha >= opacity) & (drawn.depth > 0)
    local = unprojected(drawn.camera, drawn.depth)[solid]
    pose = drawn.camera.camera_to_world
    return local @ pose[:3, :3].T + pose[:3, 3], local[:, 2]


def share_of_views(cameras: Sequence[Camera], points: np.ndarray) -> np.ndarray:
    """[n] share of `cameras` whose pictures `points` [n, 3] lie in, hidden or not."""
    count = np.zeros(len(points))
    for camera in cameras:
        pixels, depth = camera.project(points)
        within = (pixels >= 0) & (pixels <= (camera.width, camera.height))
        count += within.all(axis=1) & (depth > 0)
    return count / len(cameras)


def chosen(cameras: Sequence[Camera], most: int) -> list[Camera]:
    """At most `most` of the `cameras`, evenly along their order."""
    if len(cameras) <= most:
        return list(cameras)
    return [cameras[i] for i in np.linspace(0, len(cameras) - 1, most).round().astype(int)]


def sized(camera: Camera, *, longest: int) -> Camera:
    """`camera` with a picture whose longest side has `longest` pixels, if it is larger."""
    part = longest / max(camera.width, camera.height)
    if part >= 1:
        return camera
    return camera.resized(max(1, round(camera.width * part)), max(1, round(camera.height * part)))


def sized_for(camera: Camera, grid: Grid) -> Camera:
    """`camera` with pixels a little finer than the cells of `grid` where it sees the middle."""
    distance = max(float(np.linalg.norm(grid.centre - camera.centre)), grid.spacing)
    wanted = PIXELS_PER_CELL * distance / grid.spacing
    part = wanted / max(camera.fx, camera.fy)
    longest = max(SMALLEST_SIDE, round(part * max(camera.width, camera.height)))
    return sized(camera, longest=longest)


def pixels_of(cameras: Sequence[Camera]) -> int:
    """How many pixels all of their pictures have."""
    return sum(camera.width * camera.height for camera in cameras)


def orbit(box: Box, count: int, *, pixels: int) -> list[Camera]:
    """`count` cameras evenly on a sphere around `box`, each of which sees all of it.

    The places follow a Fibonacci spiral; the pictures are squares of `pixels` a side.
    """
    radius = float(np.linalg.norm(box.size)) / 2
    distance = 1.05 * radius / np.sin(ORBIT_ANGLE / 2)
    focal = pixels / 2 / np.tan(ORBIT_ANGLE / 2)
    step = np.arange(count)
    height = 1 - (2 * step + 1) / count
    angle = step * np.pi * (3 - 5**0.5)
    ring = np.sqrt(1 - height**2)
    places = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    return [
        Camera(
            width=pixels,
            height=pixels,
            fx=focal,
            fy=focal,
            cx=pixels / 2,
            cy=pixels / 2,
            camera_to_world=look_at(box.centre + distance * away, box.centre, np.array([0, 0, 1])),
        )
        for away in places
    ]


def _facing(camera: Camera, depth: np.ndarray) -> np.ndarray:
    """[h, w] cosine between ray and surface; 0 where a neighbour shows nothing (NaN)."""
    if min(depth.shape) < 2:
        return np.zeros_like(depth)
    points = unprojected(camera, depth)
    down, right = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normal = np.cross(right, down)
    length = np.linalg.norm(normal, axis=2) * np.linalg.norm(points, axis=2)
    cosine = np.abs((normal * points).sum(axis=2)) / np.where(length > 0, length, np.inf)
    return np.nan_to_num(cosine, nan=0.0)


def unprojected(camera: Camera, depth: np.ndarray) -> np.ndarray:
    """[h, w, 3] float64 points in the camera's frame."""
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
    return np.stack([depth * x, depth * y[:, None], depth], axis=-1).astype(np.float64)
