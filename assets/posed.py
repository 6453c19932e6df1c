"""Photos whose cameras are known: what every reconstruction here starts from."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assets.camera import Camera
from assets.photos import Photo
from assets.pointcloud import PointCloud


@dataclass(frozen=True, eq=False)
class View:
    """One photo and its camera; the camera fits the photo at full resolution, undistorted."""

    name: str
    """File name relative to the data set's photo folder; views are sorted by it."""
    photo: Photo
    camera: Camera
    mask: Path | None = None
    """A picture of the shape of the photo's file, black where the photo is to be ignored."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PosedPhotos:
    """A data set in its own frame and units."""

    name: str
    """Short title for people, usually the folder's name."""
    source: Path
    views: tuple[View, ...]
    points: PointCloud | None = None
    """What structure from motion triangulated, where the data set has it."""
    notes: tuple[str, ...] = field(default=())
    """Sentences on what was skipped or assumed while reading, each said once."""

    @property
    def centres(self) -> np.ndarray:
        """[n, 3] camera positions."""
        return np.stack([view.camera.centre for view in self.views])

    @property
    def up(self) -> np.ndarray:
        """[3] unit direction that is up in most photos."""
        return up_of([view.camera for view in self.views])


def up_of(cameras: list[Camera]) -> np.ndarray:
    """[3] unit direction that is up in most of `cameras`."""
    up = np.sum([camera.up for camera in cameras], axis=0)
    length = float(np.linalg.norm(up))
    return up / length if length > 1e-6 else np.array([0.0, -1.0, 0.0])


def split_holdout(names: list[str], every: int) -> tuple[list[int], list[int]]:
    """Indices (train, held out) where every `every`-th of the sorted `names` is held out.

    `every` 0 holds out none; the first held-out name is the first of all, as is the
    custom for benchmarks on these data sets. With too few names to train on, none is.
    """
    order = sorted(range(len(names)), key=names.__getitem__)
    if every <= 0 or len(names) <= 2:
        return order, []
    return [k for i, k in enumerate(order) if i % every], order[::every]
