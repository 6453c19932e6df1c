"""Photos turned upright: to look at, and as files that every other program can read."""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from assets.decode import (
    PIL_ERRORS,
    TURNS,
    damaged,
    decode_upright,
    has_alpha,
    opened,
    orientation_of,
)
from assets.errors import InputError
from assets.files import atomic_write, write_failure
from assets.unposed import Shot

_SUFFIXES = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",)}
_JPEG_KINDS = ("JPEG", "MPO")
"""Phones write JPEG files with a second picture behind the first; Pillow calls them MPO."""
_LOSSY = frozenset({*_JPEG_KINDS, "WEBP", "HEIF", "AVIF", "JPEG2000"})
_JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class UprightPhoto:
    """A photo file, turned as its EXIF orientation says; `width` x `height` is upright."""

    path: Path
    width: int
    height: int

    def load(self, width: int, height: int) -> np.ndarray:
        """See `Photo.load`; every call reads the file, and a JPEG no larger than needed."""
        return decode_upright(self.path, width, height)


def upright_name(shot: Shot) -> str:
    """What the file that `write_upright` leaves is called; raises InputError as it does."""
    with opened(shot.path) as image:
        return _name(shot.name, _format(image))


def write_upright(shot: Shot, folder: Path) -> Path:
    """Put the photo as an upright 8-bit JPEG or PNG at `folder`/its name; gives the file.

    A file that is one already is linked or, where that cannot be, copied. Others are
    converted, and ".png" or ".jpg" is appended to a name that says something else. A file
    that is there and no older than the photo stays. Raises InputError where the photo is
    damaged or the file cannot be written.
    """
    with opened(shot.path) as image:
        kind = _format(image)
        target = folder / _name(shot.name, kind)
        if is_fresh(target, shot.path):
            return target
        keep = _is_standard(image)
        turn = TURNS.get(orientation_of(image))
        try:
            if keep and kind == "JPEG":
                # All of the file is read all the same, which is what finds damage.
                image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
            pixels = None if keep else _standard(image)
        except PIL_ERRORS as error:
            raise damaged(shot.path, error) from error
        # A profile for printing inks means nothing once the colours are those of light.
        profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(write_failure(target, error)) from error
    if pixels is None:
        _link_or_copy(shot.path, target)
        return target
    if turn is not None:
        pixels = pixels.transpose(turn)
    with atomic_write(target) as file:
        if kind == "JPEG":
            pixels.save(file, "JPEG", quality=_JPEG_QUALITY, icc_profile=profile)
        else:
            pixels.save(file, "PNG", compress_level=1, icc_profile=profile)
    return target


def _format(image: Image.Image) -> str:
    """ "JPEG" or "PNG": what the photo is written as."""
    return "JPEG" if image.format in _LOSSY and not has_alpha(image) else "PNG"


def _name(name: str, kind: str) -> str:
    suffixes = _SUFFIXES[kind]
    return name if name.lower().endswith(suffixes) else name + suffixes[0]


def _is_standard(image: Image.Image) -> bool:
    """Whether every program reads the file as it is, and upright."""
    if orientation_of(image) != 1 or "transparency" in image.info:
        return False
    if image.format in _JPEG_KINDS:
        return image.mode in ("RGB", "L")
    return image.format == "PNG" and image.mode in ("RGB", "RGBA", "L") and not _is_deep(image)


def _is_deep(image: Image.Image) -> bool:
    """Whether a PNG has 16 bits a channel, of which Pillow shows 8."""
    tiles = getattr(image, "tile", [])
    return any("16" in str(tile[3]) for tile in tiles)


def _standard(image: Image.Image) -> Image.Image:
    """8-bit grey, RGB or RGBA."""
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.nan_to_num(np.asarray(image, dtype=np.float32))
        scale = 255.0 if image.mode == "F" else 255.0 / 65535.0
        return Image.fromarray(np.clip(deep * scale + 0.5, 0, 255).astype(np.uint8))
    if has_alpha(image):
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("L", "1") else "RGB")


def is_fresh(target: Path, *sources: Path) -> bool:
    """Whether `target` is there and no older than what it was made from."""
    try:
        there = target.stat()
        changed_ns = max(source.stat().st_mtime_ns for source in sources)
    except OSError:
        return False
    return there.st_size > 0 and there.st_mtime_ns >= changed_ns


def _link_or_copy(source: Path, target: Path) -> None:
    """One more name for the same bytes, or other bytes where the disk or system has no links."""
    part = target.parent / f".zograscope-{secrets.token_hex(6)}.part"
    try:
        os.link(source.resolve(), part)
        os.replace(part, target)
    except OSError:
        part.unlink(missing_ok=True)
        with source.open("rb") as old, atomic_write(target) as new:
            shutil.copyfileobj(old, new)
