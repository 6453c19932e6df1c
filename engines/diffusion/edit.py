"""Starting from an image instead of from nothing: edits of a whole, and holes that are filled."""

from collections.abc import Iterator

import torch
from torch import Tensor

from engines.diffusion.paths import Path
from engines.diffusion.samplers import Keep, Moment, Sampler, noise_like, walk
from engines.diffusion.targets import Denoiser

ROUNDING = 1e-9
"""Levels of 10,000 even steps and strengths of four digits lie at least ten times as far apart."""
JUMP = 10 / 250
"""How much of the way is gone through again at a time: 10 steps of 250 (Lugmayr et al. 2022)."""


def edited(
    sampler: Sampler,
    denoise: Denoiser,
    image: Tensor,
    levels: Tensor,
    *,
    strength: float,
    generator: torch.Generator,
) -> Iterator[Moment]:
    """SDEdit: noise `image` [n, ...] up to t = `strength`, then sample (Meng et al. 2022, sec. 3).

    0 gives the image back, 1 forgets it altogether; between them the levels below `strength`
    are walked, so less is changed in fewer steps. Raises ValueError outside of 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"The strength of an edit lies from 0 to 1, not {strength:g}")
    levels = levels_below(strength, levels)
    if strength == 0:
        x = image
    else:
        noise = noise_like(image, generator)
        # Paths whose noise end keeps some data would let the image through even at 1.
        x = noise if strength == 1 else denoise.path.noised(image, noise, levels[0])
    yield from walk(sampler, denoise, x, levels, generator=generator)


def levels_below(strength: float, levels: Tensor) -> Tensor:
    """[m] float64: `strength` itself and those of `levels` that lie below; m = 1 at 0.

    A level that is `strength` but for rounding is no step of its own, save 0, the end.
    """
    start = torch.tensor([strength], dtype=torch.float64)
    levels = levels.to(start)
    below = (levels < strength - ROUNDING) | ((levels == 0) & (strength > 0))
    return torch.cat([start, levels[below]])


def inpainted(
    sampler: Sampler,
    denoise: Denoiser,
    image: Tensor,
    hole: Tensor,
    levels: Tensor,
    *,
    generator: torch.Generator,
) -> Iterator[Moment]:
    """Fill the `hole` (bool, True there; [h, w] or as `image` [n, c, h, w]) and keep the rest.

    After every step what is known is put back, noised to the level that was reached (Lugmayr et
    al. 2022, RePaint, equations 8a to 8c); at t = 0 it is the image's own pixels. With `levels`
    of `harmonised` the filling also has time to agree with what surrounds it.
    """
    keep = known(denoise.path, image, hole, generator)
    x = keep(noise_like(image, generator), levels[0])
    yield from walk(sampler, denoise, x, levels, generator=generator, keep=keep)


def known(path: Path, image: Tensor, hole: Tensor, generator: torch.Generator) -> Keep:
    """What puts `image` back outside of the `hole`, noised anew for each level."""
    hole = hole.to(image.device, torch.bool)

    def keep(x: Tensor, t: Tensor) -> Tensor:
        if t == 0:
            return torch.where(hole, x, image)
        return torch.where(hole, x, path.noised(image, noise_like(image, generator), t))

    return keep


def jump_of(steps: int) -> int:
    """How many of `steps` are gone through again at a time, at least 1."""
    return max(1, round(steps * JUMP))


def harmonised(levels: Tensor, *, jump: int, repeats: int) -> Tensor:
    """`levels` with every `jump` of them walked `repeats` times (Lugmayr et al. 2022, sec. 4.2).

    Between the times the way leads back up at once, by noising: what is filled in after that
    has seen the known surroundings at lower noise.
    """
    if jump < 1 or repeats < 1:
        raise ValueError(f"Jumps ({jump}) and repeats ({repeats}) must be at least 1")
    parts = [levels[:1]]
    for first in range(0, len(levels) - 1, jump):
        block = levels[first : first + jump + 1]
        parts += [block[1:], block[:1]] * (repeats - 1) + [block[1:]]
    return torch.cat(parts)
