"""What the three files of a COLMAP model say, read without trusting a single count in them.

Formats: https://colmap.github.io/format.html. pycolmap would read them too, but it waits
for ever on an empty points3D.bin and takes a cut-off cameras.bin for a whole one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assets.lens import Lens


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """One registered photo."""

    name: str
    """Path relative to the photo folder, with slashes."""
    camera_id: int
    quaternion: np.ndarray
    """[4] wxyz of world-to-camera, as it stands in the file."""
    translation: np.ndarray
    """[3] of world-to-camera."""


@dataclass(frozen=True, eq=False)
class ColmapPoints:
    """All triangulated points."""

    positions: np.ndarray
    """[n, 3] float64."""
    colours: np.ndarray
    """[n, 3] uint8."""


@dataclass(frozen=True, eq=False)
class ColmapModel:
    """A whole model."""

    cameras: dict[int, Lens]
    images: list[ColmapImage]
    points: ColmapPoints | None
    """None where the file with points is missing."""


def model_suffix(folder: Path) -> str | None:
    """ ".bin" or ".txt" where `folder` has any file of a COLMAP model, binary first, else None."""
    for suffix in (".bin", ".txt"):
        if any((folder / (stem + suffix)).is_file() for stem in ("cameras", "images")):
            return suffix
    return None
