"""A data set made ready for training: normalised, shrunk, split and checked."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera
from assets.errors import InputError
from assets.frame import Normalisation, normalisation_of
from assets.leftout import left_out_note, reason_for
from assets.photos import PhotoCache
from assets.posed import PosedPhotos, View, split_holdout
from assets.weights import weights_of
from engines.events import Event, Prepared, Warned

PIXELS = {"cpu": 160_000, "cuda": 2_000_000}
"""Pixels a photo has at most when the size is chosen automatically."""


class PhotoSettings(Protocol):
    """What a method's config says of how photos are taken in."""

    @property
    def downscale(self) -> int:
        """Width and height are divided by this; 0 chooses by the device."""
        ...

    @property
    def holdout(self) -> int:
        """Every so manieth photo is held out; 0 for none."""
        ...

    @property
    def photo_memory_mb(self) -> int:
        """Memory for photos kept at training size, in units of 2**20 bytes."""
        ...


class Scene:
    """Cameras (normalised frame, training resolution) and photos, training and held out."""

    def __init__(self, dataset: PosedPhotos, config: PhotoSettings, device: torch.device) -> None:
        if not dataset.views:
            raise InputError(
                f"{dataset.name} has no photo with a known camera; at least one is needed"
            )
        self.dataset, self.config, self.device = dataset, config, device
        self.frame = _frame_of(dataset)
        self.downscale = config.downscale or automatic_downscale(dataset.views, device)
        self.views: list[View] = []
        self.cameras: list[Camera] = []
        self.train: list[int] = []
        self.held_out: list[int] = []
        self.has_alpha = False
        self._cache = PhotoCache(config.photo_memory_mb * 2**20)
        self._kept: dict[int, np.ndarray] = {}
        """By view: the pixels that count, 8 in a byte, where not all do."""

    def prepare(self) -> Iterator[Event]:
        """Read every photo once; those that cannot be read are left out and said so, once."""
        total = len(self.dataset.views)
        broken: dict[str, str] = {}
        black: list[str] = []
        views: list[View] = []
        cameras: list[Camera] = []
        self._kept.clear()
        for done, view in enumerate(self.dataset.views):
            yield Prepared(phase="Reading photos", done=done, total=total)
            width = max(1, round(view.camera.width / self.downscale))
            height = max(1, round(view.camera.height / self.downscale))
            try:
                photo = self._cache.load(view.photo, width, height)
                kept = _kept_of(view, photo)
            except InputError as error:
                broken[view.name] = reason_for(view.name, error)
                continue
            if kept is not None and not kept.any():
                black.append(view.name)
                continue
            if kept is not None and not kept.all():
                self._kept[len(views)] = np.packbits(kept)
            self.has_alpha = self.has_alpha or photo.shape[2] == 4
            camera = view.camera.resized(width, height)
            pose = self.frame.pose_to_normalised(camera.camera_to_world)
            views.append(view)
            cameras.append(camera.moved(pose))
        yield Prepared(phase="Reading photos", done=total, total=total)
        if not views:
            reasons = broken | dict.fromkeys(black, "its mask is all black")
            name, reason = next(iter(reasons.items()))
            raise InputError(
                f"None of the {total} photos of {self.dataset.name} can be used; check the files, "
                f"such as {name} ({reason})"
            )
        if broken:
            yield Warned(message=left_out_note(broken, total))
        if black:
            yield Warned(message=left_out_note(black, total, because="their masks are all black"))
        self.views, self.cameras = views, cameras
        names = [view.name for view in self.views]
        self.train, self.held_out = split_holdout(names, self.config.holdout)
        if self.config.holdout and not self.held_out:
            yield Warned(
                message="Too few photos to hold any out, so the result is only judged "
                "on photos it has seen"
            )

    def check_views(self, expected: list[str] | None) -> None:
        """Raise InputError unless the views are those named `expected`; None expects nothing."""
        found = [view.name for view in self.views]
        if expected is not None and found != expected:
            missing = len(set(expected) - set(found))
            raise InputError(
                f"The photos are not those of the checkpoint: {len(expected)} then, "
                f"{len(found)} now, {missing} missing; give the folder the run was started with"
            )

    def target(self, index: int, background: Tensor) -> Tensor:
        """[h, w, 3] the photo of view `index` over `background` [3], on the training device."""
        camera = self.cameras[index]
        array = self._cache.load(self.views[index].photo, camera.width, camera.height)
        photo = torch.from_numpy(array).to(self.device)
        if photo.shape[2] == 3:
            return photo
        return photo[..., :3] * photo[..., 3:] + background * (1 - photo[..., 3:])

    def pixels(self, index: int) -> Tensor:
        """[h * w, 3 or 4] uint8 of the photo of view `index`, row by row, on the CPU."""
        camera = self.cameras[index]
        array = self._cache.load(self.views[index].photo, camera.width, camera.height)
        return torch.from_numpy((array * 255 + 0.5).astype(np.uint8)).flatten(0, 1)

    def weights(self, index: int) -> Tensor | None:
        """[h, w] float32 on the training device: 1 where view `index` counts, 0 elsewhere.

        None where all of it counts.
        """
        if index not in self._kept:
            return None
        camera = self.cameras[index]
        bits = np.unpackbits(self._kept[index], count=camera.width * camera.height)
        kept = torch.from_numpy(bits).to(self.device, torch.float32)
        return kept.reshape(camera.height, camera.width)


def _kept_of(view: View, photo: np.ndarray) -> np.ndarray | None:
    """[h, w] bool, where `view` counts at the size of `photo` [h, w, 3 or 4]; None is everywhere.

    What is transparent is meant to be empty, which is worth learning, so no mask hides it.
    """
    kept = weights_of(view, photo.shape[1], photo.shape[0])
    if kept is None or photo.shape[2] == 3:
        return kept
    return kept | (photo[..., 3] < 1)


def automatic_downscale(views: tuple[View, ...], device: torch.device) -> int:
    """The smallest whole factor that brings the median photo down to what `device` bears."""
    pixels = float(np.median([view.camera.width * view.camera.height for view in views]))
    return max(1, math.ceil(math.sqrt(pixels / PIXELS[device.type]) - 0.05))


def _frame_of(dataset: PosedPhotos) -> Normalisation:
    """Cameras reach out to 1; cameras at one place are measured by what they see instead."""
    frame = normalisation_of(dataset.centres)
    spread = np.linalg.norm(dataset.centres - frame.centre, axis=1).max()
    if dataset.points is not None and len(dataset.points):
        distance = float(np.median(np.linalg.norm(dataset.points.positions - frame.centre, axis=1)))
        if spread < 1e-3 * distance:
            return Normalisation(centre=frame.centre, scale=1.0 / distance)
    return frame
