"""The hash encoding on an NVIDIA GPU: torch's own operators, as nerfacc has no kernel for it.

The eight corners of a cell are looked up at once, and by `index_select`, whose gradient is added
up in any order; that of indexing sorts all rows first.
"""

import functools
from itertools import product

import torch
from torch import Tensor

from kernels.hashgrid.layout import GridLayout
from kernels.hashgrid.reference import corner_rows


def hash_encode(positions: Tensor, table: Tensor, *, layout: GridLayout) -> Tensor:
    """See `kernels.hashgrid.hash_encode`."""
    held = positions.clamp(0.0, 1.0)
    corners = _corners(positions.device)
    features = []
    for level, resolution in enumerate(layout.resolutions):
        scaled = held * resolution
        cells = scaled.detach().nan_to_num().floor().clamp(max=resolution - 1)
        inside = (scaled - cells)[:, None]
        weights = torch.where(corners == 1, inside, 1 - inside).prod(dim=2)
        places = (cells.long()[:, None] + corners).view(-1, 3)
        rows = corner_rows(places, layout, level) + layout.offsets[level]
        found = table.index_select(0, rows).view(*weights.shape, table.shape[1])
        features.append((weights[..., None] * found).sum(dim=1))
    return torch.cat(features, dim=1)


@functools.cache
def _corners(device: torch.device) -> Tensor:
    """[8, 3] int64 steps from a cell's low corner to its corners."""
    return torch.tensor(list(product((0, 1), repeat=3)), device=device)
