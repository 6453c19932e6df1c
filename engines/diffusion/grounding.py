"""Teaching words where their things are, for images of which that is known.

A network that learns from images and captions alone finds out late which word belongs to which
thing. Where the data say so, attention to words can be told (Wang et al. 2024, TokenCompose, the
token loss): of all the attention that a word gets from places, what comes from outside its own
thing is a loss. Here it is counted as -log of the share inside, as of a probability. How much a
place looks at words at all, where it may look at places as well, is left to it.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engines.diffusion.capture import Capture, Kind, Stage, to_words
from engines.diffusion.condition import NOTHING, Condition
from engines.diffusion.data.regions import Regions

LEAST = 1e-6
"""The least share whose logarithm is taken."""


@dataclass(eq=False, kw_only=True)
class Watched(Capture):
    """Keeps how places look at words in one call as it is, so that gradients flow through it."""

    seen: list[tuple[tuple[int, int], Tensor]] = field(default_factory=list)
    """(rows, columns) of the queries, and shares [n, heads, queries, words], layer by layer."""

    def take(
        self, layer: str, kind: Kind, grid: tuple[int, int], stage: Stage, values: Tensor
    ) -> None:
        """See `Capture.take`; there is no limit, as training keeps these in memory anyway."""
        told = to_words(values, kind, grid)
        if told is not None and self.wants(layer, stage):
            self.seen.append((grid, told))


def grounding_loss(watched: Watched, regions: Regions, condition: Condition) -> Tensor | None:
    """Mean over words and layers of -log of the share that comes from the word's own thing.

    Words that name nothing, and samples whose condition was dropped, do not count. None where
    nothing was looked at or nothing counts.
    """
    words = condition.tokens.shape[1]
    told = condition.mask & (condition.tokens[:, :1] != NOTHING)
    named = regions.named[:, :words]
    told = told[:, : named.shape[1]] & (named > 0)
    if not watched.seen or not bool(told.any()):
        return None
    losses, masks = [], {}
    for grid, shares in watched.seen:
        if grid not in masks:
            masks[grid] = regions.masks(grid)[:, :words]
        looks = shares.float().mean(1).transpose(1, 2)[:, : named.shape[1]]
        inside = (looks * masks[grid]).sum(-1)
        share = inside / looks.sum(-1).clamp_min(LEAST)
        losses.append(-share.clamp_min(LEAST).log()[told].mean())
    return torch.stack(losses).mean()
