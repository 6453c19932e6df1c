"""A trained radiance field as it lies in a file; the engine that learnt it can draw it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class SavedField:
    """Named arrays, and in plain words and numbers what they mean."""

    name: str
    """Short title for people."""
    about: dict[str, Any]
    """What is needed besides the arrays to make the field again; JSON values only."""
    arrays: dict[str, np.ndarray]
    notes: tuple[str, ...] = field(default=())
    """Sentences on what was assumed while reading."""

    @property
    def megabytes(self) -> float:
        """Size of the arrays in units of 10**6 bytes."""
        return sum(array.nbytes for array in self.arrays.values()) / 1e6
