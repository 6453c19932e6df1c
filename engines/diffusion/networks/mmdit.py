"""A transformer of two streams, patches and words, that look at each other (MM-DiT).

Esser et al. 2024, "Scaling rectified flow transformers", section 4: patches and words are
different in kind, so each has layers of its own all through, and they meet in every block in one
attention over both. Words change along with what they are about, where those that are looked at
by cross-attention stay as they were read. Both streams are told the noise level and the mean of
the words by adaLN-Zero (Peebles and Xie 2023, section 3.2), so that each block at first does
nothing. After the last block nobody reads the words: there they are only looked at.

A class is one word, and of nothing that was said there is one token. A network that knows no words
has the stream of patches alone. Patches are mixed with those next to them as in `dit`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.networks.attention import JointAttention, SelfAttention
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.dit import image, patches
from engines.diffusion.networks.parts import (
    Modulation,
    Near,
    ZeroLinear,
    changed,
    squared_relu,
    start,
)
from engines.diffusion.networks.places import Places
from engines.diffusion.networks.text import Heard, WordEncoder
from engines.diffusion.networks.time import TimeEmbedding

PARTS = 6
"""Shift, factor and gate of attention, then of the small network."""


class MMDiT(nn.Module):
    """See the module; `forward` is the interface of all networks."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        width, patch, depth = config.features, config.patch, config.depth
        self.embed = nn.Linear(config.channels * patch * patch, width)
        self.time = TimeEmbedding(width)
        self.words = WordEncoder(config, width) if config.tokens else None
        self.blocks = nn.ModuleList(_Block(i + 1, config) for i in range(depth))
        self.modulation = Modulation(width, PARTS * depth + 2)
        # The words of the last block have a shift and a factor, and nothing to let through.
        said = PARTS * (depth - 1) + 2
        self.words_modulation = Modulation(width, said) if config.tokens else None
        self.project = ZeroLinear(width, config.outputs * patch * patch)
        start(self, generator)
        self.places = Places(config, generator)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        condition: Condition | Heard | None = None,
        *,
        capture: Capture | None = None,
    ) -> Tensor:
        """A prediction [n, c, h, w] as `x`, at noise levels `t` [n] in [0, 1].

        Where variances are learnt they stand behind it, [n, 2 c, h, w]. Without `condition` a
        network that knows words is asked with nothing.
        """
        if capture is not None:
            capture.begin(t)
        grid = self.config.grid
        told, words, mask, words_change = self.time(t), None, None, ()
        if self.words is not None and self.words_modulation is not None:
            heard = self.words(condition, len(x))
            told, words = told + heard.pooled, heard.words
            words_change = self.words_modulation.parts(told)
            mask = F.pad(heard.mask, (grid[0] * grid[1], 0), value=True)
        change = self.modulation.parts(told)
        tokens = self.places(self.embed(patches(x, self.config.patch)))
        for i, block in enumerate(self.blocks):
            own = slice(PARTS * i, PARTS * (i + 1))
            tokens, words = block(
                tokens, words, change[own], words_change[own], grid, mask, capture
            )
        return image(self.project(changed(tokens, *change[-2:])), grid, self.config.patch)


class _Block(nn.Module):
    """Both streams look at both, then each goes through a small network of its own."""

    def __init__(self, number: int, config: NetworkConfig) -> None:
        super().__init__()
        width, last = config.features, number == config.depth
        heads = config.heads, config.head_dim
        if config.tokens:
            name = f"block {number} joint"
            self.attention = JointAttention(name, width, *heads, words_ask=not last)
        else:
            self.attention = SelfAttention(f"block {number} self", width, *heads)
        self.near = Near(width)
        self.network = _Network(config)
        self.words_network = _Network(config) if config.tokens and not last else None

    def forward(
        self,
        x: Tensor,
        words: Tensor | None,
        change: tuple[Tensor, ...],
        words_change: tuple[Tensor, ...],
        grid: tuple[int, int],
        mask: Tensor | None,
        capture: Capture | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Patches [n, tokens, width] as `x`, words [n, m, width] until the last block.

        Changes are shift, factor and gate of either half; `mask` [n, tokens + m].
        """
        shift, factor, gate, shift_network, factor_network, gate_network = change
        seen, answered = changed(x, shift, factor), None
        if isinstance(self.attention, JointAttention) and words is not None:
            asked = changed(words, *words_change[:2])
            seen, answered = self.attention(seen, asked, grid, mask, capture)
        else:
            seen = self.attention(seen, grid, capture=capture)
        x = torch.addcmul(x, gate, seen)
        near = self.near.mixed(changed(x, shift_network, factor_network), grid)
        x = torch.addcmul(x, gate_network, self.network(near))
        if words is None or answered is None or self.words_network is None:
            return x, None
        words = torch.addcmul(words, words_change[2], answered)
        told = self.words_network(changed(words, *words_change[3:5]))
        return x, torch.addcmul(words, words_change[5], told)


class _Network(nn.Module):
    """The small network of one stream."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, hidden = config.features, round(config.features * config.mlp_ratio)
        self.grow, self.shrink = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.shrink(squared_relu(self.grow(x)))
