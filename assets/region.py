"""Where in space the cameras look, for when nobody knows what they see there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos

_BEYOND = 0.25
"""Share of random points that lie farther away, for backgrounds."""
_FARTHEST = 8.0
"""How far those reach, in distances of what is looked at."""
_TRIES = 40
_ASKED = 24
"""Cameras that are asked whether they see a point, at most."""


@dataclass(frozen=True, eq=False)
class Region:
    """A ball that fills most photos, and how far from the cameras it is."""

    centre: np.ndarray
    """[3] world units."""
    radius: float
    distance: float
    """Median way from a camera to the centre, world units."""


def region_of_interest(cameras: Sequence[Camera]) -> Region:
    """What `cameras` look at: the point nearest to all optical axes by least squares.

    Where the axes say nothing (one camera, parallel cameras, cameras that look outwards)
    it lies ahead of their middle, three times as far as they are apart, or 1.
    """
    centres = np.stack([camera.centre for camera in cameras])
    forwards = np.stack([camera.forward for camera in cameras])
    middle = centres.mean(axis=0)
    spread = float(np.linalg.norm(centres - middle, axis=1).max())
    centre = _nearest_to_axes(centres, forwards, middle)
    ahead = np.einsum("nk,nk->n", centre - centres, forwards)
    looked_at = (
        np.linalg.norm(centre - middle) < 20 * spread and (ahead > 0.05 * spread).mean() > 0.5
    )
    if looked_at:
        distance = float(np.median(np.linalg.norm(centre - centres, axis=1)))
    else:
        distance = 3 * spread if spread > 1e-9 else 1.0
        centre = middle + distance * forwards.mean(axis=0)  # stays inside where they look outwards
    half_angles = [np.arctan(max(c.width / c.fx, c.height / c.fy) / 2) for c in cameras]
    radius = distance * float(np.sin(np.median(half_angles)))
    return Region(centre, radius, distance)


def random_points(dataset: PosedPhotos, count: int, rng: np.random.Generator) -> PointCloud:
    """`count` points of random colour that cameras of `dataset` see.

    Three quarters are even in the ball of `region_of_interest`, seen by two cameras where
    there are two; the rest lie behind it on rays through random pixels, even in 1 / depth.
    """
    cameras = [view.camera for view in dataset.views]
    region = region_of_interest(cameras)
    beyond = round(_BEYOND * count)
    near = _seen_in_ball(cameras, region, count - beyond, rng)
    far = _on_rays(cameras, region, count - len(near), rng)
    positions = np.concatenate([near, far]).astype(np.float32)
    return PointCloud(positions, rng.random((count, 3), dtype=np.float32))


def _nearest_to_axes(centres: np.ndarray, forwards: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """[3] minimiser of the squared distances to the axes; `middle` decides what they do not."""
    across = np.eye(3) - forwards[:, :, None] * forwards[:, None, :]
    offset = np.einsum("nij,nj->i", across, centres - middle)
    return middle + np.linalg.pinv(across.sum(axis=0), rcond=1e-4, hermitian=True) @ offset


def _seen_in_ball(
    cameras: Sequence[Camera], region: Region, count: int, rng: np.random.Generator
) -> np.ndarray:
    """At most `count` points [n, 3] of the ball; fewer where hardly any of it is seen."""
    needed = min(2, len(cameras))
    checked = [cameras[i] for i in rng.permutation(len(cameras))[:_ASKED]]
    found = np.empty((0, 3))
    for _ in range(_TRIES):
        points = rng.normal(size=(count + 64, 3))
        points *= (rng.random(len(points)) ** (1 / 3) / np.linalg.norm(points, axis=1))[:, None]
        points = region.centre + region.radius * points
        seen = np.zeros(len(points), dtype=int)
        for camera in checked:
            pixels, depth = camera.project(points)
            inside = (pixels >= 0) & (pixels <= (camera.width, camera.height))
            seen += inside.all(axis=1) & (depth > 0.1 * region.distance)
        found = np.concatenate([found, points[seen >= needed]])
        if len(found) >= count:
            break
    return found[:count]


def _on_rays(
    cameras: Sequence[Camera], region: Region, count: int, rng: np.random.Generator
) -> np.ndarray:
    """[count, 3] points through random pixels of random cameras, from the region onwards."""
    which = rng.integers(len(cameras), size=count)
    across = rng.random((count, 2))
    inverse = rng.uniform(1 / _FARTHEST, 1.0, count)
    points = np.empty((count, 3))
    for i, camera in enumerate(cameras):
        mine = which == i
        flat = (across[mine] * (camera.width, camera.height) - (camera.cx, camera.cy)) / (
            camera.fx,
            camera.fy,
        )
        depth = region.distance / inverse[mine]
        local = np.column_stack([flat, np.ones(len(flat))]) * depth[:, None]
        pose = camera.camera_to_world
        points[mine] = local @ pose[:3, :3].T + pose[:3, 3]
    return points
