"""A convolutional network that denoises images on several levels of detail at once.

The U-Net of DDPM (Ho et al. 2020, appendix B) with adaptive group norm (Dhariwal and Nichol
2021, section 3): every residual block is told the noise level as a factor and a shift, the
coarse levels attend to themselves and to words, and what each block going down has found is
handed to its counterpart going up. Where that is asked for, the finest level holds patches of
pixels rather than pixels, which costs a quarter or less (Hoogeboom et al. 2023, "Simple
diffusion", on downsampling).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.networks.attention import CrossAttention, SelfAttention
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.parts import ZeroConv2d, ZeroLinear, groups_of, start
from engines.diffusion.networks.text import Heard, WordEncoder
from engines.diffusion.networks.time import TimeEmbedding


class Told(NamedTuple):
    """What every block is told besides its input."""

    time: Tensor
    """[n, width] embedding of the noise level, and of the class where there is one."""
    words: Tensor | None
    """[n, m, width] to look at, or None."""
    mask: Tensor | None
    capture: Capture | None


class UNet(nn.Module):
    """See the module; `forward` is the interface of all networks."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        base = config.features
        told = 4 * base

        def block_of(name: str, inputs: int, width: int, attends: bool) -> Block:
            attention = _Attention(name, width, told, config) if attends else None
            return Block(inputs, width, told, attention)

        self.time = TimeEmbedding(told)
        self.words = WordEncoder(config, told) if config.tokens else None
        pixels = config.channels * config.patch**2
        self.first = nn.Conv2d(pixels, base, 3, padding=1)
        kept, now = [base], base
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        last = len(config.multipliers) - 1
        for level, times in enumerate(config.multipliers):
            for i in range(config.depth):
                name = f"down {level + 1}.{i + 1}"
                block = block_of(name, now, base * times, config.attention[level])
                self.down.append(block)
                now = base * times
                kept.append(now)
            if level < last:
                self.down.append(Shrink(now))
                kept.append(now)
        self.middle = nn.ModuleList(
            [
                block_of("middle 1", now, now, True),
                block_of("middle 2", now, now, False),
            ]
        )
        for level, times in reversed(list(enumerate(config.multipliers))):
            for i in range(config.depth + 1):
                name, width = f"up {level + 1}.{i + 1}", now + kept.pop()
                block = block_of(name, width, base * times, config.attention[level])
                self.up.append(block)
                now = base * times
            if level:
                self.up.append(_Grow(now))
        self.norm = nn.GroupNorm(groups_of(now), now)
        self.last = ZeroConv2d(now, config.outputs * config.patch**2, 3, padding=1)
        start(self, generator)

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
        time, words, mask = self.time(t), None, None
        if self.words is not None:
            heard = self.words(condition, len(x))
            words, mask = heard.words, heard.mask
            if not self.config.cross:
                time, words = time + heard.pooled, None
        told = Told(F.silu(time), words, mask, capture)
        x = self.first(F.pixel_unshuffle(x, self.config.patch))
        kept = [x]
        for block in self.down:
            x = block(x, told)
            kept.append(x)
        for block in self.middle:
            x = block(x, told)
        for block in self.up:
            if isinstance(block, Block):
                x = torch.cat([x, kept.pop()], dim=1)
            x = block(x, told)
        return F.pixel_shuffle(self.last(F.silu(self.norm(x))), self.config.patch)


class Block(nn.Module):
    """Two convolutions with a way around them, then attention where it is wanted."""

    def __init__(
        self, inputs: int, width: int, told: int, attention: "_Attention | None" = None
    ) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(groups_of(inputs), inputs)
        self.conv_in = nn.Conv2d(inputs, width, 3, padding=1)
        self.change = ZeroLinear(told, 2 * width)
        self.norm_out = nn.GroupNorm(groups_of(width), width, affine=False)
        self.conv_out = ZeroConv2d(width, width, 3, padding=1)
        self.around = nn.Conv2d(inputs, width, 1) if inputs != width else nn.Identity()
        self.attention = attention

    def forward(self, x: Tensor, told: Told) -> Tensor:
        """[n, width, h, w] of `x` [n, inputs, h, w]."""
        seen = self.conv_in(F.silu(self.norm_in(x)))
        factor, shift = self.change(told.time)[..., None, None].chunk(2, dim=1)
        seen = torch.addcmul(shift, self.norm_out(seen), 1 + factor)
        x = self.around(x) + self.conv_out(F.silu(seen))
        return x if self.attention is None else self.attention(x, told)


class _Attention(nn.Module):
    """Pixels look at pixels and, where there are words, at words."""

    def __init__(self, name: str, width: int, told: int, config: NetworkConfig) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups_of(width), width)
        self.to_pixels = SelfAttention(f"{name} self", width, config.heads)
        self.to_pixels.out = ZeroLinear(width, width)
        self.to_words = None
        if config.tokens and config.cross:
            self.to_words = CrossAttention(f"{name} cross", width, told, config.heads)

    def forward(self, x: Tensor, told: Told) -> Tensor:
        """[n, width, h, w] as `x`."""
        grid = (x.shape[2], x.shape[3])
        pixels = self.norm(x).flatten(2).transpose(1, 2)
        seen = self.to_pixels(pixels, grid, capture=told.capture)
        if self.to_words is not None and told.words is not None and told.mask is not None:
            seen = seen + self.to_words(pixels, told.words, grid, told.mask, told.capture)
        return x + seen.transpose(1, 2).reshape(x.shape)


class Shrink(nn.Module):
    """Half the height and width, by a convolution that skips every other pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor, told: Told) -> Tensor:  # noqa: ARG002 - same call for all
        return self.conv(x)


class _Grow(nn.Module):
    """Twice the height and width: every pixel four times, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, told: Told) -> Tensor:  # noqa: ARG002 - same call for all
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
