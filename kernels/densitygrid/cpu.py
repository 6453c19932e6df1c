"""The density grid on the CPU: numba loops that touch each number once."""

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from kernels.threads import parallel_region

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**MODE)
def _remember(density, places, sigma, decay):
    """One thread: places are few, and threads would get in each other's way."""
    r = density.shape[0]
    size, flat = np.float32(r), density.reshape(-1)
    cells = np.empty(sigma.size, np.int64)
    for i in range(sigma.size):
        cell = 0
        for axis in range(3):
            cell = cell * r + min(max(np.int64(places[i, axis] * size), 0), r - 1)
        cells[i] = cell
        # Below 0 it has decayed: once, however often a cell is named.
        if flat[cell] > 0:
            flat[cell] *= -decay
    for i in range(sigma.size):
        cell = cells[i]
        flat[cell] = max(abs(flat[cell]), sigma[i])


@njit(parallel=True, **MODE)
def _occupied(density, lengths, seen, thickness, of_mean, cells):
    sums, counts = np.zeros(density.shape[0]), np.zeros(density.shape[0])
    for x in prange(density.shape[0]):
        for y in range(density.shape[1]):
            for z in range(density.shape[2]):
                if seen[x, y, z]:
                    sums[x] += density[x, y, z] * lengths[x, y, z]
                    counts[x] += 1
    least = np.float32(min(thickness, of_mean * sums.sum() / max(counts.sum(), 1.0)))
    for x in prange(density.shape[0]):
        for y in range(density.shape[1]):
            for z in range(density.shape[2]):
                thick = density[x, y, z] * lengths[x, y, z] > least
                cells[x, y, z] = seen[x, y, z] and thick


def remember(density: Tensor, places: Tensor, sigma: Tensor, *, decay: float) -> None:
    """See `kernels.densitygrid.remember`."""
    _remember(
        density.numpy(),
        places.detach().contiguous().numpy(),
        sigma.detach().contiguous().numpy(),
        np.float32(decay),
    )


def occupied(
    density: Tensor, lengths: Tensor, seen: Tensor, *, thickness: float, of_mean: float
) -> Tensor:
    """See `kernels.densitygrid.occupied`."""
    cells = torch.empty_like(seen, memory_format=torch.contiguous_format)
    grid, sides, mask = (tensor.contiguous().numpy() for tensor in (density, lengths, seen))
    with parallel_region():
        _occupied(grid, sides, mask, thickness, of_mean, cells.numpy())
    return cells
