"""Words as vectors: a small text encoder that is learnt along with the images.

Its layers add nothing at first, so that every word begins as itself. When they did not, what they
added drowned the words, and which word meant which thing was hardly learnt (see `benchmarks`).
"""

import torch
from torch import Tensor, nn

from engines.diffusion.condition import Condition
from engines.diffusion.networks.attention import SelfAttention
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.parts import ZeroConv1d, ZeroLinear


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

    def forward(self, condition: Condition) -> Tensor:
        """[n, m, width]; what stands behind the `longest`th word shares its place."""
        count = condition.tokens.shape[1]
        places = torch.arange(count, device=condition.tokens.device).clamp(max=self.longest - 1)
        x = self.words(condition.tokens) + self.places(places)
        for layer in self.layers:
            x = layer(x, condition.mask)
        return self.norm(x)


class _Layer(nn.Module):
    def __init__(self, name: str, width: int, heads: int) -> None:
        super().__init__()
        # "A red circle": the words next to it tell which colour belongs to which thing.
        self.near_norm, self.near = nn.LayerNorm(width), ZeroConv1d(width, width, 3, padding=1)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(name, width, heads, zero=True)
        self.grow, self.shrink = nn.Linear(width, 2 * width), ZeroLinear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        grid = (1, x.shape[1])
        words = self.near_norm(x) * mask[..., None]
        x = x + self.near(words.transpose(1, 2)).transpose(1, 2)
        x = x + self.attention(self.attention_norm(x), grid, mask)
        return x + self.shrink(nn.functional.gelu(self.grow(self.norm(x))))


def pooled(words: Tensor, mask: Tensor) -> Tensor:
    """[n, width] mean of the `words` [n, m, width] that `mask` [n, m] counts."""
    weights = mask.to(words.dtype)[..., None]
    return (words * weights).sum(1) / weights.sum(1)
