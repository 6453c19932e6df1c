"""Where each patch lies: what a transformer, to which all tokens are alike, has to be told."""

import torch
from torch import Tensor, nn

from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.time import waves

LITTLE = 0.02
"""Deviation of embeddings that are learnt, at first: next to nothing tells where is what
(Dosovitskiy et al. 2021, ViT, have as much)."""


class Places(nn.Module):
    """Adds to each patch the embedding of its place: fixed waves, or what is learnt."""

    table: Tensor
    """[rows * columns, width]."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator) -> None:
        super().__init__()
        found = grid_waves(config.grid, config.features)
        if config.places == "learned":
            self.table = nn.Parameter(found.normal_(std=LITTLE, generator=generator))
        else:
            self.register_buffer("table", found, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[n, rows * columns, width] as `tokens`."""
        return tokens + self.table


def grid_waves(grid: tuple[int, int], width: int) -> Tensor:
    """[rows * columns, width] fixed waves, half of them by row and half by column."""
    rows, columns = grid
    by_row = waves(torch.arange(rows, dtype=torch.float32), width // 2)
    by_column = waves(torch.arange(columns, dtype=torch.float32), width // 2)
    both = [
        by_row[:, None].expand(rows, columns, -1),
        by_column[None].expand(rows, columns, -1),
    ]
    return torch.cat(both, dim=-1).reshape(rows * columns, width)
