"""Photos made bad on purpose, and the doctor asked about them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from assets.colour import linear_to_srgb, srgb_to_linear
from assets.formats.photo_folder import read_photo_folder
from assets.unposed import UnposedPhotos
from engines.doctor import Diagnosis, Finding, look_at_photos


def examine(photos: UnposedPhotos | Path) -> Diagnosis:
    """The diagnosis of a set or of the photos in a folder."""
    if isinstance(photos, Path):
        photos = read_photo_folder(photos)
    looking = look_at_photos(photos)
    while True:
        try:
            next(looking)
        except StopIteration as end:
            return end.value


def finding(diagnosis: Diagnosis, kind: str) -> Finding:
    """The only finding of that kind."""
    (found,) = [one for one in diagnosis.findings if one.kind == kind]
    return found


def kinds(diagnosis: Diagnosis) -> set[str]:
    """Of findings that are more than a note."""
    return {one.kind for one in diagnosis.findings if one.level in ("warn", "bad")}


def copied(folder: Path, target: Path) -> Path:
    """The photos of `folder` in `target`, to be changed there."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.suffix in (".jpg", ".png"):
            shutil.copyfile(path, target / path.name)
    return target


def change(path: Path, how: Callable[[Image.Image], Image.Image], to: Path | None = None) -> None:
    """Put what `how` makes of the photo at `path` in its place, or at `to`."""
    with Image.open(path) as image:
        changed = how(image.convert("RGB"))
    changed.save(to or path, quality=90)


def blurred(radius: float) -> Callable[[Image.Image], Image.Image]:
    """Out of focus; the standard deviation in pixels."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


def shaken(length: int, *, down: bool = False) -> Callable[[Image.Image], Image.Image]:
    """Moved by `length` pixels while the shutter was open."""
    radius = ((length - 1) / 2) * np.array((not down, down))
    return lambda image: image.filter(ImageFilter.BoxBlur(tuple(radius)))


def exposed(stops: float) -> Callable[[Image.Image], Image.Image]:
    """As if exposed longer or shorter by a factor of two to the power of `stops`."""

    def expose(image: Image.Image) -> Image.Image:
        light = srgb_to_linear(np.asarray(image, dtype=np.float32) / 255) * 2.0**stops
        return Image.fromarray((linear_to_srgb(light) * 255 + 0.5).astype(np.uint8))

    return expose


def resized(share: float) -> Callable[[Image.Image], Image.Image]:
    """Smaller, in the same shape."""
    return lambda image: image.resize((round(image.width * share), round(image.height * share)))
