"""From noise to data, moment by moment: the one loop that all samplers share."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from engines.diffusion.samplers.step import Moment, Sampler, Step, noise_like
from engines.diffusion.targets import Denoiser

Keep = Callable[[Tensor, Tensor], Tensor]
"""x_t [n, ...] and t, a scalar, to the x_t to go on with."""


@torch.no_grad()
def walk(
    sampler: Sampler,
    denoise: Denoiser,
    x: Tensor,
    levels: Tensor,
    *,
    generator: torch.Generator,
    keep: Keep | None = None,
) -> Iterator[Moment]:
    """Every moment of the way of x [n, ...], which is at levels[0], along `levels` down to 0.

    One moment for each step and one at the end, whose x are the samples. `levels` is 1-D; where
    it rises, x is noised anew (see `edit.harmonised`), which yields no moment. `keep` is asked
    after each step what is to be kept of it. Raises ValueError for levels that cannot be walked.
    """
    levels = _checked(levels)
    before, index = None, 0
    for t, s in pairwise(levels):
        if s > t:
            ratio, spread = denoise.path.transition(t, s)
            x, before = ratio * x + spread * noise_like(x, generator), None
        else:
            found = denoise(x, t)
            now = Moment(index, t, x, found.x0, found.eps, found.v)
            yield now
            x = sampler(Step(denoise, now, s, before, generator))
            before, index = now, index + 1
        if keep is not None:
            x = keep(x, s)
    yield Moment(index, levels[-1], x, x, torch.zeros_like(x) if before is None else before.eps)


def last(moments: Iterator[Moment]) -> Tensor:
    """The samples [n, ...] at the end of a walk."""
    *_, end = moments
    return end.x


def _checked(levels: Tensor) -> Tensor:
    """`levels` as float64 on the CPU."""
    levels = levels.detach().to("cpu", torch.float64)
    if levels.ndim != 1 or not len(levels) or levels[-1] != 0:
        raise ValueError("Noise levels must be one row of numbers that ends with 0")
    if not bool(((levels >= 0) & (levels <= 1)).all()) or bool((levels.diff() == 0).any()):
        raise ValueError("Noise levels must lie from 0 to 1, each unlike the one before")
    return levels
