"""Which density is a surface: the one whose surface lies where light is seen to stop.

A radiance field has no surface. What photos tell of it is how far each ray goes, so the level
is fitted to that: along rays through pixels of the cameras density is sampled, the place is
taken where half of the light that stops has stopped, and the level is chosen whose first
crossing lies nearest to it over all rays. Too low a level lies in the haze before things, too
high a one leaves holes where they are thin. The mean depth would not do: a little haze before
a wall draws it far away from both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.errors import InputError
from engines.mesh.box import Box

RAYS = 4_096
SAMPLES = 160
"""Along a ray through the box."""
LEVELS = 61
LOWEST = 1e-5
"""The lowest level that is tried, in parts of the highest."""
CROSSED = 0.9
"""At the highest level that is tried, this share of rays is not stopped any more."""
AS_GOOD = 0.2
"""Levels that are worse than the best by less than this part of the spacing of the samples
cannot be told from it."""
STOPPED = 0.5
"""Rays that stop less than this part of their light in the box say nothing."""

LEAST_FACING = 0.1
"""Cosine that counts for rays which graze a surface or stop in mere haze."""

Density = Callable[[np.ndarray], np.ndarray]
"""Density [n] per world unit at positions [n, 3]."""


@dataclass(frozen=True, eq=False)
class Rays:
    """Straight ways through a box."""

    eyes: np.ndarray
    """[n, 3] world units."""
    directions: np.ndarray
    """[n, 3] unit length."""
    enter: np.ndarray
    """[n] distance from the eye at which the ray enters the box, or 0 from within."""
    leave: np.ndarray
    """[n] where it leaves it."""

    @classmethod
    def through(cls, cameras: Sequence[Camera], box: Box, count: int = RAYS) -> "Rays":
        """About `count` rays through pixels of `cameras`, evenly, as far as they meet `box`."""
        each = max(1.0, count / len(cameras))
        eyes, directions = [], []
        for camera in cameras:
            across = max(1, round((each * camera.width / camera.height) ** 0.5))
            down = max(1, round(each / across))
            x = ((np.arange(across) + 0.5) / across * camera.width - camera.cx) / camera.fx
            y = ((np.arange(down) + 0.5) / down * camera.height - camera.cy) / camera.fy
            local = np.stack(np.broadcast_arrays(x, y[:, None], 1.0), axis=-1).reshape(-1, 3)
            way = local @ camera.camera_to_world[:3, :3].T
            directions.append(way / np.linalg.norm(way, axis=1, keepdims=True))
            eyes.append(np.broadcast_to(camera.centre, way.shape))
        eye, way = np.concatenate(eyes), np.concatenate(directions)
        safe = np.where(np.abs(way) < 1e-12, 1e-12, way)
        ends = np.stack([(box.low - eye) / safe, (box.high - eye) / safe])
        enter = np.maximum(ends.min(axis=0).max(axis=1), 0)
        leave = ends.max(axis=0).min(axis=1)
        meets = leave > enter
        return cls(eye[meets], way[meets], enter[meets], leave[meets])

    def __len__(self) -> int:
        return len(self.enter)

    def samples(self) -> np.ndarray:
        """[n, s] distances from the eye, evenly from where each ray enters to where it leaves."""
        return np.linspace(self.enter, self.leave, SAMPLES, axis=1)

    def at(self, away: np.ndarray) -> np.ndarray:
        """[n, s, 3] positions at the distances `away` [n, s]."""
        return self.eyes[:, None] + away[..., None] * self.directions[:, None]


def fitted_level(density: Density, rays: Rays, *, span: float) -> float:
    """The density per world unit whose surface fits best to where light stops along `rays`.

    `span` is the distance in world units from which on a crossing counts as wrong, as does
    none; the straighter a ray meets a surface, the more it counts. Of levels that fit equally
    well, as all do where a surface is sharp, the geometric mean is taken. Raises InputError
    when no light stops in the box.
    """
    away = rays.samples()
    along = np.concatenate(
        [density(part.reshape(-1, 3)) for part in np.array_split(rays.at(away), _parts(rays))]
    ).reshape(away.shape)
    stop, stopped = _half_stopped(along, away)
    good = stopped >= STOPPED
    if not good.any():
        raise InputError(
            "The cameras see through everything in the box, so no density can be chosen by what "
            "they see; try another box, a longer run or a level of your own"
        )
    trust = _facing(density, rays, stop, span / 10)[good] ** 2
    along, away, stop = along[good], away[good], stop[good]
    highest = float(np.quantile(along.max(axis=1), CROSSED))
    levels = np.geomspace(LOWEST, 1.0, LEVELS, endpoint=False) * highest
    wrong = np.array([_misfit(along, away, stop, level, span, trust) for level in levels])
    spacing = float(np.median(away[:, 1] - away[:, 0]))
    return _middle_of_the_best(levels, wrong, AS_GOOD * spacing)


def bounded(density: np.ndarray, level: float) -> np.ndarray:
    """What is 0 at `level`, towards -1 where it is denser and towards 1 where it is thinner.

    It is -tanh(log(density / level) / 2): straight where density grows exponentially, as
    learnt fields have it, and half way between the samples where it jumps. Between samples of
    density itself a surface would always lie next to the thinner one.
    """
    return ((level - density) / (level + density)).astype(np.float32)


def _half_stopped(along: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where half of the light that stops has stopped [n], and how much stops [n], 0 to 1.

    Density is taken to be straight between samples [n, s].
    """
    step = np.diff(away, axis=1)
    thick = np.zeros_like(away)
    np.cumsum((along[:, 1:] + along[:, :-1]) / 2 * step, axis=1, out=thick[:, 1:])
    total = -np.expm1(-thick[:, -1])
    half = -np.log1p(-total / 2)
    rows = np.arange(len(away))
    after = np.maximum((thick >= half[:, None]).argmax(axis=1), 1)
    low, high = thick[rows, after - 1], thick[rows, after]
    share = np.where(high > low, (half - low) / np.maximum(high - low, 1e-30), 0.0)
    return away[rows, after - 1] + share * step[rows, after - 1], total


def _facing(density: Density, rays: Rays, stop: np.ndarray, reach: float) -> np.ndarray:
    """[n] cosine between each ray and the surface where it stops, by density `reach` around."""
    places = rays.at(stop[:, None])
    offsets = reach * np.concatenate([np.eye(3), -np.eye(3)])
    around = density((places + offsets).reshape(-1, 3)).reshape(-1, 2, 3)
    slope = around[:, 0] - around[:, 1]
    steep = np.maximum(np.linalg.norm(slope, axis=1), 1e-30)
    return np.maximum((slope * rays.directions).sum(axis=1) / steep, LEAST_FACING)


def _misfit(
    along: np.ndarray,
    away: np.ndarray,
    stop: np.ndarray,
    level: float,
    span: float,
    trust: np.ndarray,
) -> float:
    """Mean distance between where light stops and the first crossing of `level`, cut off."""
    rows = np.arange(len(along))
    dense = along >= level
    first = dense.argmax(axis=1)
    before = np.maximum(first - 1, 0)
    thin, thick = (bounded(along[rows, at], level) for at in (before, first))
    share = np.where(first > before, thin / np.maximum(thin - thick, 1e-12), 0.0)
    crossing = away[rows, before] + share * (away[rows, first] - away[rows, before])
    wrong = np.where(dense.any(axis=1), np.abs(crossing - stop), span)
    return float(np.average(np.minimum(wrong, span), weights=trust))


def _middle_of_the_best(levels: np.ndarray, wrong: np.ndarray, tolerance: float) -> float:
    low = high = int(wrong.argmin())
    good = wrong <= wrong.min() + tolerance
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(levels) - 1 and good[high + 1]:
        high += 1
    return float(np.sqrt(levels[low] * levels[high]))


def _parts(rays: Rays) -> int:
    return max(1, len(rays) // 256)
