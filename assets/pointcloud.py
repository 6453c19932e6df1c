"""Coloured points in space: where structure from motion saw something."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points without connections."""

    positions: np.ndarray
    """[n, 3] float32, world units."""
    colours: np.ndarray
    """[n, 3] float32 sRGB in [0, 1]."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or assumed while reading a file, each said once."""

    def __len__(self) -> int:
        return len(self.positions)
