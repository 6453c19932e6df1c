"""The network between images and latents: a small convolutional variational autoencoder.

As the first stage of latent diffusion (Rombach et al. 2022, section 3.1 and appendix G): residual
blocks, one level for every halving of height and width, a diagonal Gaussian for every latent. Two
things differ. The finest level begins at half the size of the image, by a convolution that skips
every other pixel, and ends there, each place giving its 2 x 2 pixels at once: convolutions at full
size would take most of the time of two cores. And no level attends.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.latent.posterior import Posterior
from engines.diffusion.networks.parts import ZeroConv2d, groups_of, start

FACTORS = (2, 4, 8)
"""Pixels along a side of what becomes one place of the latents."""
CHANNELS = 4
"""Numbers at each place; side by side in two rows they fill just the height and width of the image
when each is drawn half of the factor wide."""

SURE = -4.0
"""log sigma^2 of the latents before anything is learnt."""


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Size of an autoencoder; all that is needed, with its weights, to build it again."""

    factor: int = 4
    """One of `FACTORS`."""
    colours: int = 3
    """Channels of the images: 3 for images in colour, 1 for grey ones."""
    features: int = 32
    """Width of the finest level; each further one is twice as wide, at most four times this."""
    depth: int = 1
    """Residual blocks on each level of either half."""

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence where the numbers do not go together."""
        if self.factor not in FACTORS:
            raise ValueError(
                f"A factor of {self.factor} between images and latents is none that can be learnt; "
                f"choose one of {', '.join(map(str, FACTORS))}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Features of each level, the finest first."""
        levels = round(math.log2(self.factor))
        return tuple(self.features * min(2**level, 4) for level in range(levels))


def autoencoder_for(network: str, *, factor: int, colours: int) -> AutoencoderConfig:
    """The autoencoder that goes with a network of this name: small for a laptop, else wide.

    The wide one has the width and blocks of the usual first stage (Rombach et al. 2022, appendix
    G), unverified on a GPU. Raises ValueError as `AutoencoderConfig`.
    """
    if network.endswith("laptop"):
        return AutoencoderConfig(factor=factor, colours=colours)
    return AutoencoderConfig(factor=factor, colours=colours, features=128, depth=2)


class Autoencoder(nn.Module):
    """Images [n, colours, h, w] in [-1, 1] to latents [n, 4, h / factor, w / factor] and back."""

    def __init__(self, config: AutoencoderConfig, generator: torch.Generator) -> None:
        """Every weight is drawn from `generator`."""
        super().__init__()
        self.config = config
        widths = config.widths
        down: list[nn.Module] = []
        before = config.colours
        for width in widths:
            down.append(nn.Conv2d(before, width, 3 if down else 4, stride=2, padding=1))
            down += [_Block(width) for _ in range(config.depth)]
            before = width
        told = nn.Conv2d(before, 2 * CHANNELS, 3, padding=1)
        self.encoder = nn.Sequential(*down, *_ending(before), told)
        up: list[nn.Module] = [nn.Conv2d(CHANNELS, before, 3, padding=1)]
        for level, width in reversed(list(enumerate(widths))):
            up += [_Block(width) for _ in range(config.depth)]
            if level:
                up += [
                    nn.Upsample(scale_factor=2.0, mode="nearest"),
                    nn.Conv2d(width, widths[level - 1], 3, padding=1),
                ]
        self.decoder = nn.Sequential(
            *up,
            *_ending(widths[0]),
            nn.Conv2d(widths[0], 4 * config.colours, 3, padding=1),
            nn.PixelShuffle(2),
        )
        start(self, generator)
        with torch.no_grad():
            # Nearly sure of every latent: what is drowned in noise teaches the decoder nothing.
            assert told.bias is not None
            told.bias[CHANNELS:] = SURE

    def posterior(self, images: Tensor) -> Posterior:
        """What is held of the latents of `images` [n, colours, h, w] in [-1, 1]."""
        return Posterior.of(self.encoder(images))

    def decode(self, latents: Tensor) -> Tensor:
        """[n, colours, h, w] the images that `latents` stand for, about in [-1, 1]."""
        return self.decoder(latents)

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Posterior]:
        """`images` by way of latents drawn with standard normal `noise`, and those' posterior."""
        posterior = self.posterior(images)
        return self.decode(posterior.sample(noise)), posterior


class _Block(nn.Module):
    """Two convolutions with a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        groups = groups_of(width)
        self.norm_in, self.norm_out = nn.GroupNorm(groups, width), nn.GroupNorm(groups, width)
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = ZeroConv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[n, width, h, w] as `x`."""
        seen = self.conv_in(F.silu(self.norm_in(x)))
        return x + self.conv_out(F.silu(self.norm_out(seen)))


def _ending(width: int) -> tuple[nn.Module, nn.Module]:
    return nn.GroupNorm(groups_of(width), width), nn.SiLU()
