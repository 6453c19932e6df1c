"""Words as vectors: a small text encoder that is learnt along with the images.

Its layers add nothing at first, so that every word begins as itself. When they did not, what they
added drowned the words, and which word meant which thing was hardly learnt (see `benchmarks`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.condition import Condition
from engines.diffusion.networks.attention import SelfAttention
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.parts import ZeroLinear


@dataclass(frozen=True, eq=False)
class Heard:
    """What a network has made of the words of n samples; the same at every noise level."""

    words: Tensor
    """[n, m, width]."""
    mask: Tensor
    """[n, m] bool, True where there is a word."""

    @property
    def pooled(self) -> Tensor:
        """[n, width] the mean of the words."""
        weights = self.mask.to(self.words.dtype)[..., None]
        return (self.words * weights).sum(1) / weights.sum(1)


class WordEncoder(nn.Module):
    """Embeds every word, its place, and by a few transformer layers what stands around it."""

    def __init__(self, config: NetworkConfig, width: int) -> None:
        """`width` is that of a word; a layer is there only for words that are looked at."""
        super().__init__()
        self.longest = config.longest
        self.words = nn.Embedding(config.tokens, width)
        self.places = nn.Embedding(config.longest, width)
        self.layers = nn.ModuleList(
            _Layer(f"words {i + 1} self", width, config.heads) for i in range(config.cross)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, said: "Condition | Heard | None", count: int) -> Heard:
        """What `said` tells of `count` samples; what was heard already is not heard again.

        None tells nothing. What stands behind the `longest`th word shares its place.
        """
        if isinstance(said, Heard):
            return said
        condition = said or Condition.nothing(count, self.places.weight.device)
        places = torch.arange(condition.tokens.shape[1], device=condition.tokens.device)
        x = self.words(condition.tokens) + self.places(places.clamp(max=self.longest - 1))
        for layer in self.layers:
            x = layer(x, condition.mask)
        return Heard(self.norm(x), condition.mask)


class _Layer(nn.Module):
    def __init__(self, name: str, width: int, heads: int) -> None:
        super().__init__()
        # "A red circle": the words next to it tell which colour belongs to which thing.
        self.near_norm, self.near = nn.LayerNorm(width), ZeroLinear(3 * width, width)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(name, width, heads, zero=True)
        self.grow, self.shrink = nn.Linear(width, 2 * width), ZeroLinear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        grid = (1, x.shape[1])
        x = x + self.near(_with_neighbours(self.near_norm(x) * mask[..., None]))
        x = x + self.attention(self.attention_norm(x), grid, mask)
        return x + self.shrink(F.gelu(self.grow(self.norm(x))))


def _with_neighbours(words: Tensor) -> Tensor:
    """[n, m, 3 * width] each of `words` [n, m, width] between the one before and the one after."""
    padded = F.pad(words, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], words, padded[:, 2:]], dim=-1)
