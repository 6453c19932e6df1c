"""The part of the world that a field fills: a box about what matters, stretched around it."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera
from assets.frame import Normalisation
from assets.posed import PosedPhotos
from assets.region import region_of_interest
from kernels.stretch import from_unit, to_unit

ROOM = 1.1
"""How much larger than what the cameras look at the inner box is."""
FARTHEST = 8.0
"""How far the surroundings reach where no points tell, in inner boxes."""
LIMIT = 32.0
"""The farthest they may reach by themselves."""
TAIL = 0.5
"""Percent of points at either end of each axis that do not count: specks."""
FEW_POINTS = 100
FEW_INSIDE = 0.02
"""A box that holds less than this share of the points has missed the scene."""


@dataclass(frozen=True, eq=False)
class Space:
    """A box of the normalised frame and its map to the unit cube."""

    box: Tensor
    """[2, 3] float32, low and high corner of everything that can be seen."""
    stretch: float
    """How much larger it is than the inner box about what matters; 1 if there is no more."""
    notes: tuple[str, ...] = field(default=())
    """Sentences on how the box came about."""

    @property
    def inner(self) -> Tensor:
        """[2, 3] the box about what matters."""
        centre, half = self.box.mean(dim=0), (self.box[1] - self.box[0]) / 2 / self.stretch
        return torch.stack([centre - half, centre + half])

    @property
    def unit_length(self) -> float:
        """A sixteenth of the inner box, by which densities are told from one another."""
        return float((self.inner[1] - self.inner[0]).max()) / 16

    def to_unit(self, points: Tensor) -> Tensor:
        """Places [n, 3] in the unit cube; see `kernels.stretch.to_unit`."""
        return to_unit(points, self.box, self.stretch)

    def from_unit(self, unit: Tensor) -> Tensor:
        """The inverse of `to_unit`."""
        return from_unit(unit, self.box, self.stretch)

    def to(self, device: torch.device) -> "Space":
        """The same on another device."""
        return Space(self.box.to(device), self.stretch, self.notes)


def space_of(
    dataset: PosedPhotos,
    frame: Normalisation,
    *,
    box: tuple[float, ...] = (),
    reach: float = 0.0,
    bounded: bool = False,
) -> Space:
    """The space for `dataset` in the normalised `frame`.

    Args:
        box: the inner box that a person asks for (input frame), or none.
        reach: how much larger everything is than the inner box, 0 for automatic.
        bounded: there is nothing around the inner box, as photos with transparency say.
    """
    cameras = [view.camera for view in dataset.views]
    points = _points(dataset, frame)
    low, high = _automatic(cameras, points, frame, bounded=bounded)
    notes: tuple[str, ...] = ()
    if box:
        asked = frame.to_normalised(np.array(box).reshape(2, 3))
        problem = _missed(asked, cameras, points, frame)
        if problem:
            found = frame.to_input(np.stack([low, high])).ravel()
            words = " ".join(f"{value:.4g}" for value in found)
            notes = (f"The box {problem}, so it was set from cameras and points: {words}",)
        else:
            low, high = asked
    centre, half = (low + high) / 2, (high - low) / 2
    if reach == 0.0:
        reach = 1.0 if bounded else _reach(centre, half, cameras, points, frame)
    stretch = max(1.0, float(reach))
    outer = np.stack([centre - half * stretch, centre + half * stretch])
    return Space(torch.from_numpy(outer.astype(np.float32)), stretch, notes)


def _points(dataset: PosedPhotos, frame: Normalisation) -> np.ndarray:
    """[n, 3] finite points of the data set, normalised; none where there are only a few."""
    if dataset.points is None:
        return np.empty((0, 3))
    points = dataset.points.positions.astype(np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    return frame.to_normalised(points) if len(points) >= FEW_POINTS else np.empty((0, 3))


def _automatic(
    cameras: list[Camera], points: np.ndarray, frame: Normalisation, *, bounded: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner of a cube about what the cameras look at."""
    region = region_of_interest(cameras)
    centre = frame.to_normalised(region.centre)
    half = ROOM * region.radius * frame.scale
    if bounded and len(points):
        low, high = np.percentile(points, (TAIL, 100 - TAIL), axis=0)
        half = max(half, float(np.abs(np.stack([low, high]) - centre).max()))
    return centre - half, centre + half


def _reach(
    centre: np.ndarray,
    half: np.ndarray,
    cameras: list[Camera],
    points: np.ndarray,
    frame: Normalisation,
) -> float:
    """How many inner boxes hold points and cameras."""
    if not len(points):
        return FARTHEST
    eyes = frame.to_normalised(np.stack([camera.centre for camera in cameras]))
    ends = np.percentile(points, (TAIL, 100 - TAIL), axis=0)
    farthest = max(
        1.25 * float((np.abs(ends - centre) / half).max()),
        1.05 * float((np.abs(eyes - centre) / half).max()),
    )
    return float(np.clip(farthest, 1.0, LIMIT))


def _missed(
    box: np.ndarray, cameras: list[Camera], points: np.ndarray, frame: Normalisation
) -> str:
    """What is wrong with a box [2, 3] that a person gave, or ""."""
    if len(points):
        inside = ((points >= box[0]) & (points <= box[1])).all(axis=1).mean()
        if inside < FEW_INSIDE:
            return f"holds {inside:.0%} of the points"
    corners = np.stack(np.meshgrid(*box.T), axis=-1).reshape(-1, 3)
    places = frame.to_input(np.concatenate([corners, box.mean(axis=0, keepdims=True)]))
    for camera in cameras:
        pixels, depth = camera.project(places)
        seen = (depth > 0) & (pixels >= 0).all(axis=1)
        if (seen & (pixels <= (camera.width, camera.height)).all(axis=1)).any():
            return ""
    eyes = frame.to_normalised(np.stack([camera.centre for camera in cameras]))
    around = ((eyes >= box[0]) & (eyes <= box[1])).all(axis=1).any()
    return "" if around else "is in none of the photos"
