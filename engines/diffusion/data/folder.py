"""The images of a folder, read once, all made the same size."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from assets.decode import (
    PIL_ERRORS,
    QUARTER_TURNS,
    damaged,
    decode_upright,
    opened,
    orientation_of,
)
from assets.errors import InputError
from assets.leftout import left_out_note, reason_for
from engines.diffusion.data.listing import Listing, list_images
from engines.diffusion.data.pictures import Pictures

Fit = Literal["crop", "pad"]
"""Cut the longer side off in the middle, or lay grey bars beside the shorter one."""
_GREY = 0.5
_WHITE = 1.0
_SAID = {
    "animated": ("is animated; its first picture is", "are animated; their first pictures are"),
    "cmyk": ("is made for printing (CMYK) and is", "are made for printing (CMYK) and are"),
    "deep": ("has more than 8 bits a channel and is", "have more than 8 bits a channel and are"),
}
_DONE = {"animated": "learnt", "cmyk": "converted to RGB", "deep": "reduced to 8"}


def read_image_folder(
    folder: Path,
    size: int,
    *,
    fit: Fit = "crop",
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """The images below `folder` as `size` x `size` pixels, with classes or captions.

    Files that cannot be read are left out with a note. `progress` is told how many of how
    many are read; what it raises ends the reading. Raises InputError with a sentence where
    no image is left.
    """
    return read_listing(list_images(folder), size, fit=fit, progress=progress)


def read_listing(
    listing: Listing,
    size: int,
    *,
    fit: Fit = "crop",
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """See `read_image_folder`."""
    files = listing.files
    images = np.empty((len(files), size, size, 3), dtype=np.uint8)
    good: list[int] = []
    broken: dict[str, str] = {}
    converted: dict[str, int] = {}
    for i, file in enumerate(files):
        try:
            images[len(good)], kind = read_image(file.path, size, fit)
        except InputError as error:
            broken[file.name] = reason_for(file.name, error)
        else:
            good.append(i)
            if kind:
                converted[kind] = converted.get(kind, 0) + 1
        if progress is not None:
            progress(i + 1, len(files))
    notes = list(listing.notes)
    if broken:
        notes.append(left_out_note(broken, len(files)).replace(" photos ", " images "))
    if not good:
        raise InputError(
            f"None of the {len(files)} images in {listing.folder} can be read: "
            f"{next(iter(broken))} {next(iter(broken.values()))}; save them as PNG or JPEG"
        )
    texts = tuple(files[i].text for i in good)
    if gone := sorted(set(listing.classes) - set(texts)):
        notes.append(f"No image of {', '.join(gone)} can be read, so it cannot be learnt")
    for kind, count in converted.items():
        one, many = _SAID[kind]
        what = f"1 image {one}" if count == 1 else f"{count} images {many}"
        notes.append(f"{what} {_DONE[kind]}")
    pixels = torch.from_numpy(images[: len(good)]).permute(0, 3, 1, 2).contiguous()
    return Pictures(
        name=listing.folder.resolve().name,
        images=pixels,
        texts=texts,
        said=listing.said,
        names=tuple(files[i].name for i in good),
        notes=tuple(notes),
    )


def read_image(path: Path, size: int, fit: Fit = "crop") -> tuple[np.ndarray, str]:
    """[size, size, 3] uint8 and what to say of the conversion; InputError as `opened`."""
    with warnings.catch_warnings():
        # Large is fine as long as Pillow reads it at all: it is made small at once.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with opened(path) as image:
            width, height = upright_size(image)
            kind = _conversion(image)
        shorter, longer = min(width, height), max(width, height)
        scale = size / (shorter if fit == "crop" else longer)
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        if max(fitted) > 64 * size:
            raise InputError(f"{path} is {width}x{height}, a strip of which nothing is left; crop")
        try:
            pixels = decode_upright(path, *fitted)
        except MemoryError as error:
            raise damaged(path, error) from error
        except PIL_ERRORS as error:
            raise damaged(path, error) from error
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:]
        pixels = pixels[..., :3] * alpha + _WHITE * (1 - alpha)
    square = np.full((size, size, 3), _GREY, dtype=np.float32)
    rows, columns = pixels.shape[:2]
    from_row, to_row = _middle(rows, size)
    from_column, to_column = _middle(columns, size)
    square[to_row, to_column] = pixels[from_row, from_column]
    return (square * 255 + 0.5).astype(np.uint8), kind


def conversion_note(kind: str) -> str:
    """A sentence on what `read_image` did to make 8-bit RGB of an image; empty for nothing."""
    return f"The image {_SAID[kind][0]} {_DONE[kind].replace('learnt', 'taken')}" if kind else ""


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) as it is seen, with its EXIF orientation."""
    width, height = image.size
    return (height, width) if orientation_of(image) in QUARTER_TURNS else (width, height)


def _middle(have: int, want: int) -> tuple[slice, slice]:
    """Which of `have` rows go where among `want` rows, middle on middle."""
    count = min(have, want)
    source, target = (have - count) // 2, (want - count) // 2
    return slice(source, source + count), slice(target, target + count)


def _conversion(image: Image.Image) -> str:
    """What is lost when this image becomes 8-bit RGB: a key of `_SAID`, or nothing."""
    if getattr(image, "n_frames", 1) > 1 and image.format not in ("MPO", "TIFF"):
        return "animated"
    if image.mode == "CMYK":
        return "cmyk"
    if image.mode.startswith(("I", "F")) or any(
        "16" in str(tile[3]) for tile in getattr(image, "tile", ())
    ):
        return "deep"
    return ""
