"""A small network for points in the plane, so that a whole diffusion can be seen at a glance."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.parts import ZeroLinear, start
from engines.diffusion.networks.text import Heard, WordEncoder
from engines.diffusion.networks.time import TimeEmbedding


class Points(nn.Module):
    """Residual layers that are told the noise level as factor and shift; nothing attends."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        width = config.features
        self.time = TimeEmbedding(width)
        self.words = WordEncoder(config, width) if config.tokens else None
        self.first = nn.Linear(2, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.depth))
        self.last = ZeroLinear(width, config.outputs)
        start(self, generator)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        condition: Condition | Heard | None = None,
        *,
        capture: Capture | None = None,
    ) -> Tensor:
        """A prediction [n, 2] as `x`, with variances [n, 4], at noise levels `t` [n] in [0, 1]."""
        if capture is not None:
            capture.begin(t)
        told = self.time(t)
        if self.words is not None:
            told = told + self.words(condition, len(x)).pooled
        told = F.silu(told)
        x = self.first(x)
        for block in self.blocks:
            x = block(x, told)
        return self.last(F.silu(x))


class Block(nn.Module):
    """Two layers that add what they see, told the noise level as factor and shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Linear(width, 2 * width)
        self.grow, self.shrink = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """[n, width] as `x`."""
        factor, shift = self.change(told).chunk(2, dim=1)
        seen = torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + factor)
        return x + self.shrink(F.silu(self.grow(seen)))
