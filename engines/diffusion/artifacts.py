"""What a diffusion run leaves for whoever looks on; its health is in `engines.diffusion.health`."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Sheet:
    """Samples of the present state, from the same noise every time."""

    step: int
    seconds: float
    averaged: np.ndarray
    """[n, h, w, c] uint8 drawn with the average of the weights; [n, 2] float32 for points."""
    raw: np.ndarray
    """The same with the weights as they are."""
    texts: tuple[str, ...]
    """Captions or classes, taken in turn; none where nothing was asked for."""
