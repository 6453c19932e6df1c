"""Places a command is going to write to, looked at before hours of work go into them."""

import os
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.files import atomic_write


def check_place(path: Path, suffixes: tuple[str, ...] = ()) -> None:
    """Raise InputError when a file at `path` could not be written or has an odd suffix."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(
            f"{path} cannot be written: the format is told by the name's end, "
            f"so use one of {', '.join(suffixes)}"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it instead")
    _check_parent(path)


def check_folder(path: Path) -> None:
    """Raise InputError when no folder could be put at `path`."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; name a folder instead")
    _check_parent(path)


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} may not be written to; choose another one")


def write_png(image: np.ndarray, path: Path) -> None:
    """Write `image` [h, w, 3] float sRGB in [0, 1] as 8-bit PNG, whole or not at all."""
    import imageio.v3 as imageio

    pixels = np.round(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)
    with atomic_write(path) as file:
        file.write(imageio.imwrite("<bytes>", pixels, extension=".png"))
