"""The definition of the hash encoding, in short readable torch.

Müller et al. 2022, "Instant Neural Graphics Primitives with a Multiresolution Hash Encoding",
section 3. Autograd gives the gradients, in float32 or float64.
"""

from itertools import product

import torch
from torch import Tensor

from kernels.hashgrid.layout import PRIME_Y, PRIME_Z, GridLayout


def hash_encode(positions: Tensor, table: Tensor, *, layout: GridLayout) -> Tensor:
    """[n, levels * f] features; see `kernels.hashgrid.hash_encode`."""
    held = positions.clamp(0.0, 1.0)
    features = []
    for level, resolution in enumerate(layout.resolutions):
        scaled = held * resolution
        cells = scaled.detach().nan_to_num().floor().clamp(max=resolution - 1)
        inside = scaled - cells
        rows = table[layout.offsets[level] : layout.offsets[level + 1]]
        total = 0
        for corner in product((0, 1), repeat=3):
            step = cells.new_tensor(corner)
            weight = torch.where(step == 1, inside, 1 - inside).prod(dim=1, keepdim=True)
            total = total + weight * rows[corner_rows((cells + step).long(), layout, level)]
        features.append(total)
    return torch.cat(features, dim=1)


def corner_rows(corners: Tensor, layout: GridLayout, level: int) -> Tensor:
    """[n] which row of its level belongs to each corner, given as whole numbers [n, 3]."""
    x, y, z = corners.unbind(dim=1)
    if layout.dense(level):
        along = layout.resolutions[level] + 1
        return x + along * (y + along * z)
    return (x ^ (y * PRIME_Y) ^ (z * PRIME_Z)) & (layout.size(level) - 1)
