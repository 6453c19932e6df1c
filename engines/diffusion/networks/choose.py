"""From a configuration to a network, and what it weighs."""

from typing import Protocol

import torch
from torch import Tensor, nn

from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.dit import DiT
from engines.diffusion.networks.mmdit import MMDiT
from engines.diffusion.networks.points import Points
from engines.diffusion.networks.text import Heard
from engines.diffusion.networks.unet import UNet

Network = DiT | MMDiT | UNet | Points


class Asks(Protocol):
    """What all networks can be asked."""

    def __call__(
        self,
        x: Tensor,
        t: Tensor,
        condition: Condition | Heard | None = None,
        *,
        capture: Capture | None = None,
    ) -> Tensor:
        """A prediction as `x` at noise levels `t` [n] in [0, 1]; `capture` changes no bit.

        Twice as many channels where variances are learnt, see `variance.halves`.
        """
        ...


def build(config: NetworkConfig, generator: torch.Generator) -> Network:
    """The network of `config`, on the CPU, every weight drawn from `generator`."""
    match config.kind:
        case "dit":
            return DiT(config, generator)
        case "mmdit":
            return MMDiT(config, generator)
        case "unet":
            return UNet(config, generator)
        case "points":
            return Points(config, generator)


def weights(network: nn.Module) -> int:
    """How many numbers the network has learnt, or will have."""
    return sum(parameter.numel() for parameter in network.parameters())
