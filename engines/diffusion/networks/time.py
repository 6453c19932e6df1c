"""How a network is told the noise level: waves of many lengths, then a small network."""

import math

import torch
from torch import Tensor, nn

LEVELS = 1000
"""Noise levels t in [0, 1] are multiplied by this, so that the waves suit those of DDPM."""


def waves(t: Tensor, width: int, *, longest: float = 10_000.0) -> Tensor:
    """[n, width] cosines and sines of `t` [n], from wavelength 2 pi up to 2 pi `longest`.

    Sinusoidal embedding of Vaswani et al. 2017, section 3.5; `width` is even.
    """
    half = width // 2
    powers = torch.arange(half, dtype=torch.float32, device=t.device) / half
    angles = t.float()[:, None] * torch.exp(-math.log(longest) * powers)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class TimeEmbedding(nn.Module):
    """[n, width] from noise levels [n] in [0, 1]."""

    def __init__(self, width: int, waves_width: int = 128) -> None:
        super().__init__()
        self.waves_width = waves_width
        self.first = nn.Linear(waves_width, width)
        self.second = nn.Linear(width, width)

    def forward(self, t: Tensor) -> Tensor:
        """See the class."""
        angles = waves(t * LEVELS, self.waves_width)
        return self.second(nn.functional.silu(self.first(angles)))
