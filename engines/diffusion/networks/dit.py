"""A transformer that denoises images patch by patch (DiT, Peebles and Xie 2023).

Every block is told the noise level by adaLN-Zero (section 3.2): shift, scale and gate come
from the time embedding by a layer that starts at zero, so that each block at first does
nothing. Captions are looked at by cross-attention; their mean, or a class, joins the time
embedding, as the pooled text of Esser et al. 2024, section 4, does. Before its
small network each block mixes neighbouring patches by a depthwise convolution, which Xie et al.
2021, "SegFormer", section 3.1, have inside theirs: outlines are learnt from half as many images
(see `benchmarks`).
"""

import torch
from torch import Tensor, nn

from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.networks.attention import CrossAttention, SelfAttention
from engines.diffusion.networks.config import NetworkConfig
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


class DiT(nn.Module):
    """See the module; `forward` is the interface of all networks."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        width, patch = config.features, config.patch
        self.embed = nn.Linear(config.channels * patch * patch, width)
        self.time = TimeEmbedding(width)
        self.words = WordEncoder(config, width) if config.tokens else None
        self.blocks = nn.ModuleList(_Block(i + 1, config) for i in range(config.depth))
        # One layer for all blocks, and shift and factor of the end: fewer, larger products.
        self.modulation = Modulation(width, 6 * config.depth + 2)
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
        told, words, mask = self.time(t), None, None
        if self.words is not None:
            heard = self.words(condition, len(x))
            # What is on the image, all in all, every block is told at once; which thing is what
            # and where, a patch finds out by looking at the words.
            told = told + heard.pooled
            words, mask = (heard.words if self.config.cross else None), heard.mask
        change = self.modulation.parts(told)
        tokens = self.places(self.embed(patches(x, self.config.patch)))
        for i, block in enumerate(self.blocks):
            tokens = block(tokens, change[6 * i : 6 * i + 6], words, mask, grid, capture)
        return image(self.project(changed(tokens, *change[-2:])), grid, self.config.patch)


class _Block(nn.Module):
    """Self-attention, from the first on in every second block cross-attention, a small network."""

    def __init__(self, number: int, config: NetworkConfig) -> None:
        super().__init__()
        width, hidden = config.features, round(config.features * config.mlp_ratio)
        heads = config.heads, config.head_dim
        self.attention = SelfAttention(f"block {number} self", width, *heads)
        self.cross = None
        if config.tokens and config.cross and number % 2 == 1:
            self.cross = CrossAttention(f"block {number} cross", width, width, *heads)
        self.near = Near(width)
        self.grow, self.shrink = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(
        self,
        x: Tensor,
        change: tuple[Tensor, ...],
        words: Tensor | None,
        mask: Tensor | None,
        grid: tuple[int, int],
        capture: Capture | None,
    ) -> Tensor:
        """[n, tokens, width] as `x`; `change` is shift, factor and gate of either half."""
        shift, factor, gate, shift_mlp, factor_mlp, gate_mlp = change
        seen = changed(x, shift, factor)
        x = torch.addcmul(x, gate, self.attention(seen, grid, capture=capture))
        if self.cross is not None and words is not None:
            x = x + self.cross(seen, words, grid, mask, capture)
        near = self.near.mixed(changed(x, shift_mlp, factor_mlp), grid)
        seen = squared_relu(self.grow(near))
        return torch.addcmul(x, gate_mlp, self.shrink(seen))


def patches(images: Tensor, patch: int) -> Tensor:
    """[n, rows * columns, c * patch * patch] of images [n, c, h, w]."""
    n, channels, height, width = images.shape
    cut = images.reshape(n, channels, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, channels * patch * patch)


def image(tokens: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
    """The inverse of `patches`."""
    (rows, columns), n = grid, len(tokens)
    cut = tokens.reshape(n, rows, columns, -1, patch, patch).permute(0, 3, 1, 4, 2, 5)
    return cut.reshape(n, -1, rows * patch, columns * patch)
