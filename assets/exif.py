"""What a photo's header says about how it was taken, without reading a pixel."""

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags

from assets.decode import QUARTER_TURNS, exif_of, opened, orientation_of

_FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
_MM_PER_UNIT = {1: 25.4, 2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""By the tag FocalPlaneResolutionUnit; without a unit it is inches."""
_PLAUSIBLE = (0.2, 30.0)
"""Focal lengths over the longer side that a real lens may have."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is known of a photo before it is read."""

    width: int
    """Pixels of the upright photo."""
    height: int
    orientation: int
    """EXIF's, 1 (upright as stored) to 8."""
    focal_px: float | None
    """Focal length in pixels of the upright photo; None where EXIF does not tell."""
    camera: str
    """Maker, model and focal length, as far as they are known: equal words, equal lens."""
    taken: datetime | None


def read_header(path: Path) -> Header:
    """What the header of the photo at `path` says.

    Raises InputError with a sentence when the file is missing, empty or no photo.
    """
    with opened(path) as image:
        width, height = image.size
        orientation = orientation_of(image)
        words = exif_of(image)
    if orientation in QUARTER_TURNS:
        width, height = height, width
    return Header(
        width=width,
        height=height,
        orientation=orientation,
        focal_px=_focal_px(words, width, height),
        camera=_camera(words),
        taken=_taken(words),
    )


def _number(words: dict[int, Any], tag: int) -> float | None:
    """A tag as a finite number above 0, else None."""
    try:
        value = float(words[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _focal_px(words: dict[int, Any], width: int, height: int) -> float | None:
    base = ExifTags.Base
    focal = None
    # CIPA DCG-001: lengths are converted by the diagonals of the two sensors.
    if (equivalent := _number(words, base.FocalLengthIn35mmFilm)) is not None:
        focal = equivalent / _FULL_FRAME_DIAGONAL_MM * math.hypot(width, height)
    elif (focal_mm := _number(words, base.FocalLength)) is not None and (
        resolution := _number(words, base.FocalPlaneXResolution)
    ) is not None:
        unit = _MM_PER_UNIT.get(int(_number(words, base.FocalPlaneResolutionUnit) or 2), 25.4)
        focal = focal_mm * resolution / unit
        sides = [_number(words, tag) for tag in (base.ExifImageWidth, base.ExifImageHeight)]
        longest = max(side or 0.0 for side in sides)
        if longest:  # the resolution is that of the photo before it was shrunk
            focal *= max(width, height) / longest
    low, high = (share * max(width, height) for share in _PLAUSIBLE)
    return focal if focal is not None and low < focal < high else None


def _camera(words: dict[int, Any]) -> str:
    base = ExifTags.Base
    make, model = (_text(words.get(tag)) for tag in (base.Make, base.Model))
    if make and not model.lower().startswith(make.lower().split()[0]):
        model = f"{make} {model}".strip()
    focal_mm = _number(words, base.FocalLength)
    length = f"{focal_mm:.4g} mm" if focal_mm is not None else ""
    return ", ".join(filter(None, (model, length)))


def _taken(words: dict[int, Any]) -> datetime | None:
    text = _text(words.get(ExifTags.Base.DateTimeOriginal))
    try:
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _text(value: Any) -> str:
    return " ".join(value.replace("\0", " ").split()) if isinstance(value, str) else ""
