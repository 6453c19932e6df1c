"""Photos that are read when they are needed, at the size that is needed."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from assets.decode import decode


class Photo(Protocol):
    """A photo on disk (or in memory) with any lens distortion taken out when it is read."""

    @property
    def width(self) -> int:
        """Full width in pixels."""
        ...

    @property
    def height(self) -> int:
        """Full height in pixels."""
        ...

    def load(self, width: int, height: int) -> np.ndarray:
        """[height, width, 3] float32 sRGB in [0, 1] or, with alpha, [height, width, 4].

        Shrinks with an antialiasing filter. Raises InputError when the file is broken.
        """
        ...


@dataclass(frozen=True, eq=False)
class FilePhoto:
    """A photo file taken as it is; `width` x `height` is what its camera was calibrated for."""

    path: Path
    width: int
    height: int

    def load(self, width: int, height: int) -> np.ndarray:
        """See `Photo.load`; every call reads the file."""
        return decode(self.path, width, height, full=(self.width, self.height))


class PhotoCache:
    """Keeps photos that were read, up to a number of bytes; the least recently used go first.

    Pixels are kept as 8-bit numbers, a quarter of what floats take, so what comes out is
    rounded to steps of 1/255, the first time too. Any number of threads may load at once.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int, int], tuple[Photo, np.ndarray]] = OrderedDict()
        self._bytes = 0

    @property
    def used_bytes(self) -> int:
        """Bytes of pixels that are kept at present."""
        return self._bytes

    def load(self, photo: Photo, width: int, height: int) -> np.ndarray:
        """What `photo.load` gives, to 8 bits, in a fresh array that the caller owns."""
        key = (id(photo), width, height)  # the entry holds the photo, so its id stays taken
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        if found is not None:
            return _to_float(found[1])
        pixels = _to_bytes(photo.load(width, height))
        with self._lock:
            if key not in self._kept and pixels.nbytes <= self.budget_bytes:
                self._kept[key] = (photo, pixels)
                self._bytes += pixels.nbytes
                while self._bytes > self.budget_bytes:
                    _, (_, dropped) = self._kept.popitem(last=False)
                    self._bytes -= dropped.nbytes
        return _to_float(pixels)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


def _to_bytes(pixels: np.ndarray) -> np.ndarray:
    return (pixels * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


def _to_float(pixels: np.ndarray) -> np.ndarray:
    return np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
