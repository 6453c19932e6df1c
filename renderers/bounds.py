"""How large the scene is and where its middle lies, not misled by a few stray Gaussians."""

from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from renderers.rotation import perpendicular


@dataclass(frozen=True, eq=False)
class Bounds:
    """A sphere that holds what matters, and the height of the ground under it."""

    centre: np.ndarray
    """[3]."""
    radius: float
    ground: float
    """Along the up direction."""


def bounds_of(
    clouds: list[np.ndarray], solids: list[np.ndarray], cameras: list[Camera], up: np.ndarray
) -> Bounds | None:
    """Bounds of scattered points (`clouds`, [n, 3] each) and surfaces (`solids`, likewise).

    Of scattered points the outer 2 % on every side do not count, of surfaces
    everything does; where there are cameras, what counts is what they look at, and their
    places are inside. None when there is nothing.
    """
    scattered = [_thinned(points) for points in clouds]
    places = [*scattered, *[_thinned(points) for points in solids]]
    points = np.concatenate(places) if places else np.zeros((0, 3))
    centres = np.array([camera.centre for camera in cameras]).reshape(-1, 3)
    if len(points) == 0:
        points, centres = centres, np.zeros((0, 3))
    if len(points) == 0:
        return None
    share = 2.0 if scattered and not solids else 0.0
    low, high = np.percentile(points, (share, 100.0 - share), axis=0)
    centre = 0.5 * (low + high)
    radius = 0.5 * float(np.linalg.norm(high - low)) * (1.1 if share else 1.0)
    if len(centres):
        middle = _looked_at(cameras)
        if middle is not None:
            centre, radius = middle, 0.0
        radius = max(radius, float(np.linalg.norm(centres - centre, axis=1).max()))
    heights = points[np.linalg.norm(points - centre, axis=1) <= 1.5 * radius] @ up
    ground = float(np.percentile(heights, share)) if len(heights) else float(centre @ up)
    return Bounds(centre, max(radius, 1e-6), ground)


def home_direction(cameras: list[Camera], up: np.ndarray) -> np.ndarray:
    """[3] unit direction to look along at first: as the cameras do, but from a little above."""
    forward = np.mean([camera.forward for camera in cameras] or [np.zeros(3)], axis=0)
    level = forward - (forward @ up) * up
    if np.linalg.norm(level) < 0.2:
        # No side is the front: take a corner between two axes of the ground.
        first, second = perpendicular(up)
        level = -0.5 * first - second
    direction = level / np.linalg.norm(level) - 0.4 * up
    return direction / np.linalg.norm(direction)


def resemble(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two sets of points [n, 3] lie much the same: their quartiles are close."""
    quartiles = []
    for points in (first, second):
        thin = points[:: max(1, len(points) // 1000)]
        thin = thin[np.isfinite(thin).all(axis=1)]
        if len(thin) == 0:
            return False
        quartiles.append(np.quantile(thin, (0.25, 0.5, 0.75), axis=0))
    spread = float(np.linalg.norm(quartiles[1][2] - quartiles[1][0]))
    return float(np.abs(quartiles[0] - quartiles[1]).max()) <= 0.5 * spread


def _thinned(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points)[:: max(1, len(points) // 50_000)]
    return points[np.isfinite(points).all(axis=1)].astype(np.float64)


def _looked_at(cameras: list[Camera]) -> np.ndarray | None:
    """[3] the point nearest to all optical axes, if it lies in front of most cameras."""
    matrix, vector = np.zeros((3, 3)), np.zeros(3)
    for camera in cameras:
        across = np.eye(3) - np.outer(camera.forward, camera.forward)
        matrix += across
        vector += across @ camera.centre
    if np.linalg.cond(matrix) > 1e4:
        return None
    point = np.linalg.solve(matrix, vector)
    ahead = [(point - camera.centre) @ camera.forward > 0.0 for camera in cameras]
    return point if np.mean(ahead) > 0.7 else None
