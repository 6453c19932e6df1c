"""What guidance does at one step: the predictions that it mixes, and how far they are apart.

Found anew from the x_t that was kept, once somebody looks: drawing pays nothing for it.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engines.diffusion.artist import Artist
from engines.diffusion.stroke import Stroke
from engines.diffusion.targets import Denoiser, Estimate
from engines.diffusion.wish import Wish
from kernels.threads import torch_at_work


@dataclass(frozen=True, eq=False, kw_only=True)
class GuidanceParts:
    """What the network sees in one x_t with and without its condition, and what is made of both.

    x0 are within bounds, as samplers have them; eps are as predicted, so that eps_guided is
    (1 + w) eps_c - w eps_u. A classifier that guides besides has no part in them.
    """

    conditional: Stroke
    """[1, ...] by the caption or class; of a mix of them it is the mix."""
    unconditional: Stroke
    guided: Stroke
    scale: float
    """w."""

    @property
    def difference(self) -> Tensor:
        """[h, w] root mean square over the channels of eps_c - eps_u; noise itself has about 1."""
        apart = self.conditional.eps[0] - self.unconditional.eps[0]
        return apart.square().mean(0).sqrt()

    @property
    def norm(self) -> float:
        """|eps_c - eps_u| of all numbers of the sample together."""
        return float((self.conditional.eps - self.unconditional.eps).norm())

    @property
    def rms(self) -> float:
        """`norm` over that of noise, which is about the root of how many numbers there are."""
        return self.norm / math.sqrt(self.conditional.eps.numel())


def guides(artist: Artist, wish: Wish) -> bool:
    """Whether samples for `wish` are guided by what the network itself knows."""
    return artist.vocabulary is not None and wish.guidance != 0 and any(wish.texts)


def guidance_parts(artist: Artist, wish: Wish, stroke: Stroke, row: int) -> GuidanceParts:
    """The parts of sample `row` of a `stroke` with noise in it, drawn by `artist` for `wish`.

    Raises ValueError where nothing is guided, or no noise is left.
    """
    if not guides(artist, wish) or stroke.t == 0:
        raise ValueError("Only what is guided and still has noise in it has parts")
    wish = replace(wish, count=1, texts=(wish.texts[row % len(wish.texts)],))
    x, t = stroke.x[row : row + 1], torch.tensor(stroke.t, dtype=torch.float64)
    towards, away = estimates(artist, wish, x, t)
    w, bound = wish.guidance, artist.denoiser(replace(wish, classifier_guidance=0)).clip

    def seen(x0: Tensor, eps: Tensor) -> Stroke:
        x0 = x0 if bound is None else x0.clamp(-bound, bound)
        return replace(stroke, x=x.clone(), x0=x0, eps=eps)

    # Both halves are affine in the prediction, so that they mix as it does, see `guidance`.
    x0 = (1 + w) * towards.x0 - w * away.x0
    eps = (1 + w) * towards.eps - w * away.eps
    return GuidanceParts(
        conditional=seen(towards.x0, towards.eps),
        unconditional=seen(away.x0, away.eps),
        guided=seen(x0, eps),
        scale=w,
    )


@torch.no_grad()
def estimates(artist: Artist, wish: Wish, x: Tensor, t: Tensor) -> tuple[Estimate, Estimate]:
    """What is seen in x [wish.count, ...] at t with and without the condition, on the CPU.

    Neither is guided, steered or kept within bounds.
    """
    alone = replace(wish, guidance=0.0, classifier_guidance=0.0)
    found = []
    for asked in (alone, replace(alone, texts=())):
        denoise = artist.denoiser(asked)
        free = Denoiser(denoise.model, denoise.path, denoise.target)
        with torch_at_work():
            both = free(x.to(artist.device), t)
        found.append(Estimate(both.x0.float().cpu(), both.eps.float().cpu()))
    return found[0], found[1]
