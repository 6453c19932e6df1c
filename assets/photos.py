"""Photos that are read when they are needed, at the size that is needed."""

from typing import Protocol

import numpy as np


class Photo(Protocol):
    """A photo on disk (or in memory) with any lens distortion taken out when it is read."""

    width: int
    """Full width in pixels."""
    height: int
    """Full height in pixels."""

    def load(self, width: int, height: int) -> np.ndarray:
        """[height, width, 3] float32 sRGB in [0, 1] or, with alpha, [height, width, 4].

        Shrinks with an antialiasing filter. Raises InputError when the file is broken.
        """
        ...
