"""Masks: pictures that are black where a photo is to be ignored."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from assets.decode import (
    PHOTO_SUFFIXES,
    PIL_ERRORS,
    TURNS,
    damaged,
    has_alpha,
    opened,
    orientation_of,
)
from assets.errors import InputError
from assets.files import atomic_write, write_failure
from assets.unposed import Shot
from assets.upright import is_fresh, upright_name

_LOSSY_BLACK = 127
"""Up to this a pixel of a JPEG file is black; other files have exact zeros."""


class MaskFolders:
    """The masks in some folders, found by the names of their photos."""

    NAME = "masks"
    """What such a folder is called, beside the photos' folder or in it."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._found: dict[str, Path] = {}
        for folder in folders:
            if not folder.is_dir():
                continue
            for path in sorted(folder.rglob("*")):
                if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith("."):
                    name = path.relative_to(folder).as_posix()
                    self._found.setdefault(name[: -len(path.suffix)], path)

    @classmethod
    def around(cls, photos: Path) -> "MaskFolders":
        """Those in a folder "masks" in the folder `photos` and beside it."""
        return cls(dict.fromkeys((photos / cls.NAME, photos.parent / cls.NAME)))

    def of(self, name: str) -> Path | None:
        """The mask of the photo called `name` ("a.jpg": a.png or a.jpg.png), if there is one."""
        without = str(PurePosixPath(name).with_suffix(""))
        return self._found.get(name) or self._found.get(without)


def read_mask(path: Path) -> np.ndarray:
    """[h, w] bool of the mask at `path`, True where the photo counts.

    What is transparent counts as black. Raises InputError where it cannot be read.
    """
    with opened(path) as image:
        lossy = image.format in ("JPEG", "MPO")
        turn = TURNS.get(orientation_of(image))
        try:
            if image.mode.startswith("I") or image.mode == "F":
                kept = np.asarray(image) > 0
            else:
                pixels = np.asarray(image.convert("RGBA"))
                kept = (pixels[..., :3].max(axis=2) > (_LOSSY_BLACK if lossy else 0)) & (
                    pixels[..., 3] > 0
                )
        except PIL_ERRORS as error:
            raise damaged(path, error) from error
    return _turned(kept, turn)


def write_mask(shot: Shot, folder: Path) -> Path | None:
    """Leave the mask of `shot` in `folder` as COLMAP wants it: 8-bit, 0 is ignored.

    It is called like the file of `write_upright` with ".png" behind, and has its shape. It
    comes from the mask file or from where the photo is transparent; None where there is
    neither. One that is there and no older than these stays. Raises InputError where a file
    is broken or the shapes differ.
    """
    target = folder / (upright_name(shot) + ".png")
    if is_fresh(target, shot.path, shot.mask or shot.path):
        return target
    kept = _kept(shot)
    try:
        if kept is None:
            target.unlink(missing_ok=True)  # left from a mask that is gone
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(write_failure(target, error)) from error
    with atomic_write(target) as file:
        Image.fromarray(kept.astype(np.uint8) * np.uint8(255)).save(file, "PNG")
    return target


def _kept(shot: Shot) -> np.ndarray | None:
    """[h, w] bool in the shape of the upright photo."""
    with opened(shot.path) as image:
        turn = TURNS.get(orientation_of(image))
        stored = (image.height, image.width)
        if shot.mask is None:
            if not has_alpha(image):
                return None
            try:
                opaque = np.asarray(image.convert("RGBA"))[..., 3] > 0
            except PIL_ERRORS as error:
                raise damaged(shot.path, error) from error
            return None if opaque.all() else _turned(opaque, turn)
    kept = read_mask(shot.mask)
    if kept.shape == stored:
        return _turned(kept, turn)
    upright = (shot.photo.height, shot.photo.width)
    if kept.shape == upright:
        return kept
    if _ratio_differs(kept.shape, upright):
        raise InputError(
            f"{shot.mask} has {kept.shape[1]}x{kept.shape[0]} pixels, but its photo has "
            f"{upright[1]}x{upright[0]}; expected a mask of the same shape"
        )
    size = (shot.photo.width, shot.photo.height)
    return np.asarray(Image.fromarray(kept).resize(size, Image.Resampling.NEAREST))


def _ratio_differs(shape: tuple[int, ...], other: tuple[int, int]) -> bool:
    return abs(shape[0] * other[1] - shape[1] * other[0]) > 0.01 * shape[0] * other[1]


def _turned(kept: np.ndarray, turn: Image.Transpose | None) -> np.ndarray:
    return kept if turn is None else np.asarray(Image.fromarray(kept).transpose(turn))
