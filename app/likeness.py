"""Whether a sample was learnt by heart: the training image nearest to it, and how near that is."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

LOOKED_AT = 200
"""Training images from which it is told how far apart they are as a rule."""
BY_HEART = 0.5
"""A sample so much nearer to an image than images are to each other was learnt by heart."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Likeness:
    """What the training image nearest to a sample tells."""

    row: int
    """Of the nearest image among those learnt from."""
    image: np.ndarray
    """[h, w, c] uint8."""
    distance: float
    """Root mean square difference of the pixels, in [0, 2]."""
    usual: float
    """Median of the same from a training image to the nearest other one; NaN for a single one."""

    @property
    def by_heart(self) -> bool:
        """The sample is so near that it was memorised."""
        return self.distance <= BY_HEART * self.usual  # never for NaN

    @property
    def sentence(self) -> str:
        """The same in words."""
        if math.isnan(self.usual):
            return f"{self.distance:.3f} apart (RMS); there is no other image to compare with"
        if self.by_heart:
            return (
                f"Memorised: {self.distance:.3f} apart (RMS), while training images are "
                f"{self.usual:.3f} from the nearest other one"
            )
        return (
            f"Not memorised: {self.distance:.3f} apart (RMS), and training images are "
            f"{self.usual:.3f} from the nearest other one"
        )


def usual_distance(images: "Tensor") -> float:
    """Median distance of an image [n, c, h, w] uint8 to the nearest other; NaN for one alone."""
    import torch

    from engines.diffusion.data.pictures import to_network

    if len(images) < 2:
        return float("nan")
    rows = torch.linspace(0, len(images) - 1, min(LOOKED_AT, len(images))).long()
    chosen = to_network(images[rows]).flatten(1)
    best = torch.full((len(rows),), torch.inf)
    for first in range(0, len(images), 1_024):
        part = to_network(images[first : first + 1_024]).flatten(1)
        distances = torch.cdist(chosen, part)
        own = (rows >= first) & (rows < first + len(part))
        distances[own, rows[own] - first] = torch.inf
        best = torch.minimum(best, distances.min(dim=1).values)
    return float(best.median()) / chosen.shape[1] ** 0.5


def likeness(sample: np.ndarray, images: "Tensor", usual: float) -> Likeness:
    """Of a sample [h, w, c] uint8 to training `images` [n, c, h, w] uint8."""
    import torch

    from engines.diffusion.artist import nearest
    from engines.diffusion.data.pictures import to_network

    asked = to_network(torch.from_numpy(np.ascontiguousarray(sample)).permute(2, 0, 1))[None]
    rows, distances = nearest(asked, images)
    row = int(rows[0])
    return Likeness(
        row=row,
        image=images[row].permute(1, 2, 0).contiguous().numpy(),
        distance=float(distances[0]),
        usual=usual,
    )
