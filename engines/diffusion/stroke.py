"""One moment of samples on their way from noise, and how it is looked at."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engines.diffusion.data.pictures import to_bytes
from engines.diffusion.latent.space import LatentSpace, mosaic
from kernels.threads import torch_at_work

Look = Literal["x", "x0", "eps", "latent"]
"""What a moment of a sample is looked at for; "latent" only where latents are drawn."""


@dataclass(frozen=True, eq=False)
class Shower:
    """Makes images of latents, and lays round a hole what was there."""

    space: LatentSpace
    around: tuple[Tensor, Tensor] | None = None
    """Image [c, h, w] and hole [h, w], on the CPU; None where nothing is to stay as it was."""

    def __call__(self, latents: Tensor) -> Tensor:
        """[n, c, h, w] in [-1, 1], or about."""
        with torch_at_work():
            found = self.space.decode(latents)
        if self.around is None:
            return found
        image, hole = self.around
        return torch.where(hole, found, image)


@dataclass(frozen=True, eq=False, kw_only=True)
class Stroke:
    """One moment of n samples on their way; the last one holds the samples."""

    index: int
    t: float
    x: Tensor
    """[n, ...] x_t."""
    x0: Tensor
    """What the network takes it for."""
    eps: Tensor
    """The noise that it sees in it."""
    shower: "Shower | None" = None
    """What makes pictures of latents; None where pixels are drawn."""
    _decoded: dict[str, np.ndarray] = field(default_factory=dict, init=False)

    def bytes_of(self, what: Look) -> np.ndarray:
        """[n, h, w, c] uint8 of one of the three, for looking at; noise is drawn at half size.

        Of latents the images that they stand for, and of noise, which stands for none, its
        channels two by two; so they are of `x` when "latent" is asked for.
        """
        if self.shower is None:
            scale = 0.5 if what == "eps" else 1.0
            return _as_bytes(getattr(self, what) * scale)
        # What is decoded is kept, as it takes its time and is looked at again and again.
        if what not in self._decoded:
            self._decoded[what] = self._shown(self.shower, what, slice(None))
        return self._decoded[what]

    def picture(self, what: Look, row: int) -> np.ndarray:
        """[h, w, c] uint8 of sample `row`, as `bytes_of` has it; no other one is decoded."""
        if self.shower is None or what in self._decoded:
            return self.bytes_of(what)[row]
        return self._shown(self.shower, what, slice(row, row + 1))[0]

    def _shown(self, shower: "Shower", what: Look, rows: slice) -> np.ndarray:
        if what in ("eps", "latent"):
            latents = self.eps if what == "eps" else self.x
            return _as_bytes(mosaic(latents[rows], shower.space.factor)).repeat(3, axis=3)
        return _as_bytes(shower(getattr(self, what)[rows]))


def _as_bytes(images: Tensor) -> np.ndarray:
    """[n, h, w, c] uint8 of images [n, c, h, w] in [-1, 1]."""
    return to_bytes(images).permute(0, 2, 3, 1).contiguous().numpy()


def as_shown(samples: Tensor) -> np.ndarray:
    """Images [n, h, w, c] uint8, or points [n, 2] float32, as arrays."""
    if samples.ndim == 2:
        return samples.numpy()
    return to_bytes(samples.nan_to_num()).permute(0, 2, 3, 1).contiguous().numpy()
