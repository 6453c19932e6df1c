"""Which density is a surface: the one whose surface lies where light is seen to stop.

A radiance field has no surface. What photos tell of it is how far each ray goes, so the level
is fitted to that: along many rays, density is sampled about the depth that is seen, and the
level is taken whose first crossing lies nearest to it over all rays. Too low a level lies in
the haze before things, too high a one leaves holes where they are thin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assets.errors import InputError
from engines.engine import RenderedView
from engines.mesh.box import Box
from engines.mesh.views import depth_view, unprojected

RAYS = 4_096
SAMPLES = 48
"""Along the part of each ray that is looked at."""
LEVELS = 49
LOWEST = 1e-4
"""The lowest level that is tried, in parts of the highest."""
CROSSED = 0.9
"""At the highest level that is tried, this share of rays is not stopped any more."""
AS_GOOD = 0.2
"""Levels that are worse than the best by less than this part of the spacing of the samples
cannot be told from it."""
LEAST_TRUST = 0.05
"""Of a pixel whose ray counts: no edge, no bad angle."""

Density = Callable[[np.ndarray], np.ndarray]
"""Density [n] per world unit at positions [n, 3]."""


@dataclass(frozen=True, eq=False)
class SeenRays:
    """Rays and how far light goes along them."""

    eyes: np.ndarray
    """[n, 3] world units."""
    directions: np.ndarray
    """[n, 3] unit length."""
    reach: np.ndarray
    """[n] distance along the ray at which a surface is seen."""
    trust: np.ndarray
    """[n] how far that is to be believed; the straighter the look, the more."""

    def __len__(self) -> int:
        return len(self.reach)


def seen_rays(views: Sequence[RenderedView], box: Box, *, opacity: float) -> SeenRays:
    """At most `RAYS` rays of `views`, evenly, that end on a surface in `box`."""
    eyes, ends, trusts = [], [], []
    for view in views:
        trust = depth_view(view, opacity=opacity).trust
        sure = (trust > LEAST_TRUST) & (view.alpha >= opacity) & (view.depth > 0)
        pose = view.camera.camera_to_world
        points = unprojected(view.camera, view.depth)[sure] @ pose[:3, :3].T + pose[:3, 3]
        inside = box.holds(points)
        ends.append(points[inside])
        trusts.append(trust[sure][inside])
        eyes.append(np.broadcast_to(view.camera.centre, ends[-1].shape))
    eye, end, trust = (np.concatenate(parts) for parts in (eyes, ends, trusts))
    if len(end) > RAYS:
        some = np.linspace(0, len(end) - 1, RAYS).astype(int)
        eye, end, trust = eye[some], end[some], trust[some]
    away = np.linalg.norm(end - eye, axis=1)
    return SeenRays(eye, (end - eye) / np.maximum(away, 1e-12)[:, None], away, trust)


def fitted_level(density: Density, rays: SeenRays, *, span: float) -> float:
    """The density per world unit whose surface fits `rays` best.

    `span` is the distance in world units before and behind the seen depth that is looked at;
    a ray that crosses no surface there counts as wrong by all of it. Of levels that fit
    equally well, as all do where a surface is sharp, the geometric mean is taken. Raises
    InputError when no ray ends in the box or nothing is dense there.
    """
    if not len(rays):
        raise InputError(
            "The cameras see no surface in the box, so no density can be chosen by what they "
            "see; try another box or give a level"
        )
    offsets = np.linspace(-span, span, SAMPLES)
    away = np.maximum(rays.reach[:, None] + offsets, 0)
    points = rays.eyes[:, None] + away[..., None] * rays.directions[:, None]
    along = np.concatenate([density(part.reshape(-1, 3)) for part in _parts(points)])
    along = along.reshape(len(rays), SAMPLES)
    highest = float(np.quantile(along.max(axis=1), CROSSED))
    if not highest > 0:
        raise InputError("Nothing in the box has any density; try another box or a longer run")
    levels = np.geomspace(LOWEST, 1.0, LEVELS, endpoint=False) * highest
    wrong = np.array([_misfit(along, level, offsets, rays.trust) for level in levels])
    return _middle_of_the_best(levels, wrong, AS_GOOD * 2 * span / (SAMPLES - 1))


def bounded(density: np.ndarray, level: float) -> np.ndarray:
    """What is 0 at `level`, towards -1 where it is denser and towards 1 where it is thinner.

    It is -tanh(log(density / level) / 2): straight where density grows exponentially, as
    learnt fields have it, and half way between the samples where it jumps. Between samples of
    density itself a surface would always lie next to the thinner one.
    """
    return ((level - density) / (level + density)).astype(np.float32)


def _misfit(along: np.ndarray, level: float, offsets: np.ndarray, trust: np.ndarray) -> float:
    """Mean distance between what is seen and the first crossing of `level`, cut off."""
    span, rows = offsets[-1], np.arange(len(along))
    dense = along >= level
    first = dense.argmax(axis=1)
    before = np.maximum(first - 1, 0)
    ahead, behind = (bounded(along[rows, at], level) for at in (before, first))
    share = np.where(first > before, ahead / np.maximum(ahead - behind, 1e-12), 0.0)
    crossing = offsets[before] + share * (offsets[first] - offsets[before])
    wrong = np.where(dense.any(axis=1), np.abs(crossing), span)
    return float(np.average(np.minimum(wrong, span), weights=trust))


def _middle_of_the_best(levels: np.ndarray, wrong: np.ndarray, tolerance: float) -> float:
    low = high = int(wrong.argmin())
    good = wrong <= wrong.min() + tolerance
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(levels) - 1 and good[high + 1]:
        high += 1
    return float(np.sqrt(levels[low] * levels[high]))


def _parts(points: np.ndarray) -> list[np.ndarray]:
    return np.array_split(points, max(1, len(points) // 512))
