"""COLMAP's binary files: little-endian, packed, each beginning with its number of entries."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.formats.colmap_model import ColmapImage, ColmapPoints
from assets.lens import MODEL_NAMES, MODELS, Lens

_LONGEST_NAME = 4096


class _Reader:
    """Takes values from the front of a file and never reads past its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.data = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        self.at = 0
        self.count = 0

    def take(self, layout: struct.Struct) -> tuple:
        """The next values."""
        if self.at + layout.size > len(self.data):
            raise self.cut_off()
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return values

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        if size > len(self.data) - self.at:
            raise self.cut_off()
        self.at += size

    def text(self) -> str:
        """The next text up to its zero byte."""
        end = self.data.find(b"\0", self.at, self.at + _LONGEST_NAME)
        if end < 0:
            raise self.cut_off()
        raw = self.data[self.at : end]
        self.at = end + 1
        return raw.decode("utf-8", errors="surrogateescape")

    def entries(self, least_bytes: int, read: Callable[[], None]) -> None:
        """Read the number of entries, check that so many can be there, and read them."""
        if not self.data:
            raise InputError(f"{self.path} is empty (0 bytes); copy the model again")
        self.count = self.take(_COUNT)[0]
        if self.count * least_bytes > len(self.data) - self.at:
            raise self.cut_off()
        for _ in range(self.count):
            read()
        if self.at != len(self.data):
            raise InputError(
                f"{self.path} goes on for {len(self.data) - self.at} bytes after its "
                f"{self.count} entries; it is not what COLMAP wrote, copy the model again"
            )

    def cut_off(self) -> InputError:
        """The error for a file that ends before its entries do."""
        return InputError(
            f"{self.path} is cut off or damaged: it promises {self.count} entries, but its "
            f"{len(self.data)} bytes do not hold them; copy the model again"
        )


_COUNT = struct.Struct("<Q")
_CAMERA = struct.Struct("<IiQQ")
_IMAGE = struct.Struct("<I7dI")
_POINT = struct.Struct("<Q3d3BdQ")


def read_cameras(path: Path) -> dict[int, Lens]:
    """Lenses by camera id. Raises InputError for a file that is cut off or not COLMAP's."""
    reader, lenses = _Reader(path), {}

    def read() -> None:
        camera_id, model_id, width, height = reader.take(_CAMERA)
        name = MODEL_NAMES.get(model_id)
        if name is None:
            raise InputError(
                f"{path} has a camera with the unknown model number {model_id}; it is damaged or "
                "newer than what is read, copy the model again"
            )
        params = reader.take(struct.Struct(f"<{MODELS[name].count}d"))
        lenses[camera_id] = Lens(name, width, height, params)

    reader.entries(_CAMERA.size, read)
    return lenses


def read_images(path: Path) -> list[ColmapImage]:
    """Registered photos in file order. Raises InputError as `read_cameras` does."""
    reader, images = _Reader(path), []

    def read() -> None:
        _, *pose, camera_id = reader.take(_IMAGE)
        name = reader.text()
        reader.skip(24 * reader.take(_COUNT)[0])  # x, y and point id of each feature
        images.append(ColmapImage(name, camera_id, np.array(pose[:4]), np.array(pose[4:])))

    reader.entries(_IMAGE.size + 9, read)
    return images


def read_points(path: Path) -> ColmapPoints:
    """All points. Raises InputError as `read_cameras` does."""
    reader, positions, colours = _Reader(path), [], []

    def read() -> None:
        _, x, y, z, red, green, blue, _, track = reader.take(_POINT)
        reader.skip(8 * track)
        positions.append((x, y, z))
        colours.append((red, green, blue))

    reader.entries(_POINT.size, read)
    return ColmapPoints(
        np.array(positions, dtype=np.float64).reshape(-1, 3),
        np.array(colours, dtype=np.uint8).reshape(-1, 3),
    )


def count_images(path: Path) -> int:
    """How many photos `path` says that it holds; 0 where it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(_COUNT.size)
    except OSError:
        return 0
    return _COUNT.unpack(start)[0] if len(start) == _COUNT.size else 0
