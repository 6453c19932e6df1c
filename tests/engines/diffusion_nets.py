"""Networks small enough to try everything on, with weights that let everything be seen."""

from dataclasses import replace

import torch
from torch import Tensor

from engines.diffusion.condition import Condition
from engines.diffusion.networks.choose import Network, build
from engines.diffusion.networks.config import NetworkConfig

TINY_DIT = NetworkConfig(height=8, width=12, features=16, depth=2, heads=4, tokens=9, cross=True)
TINY_MMDIT = replace(TINY_DIT, kind="mmdit")
LEARNED_PLACES = replace(TINY_DIT, places="learned")
TINY_UNET = NetworkConfig(
    kind="unet",
    patch=2,
    height=8,
    width=12,
    features=8,
    depth=1,
    heads=2,
    tokens=9,
    cross=True,
    multipliers=(1, 2),
    attention=(False, True),
)
TINY_POINTS = NetworkConfig(kind="points", features=16, depth=2, tokens=9)


def stirred(config: NetworkConfig, seed: int = 0) -> Network:
    """A network whose zeros are no zeros any more, as after some training."""
    generator = torch.Generator().manual_seed(seed)
    network = build(config, generator)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return network


def inputs(config: NetworkConfig, count: int = 3) -> tuple[Tensor, Tensor, Condition]:
    """Noise, noise levels and captions of two to four words."""
    generator = torch.Generator().manual_seed(1)
    shape = (2,) if config.kind == "points" else (config.channels, config.height, config.width)
    tokens = torch.randint(2, config.tokens, (count, 4), generator=generator)
    mask = torch.arange(4) < torch.tensor([2, 4, 3])[:count, None]
    x = torch.randn(count, *shape, generator=generator)
    return x, torch.rand(count, generator=generator), Condition(tokens, mask)
