"""What every sampler takes and gives: one step from a noise level to a lower one."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.diffusion.paths import Path
from engines.diffusion.targets import Denoiser


@dataclass(frozen=True, eq=False)
class Moment:
    """A sample on its way from noise to data, before the step that is numbered `index`."""

    index: int
    t: Tensor
    """Noise level, a float64 scalar."""
    x: Tensor
    """x_t [n, ...]."""
    x0: Tensor
    """The data that the model takes this for; x itself at t = 0."""
    eps: Tensor
    """The noise that the model sees in it; at t = 0 what it saw last."""
    v: Tensor | None = None
    """How much noise a step is to add, see `variance`; None where that was not learnt."""


@dataclass(frozen=True, eq=False)
class Step:
    """What is known when a sampler is to go from t to s."""

    denoise: Denoiser
    now: Moment
    """The sample at t with what the model says of it."""
    s: Tensor
    """The level to go to, a float64 scalar below t that may be 0."""
    before: Moment | None
    """The moment one step earlier; None at the start."""
    generator: torch.Generator

    @property
    def path(self) -> Path:
        """The path that the model learnt."""
        return self.denoise.path

    def noise(self) -> Tensor:
        """z ~ N(0, I) as x."""
        return noise_like(self.now.x, self.generator)


Sampler = Callable[[Step], Tensor]
"""One step to x_s [n, ...]; keeps nothing between calls."""


def noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """N(0, I) shaped, typed and placed as x; the same numbers on every device."""
    drawn = torch.randn(x.shape, generator=generator, device=generator.device, dtype=x.dtype)
    return drawn.to(x.device)
