"""The definition of the sparse voxel grid and of its prior, in short readable torch.

Fridovich-Keil et al. 2022, "Plenoxels: Radiance Fields without Neural Networks", sections 3.1 and
3.4. Autograd gives the gradients, in float32 or float64.
"""

from itertools import product

import torch
from torch import Tensor


def trilinear(positions: Tensor, table: Tensor, corners: Tensor) -> Tensor:
    """[n, f] features; see `kernels.voxelgrid.trilinear`."""
    resolution = positions.new_tensor(corners.shape) - 1
    scaled = positions.clamp(0.0, 1.0) * resolution
    cells = torch.minimum(scaled.detach().nan_to_num().floor(), resolution - 1)
    inside = scaled - cells
    total = torch.zeros(len(positions), table.shape[1]).to(table)
    for corner in product((0, 1), repeat=3):
        step = cells.new_tensor(corner)
        weight = torch.where(step == 1, inside, 1 - inside).prod(dim=1, keepdim=True)
        total = total + weight * features_at((cells + step).long(), table, corners)
    return total


def total_variation(
    table: Tensor,
    corners: Tensor,
    cells: Tensor,
    *,
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    eps: float = 1e-9,
) -> Tensor:
    """A scalar; see `kernels.voxelgrid.total_variation`."""
    here = features_at(cells, table, corners)
    last = cells.new_tensor(corners.shape) - 1
    squares = torch.full_like(here, eps)
    for step, factor in zip(torch.eye(3).to(cells), scale, strict=True):
        there = features_at(torch.minimum(cells + step, last), table, corners)
        squares = squares + (factor * (there - here)) ** 2
    return squares.sqrt().sum() / max(len(cells), 1)


def features_at(indices: Tensor, table: Tensor, corners: Tensor) -> Tensor:
    """[n, f] features of the corners at `indices` [n, 3], zeros where they have no row."""
    rows = corners[indices.unbind(dim=1)].long()[:, None]
    if not len(table):
        table = torch.nn.functional.pad(table, (0, 0, 0, 1))
    return torch.where(rows < 0, 0, table.index_select(0, rows[:, 0].clamp(min=0)))
