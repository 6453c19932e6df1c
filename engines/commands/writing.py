"""Places a command is going to write to, looked at before hours of work go into them."""

import errno
import os
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.files import atomic_write, write_failure


def check_place(path: Path, suffixes: tuple[str, ...] = ()) -> None:
    """Raise InputError when a file at `path` could not be written or has an odd suffix."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(
            f"{path} cannot be written: the format is told by the name's end, "
            f"so use one of {', '.join(suffixes)}"
        )
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder; name a file in it instead")
    _check_parent(path)


def check_folder(path: Path) -> None:
    """Raise InputError when no folder could be put at `path`."""
    if os.path.exists(path) and not os.path.isdir(path):
        raise InputError(f"{path} is a file; name a folder instead")
    _check_parent(path)


def _check_parent(path: Path) -> None:
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(write_failure(path, error)) from error
    if not os.path.isdir(path.parent):
        raise InputError(f"The folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} may not be written to; choose another one")


def write_png(image: np.ndarray, path: Path) -> None:
    """Write `image` [h, w, 3] float sRGB in [0, 1] as 8-bit PNG, whole or not at all."""
    import imageio.v3 as imageio

    pixels = np.round(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)
    with atomic_write(path) as file:
        file.write(imageio.imwrite("<bytes>", pixels, extension=".png"))
