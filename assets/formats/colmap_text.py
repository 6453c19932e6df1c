"""COLMAP's text files: one entry a line, for images two, comments behind #."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.formats.colmap_model import ColmapImage, ColmapPoints
from assets.lens import MODELS, Lens

_ANNOUNCED = re.compile(r"#\s*Number of \w+:\s*(\d+)")


def read_cameras(path: Path) -> dict[int, Lens]:
    """Lenses by camera id. Raises InputError with the line number for what is not COLMAP's."""
    lenses = {}
    for number, line in _entries(path):
        words = line.split()
        if len(words) > 1 and words[1] not in MODELS:
            raise InputError(
                f'Line {number} of {path} has the unknown camera model "{words[1][:40]}"; '
                f"known are {', '.join(MODELS)}"
            )
        try:
            model, params = words[1], tuple(map(float, words[4:]))
            lens = Lens(model, int(words[2]), int(words[3]), params)
            lenses[int(words[0])] = lens
            complete = len(params) == MODELS[model].count
        except (ValueError, IndexError, OverflowError) as error:
            raise _broken(path, number, "a camera") from error
        if not complete:
            raise _broken(path, number, f"a {model} camera with {MODELS[model].count} parameters")
    _check_announced(path, len(lenses))
    return lenses


def read_images(path: Path) -> list[ColmapImage]:
    """Registered photos in file order. Raises InputError as `read_cameras` does."""
    images = []
    lines = _lines(path)
    for number, line in lines:
        if not line or line.startswith("#"):
            continue
        words = line.split(maxsplit=9)
        try:
            pose = np.array([float(word) for word in words[1:8]])
            images.append(ColmapImage(words[9], int(words[8]), pose[:4], pose[4:]))
        except (ValueError, IndexError) as error:
            raise _broken(path, number, "a photo with its pose, camera and name") from error
        next(lines, None)  # the features; the line may be empty
    _check_announced(path, len(images))
    return images


def read_points(path: Path) -> ColmapPoints:
    """All points. Raises InputError as `read_cameras` does."""
    positions, colours = [], []
    for number, line in _entries(path):
        words = line.split(maxsplit=8)
        try:
            x, y, z = map(float, words[1:4])
            red, green, blue = (min(max(int(word), 0), 255) for word in words[4:7])
            float(words[7])
        except (ValueError, IndexError) as error:
            raise _broken(path, number, "a point with its position and colour") from error
        positions.append((x, y, z))
        colours.append((red, green, blue))
    _check_announced(path, len(positions))
    return ColmapPoints(
        np.array(positions, dtype=np.float64).reshape(-1, 3),
        np.array(colours, dtype=np.uint8).reshape(-1, 3),
    )


def count_images(path: Path) -> int:
    """How many photos `path` holds; 0 where it cannot be read."""
    try:
        return len(read_images(path))
    except InputError:
        return 0


def _entries(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers and lines, without comments and empty lines."""
    return ((n, line) for n, line in _lines(path) if line and not line.startswith("#"))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if not text:
        raise InputError(f"{path} is empty (0 bytes); copy the model again")
    return ((n, line.strip()) for n, line in enumerate(text.split("\n"), start=1))


def _check_announced(path: Path, found: int) -> None:
    """A text file that lost its end is only noticed by the number in its comment."""
    for _, line in _lines(path):
        if not line.startswith("#"):
            return
        announced = _ANNOUNCED.match(line)
        if announced and found < int(announced[1][:18]):
            raise InputError(
                f"{path} is cut off: its comment announces {announced[1]} entries, but it has "
                f"{found}. Copy it again, or correct the comment if entries were taken out"
            )


def _broken(path: Path, number: int, expected: str) -> InputError:
    return InputError(
        f"Line {number} of {path} cannot be understood; expected {expected}. The file is cut "
        "off or damaged, copy the model again"
    )
