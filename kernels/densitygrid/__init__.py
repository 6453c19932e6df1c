"""What is remembered of a field's density in a grid, and which cells that makes worth a look."""

from types import ModuleType

import torch
from torch import Tensor

from kernels.densitygrid import cpu, cuda

__all__ = ["occupied", "remember", "warm_up"]


def remember(density: Tensor, places: Tensor, sigma: Tensor, *, decay: float) -> None:
    """Take densities that were found into the grid, in place (Mueller et al. 2022, E.2).

    A cell that holds any of the places becomes max(decay * what it was, the largest sigma there);
    the others stay.

    Args:
        density: [r, r, r] contiguous float32 over the unit cube, at least 0.
        places: [m, 3] float32 in [0, 1].
        sigma: [m] float32, at least 0.
        decay: in [0, 1].

    Raises ValueError for shapes or types that do not fit.
    """
    if density.ndim != 3 or len(set(density.shape)) != 1 or not density.is_contiguous():
        raise ValueError(f"expected a contiguous grid [r, r, r], got {list(density.shape)}")
    if places.ndim != 2 or places.shape[1] != 3 or sigma.shape != places.shape[:1]:
        raise ValueError(
            f"expected places [m, 3] and sigma [m], got {list(places.shape)} and "
            f"{list(sigma.shape)}"
        )
    if not density.dtype == places.dtype == sigma.dtype == torch.float32:
        raise ValueError(f"expected float32, got {density.dtype}, {places.dtype} and {sigma.dtype}")
    with torch.no_grad():
        _twin(density).remember(density, places, sigma, decay=decay)


def occupied(
    density: Tensor, lengths: Tensor, seen: Tensor, *, thickness: float, of_mean: float
) -> Tensor:
    """Which cells are worth looking at (Mueller et al. 2022, appendix E.2).

    A cell is if it may be seen and its optical thickness, density times length, is more than
    `thickness`, or more than `of_mean` of the mean over all that may be seen where that is less.

    Args:
        density, lengths: [r, r, r] contiguous float32, at least 0.
        seen: [r, r, r] bool.

    Returns [r, r, r] bool. The result is the same for any number of threads. Raises ValueError
    for shapes or types that do not fit.
    """
    if not density.shape == lengths.shape == seen.shape or density.ndim != 3:
        raise ValueError(
            f"expected three grids alike, got {list(density.shape)}, {list(lengths.shape)} and "
            f"{list(seen.shape)}"
        )
    if not density.dtype == lengths.dtype == torch.float32 or seen.dtype != torch.bool:
        raise ValueError(
            f"expected float32, float32 and bool, got {density.dtype}, {lengths.dtype} and "
            f"{seen.dtype}"
        )
    return _twin(density).occupied(density, lengths, seen, thickness=thickness, of_mean=of_mean)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    grid = torch.zeros(2, 2, 2)
    cpu.remember(grid, torch.zeros(1, 3), torch.zeros(1), decay=0.5)
    cpu.occupied(grid, grid, torch.ones(2, 2, 2, dtype=torch.bool), thickness=1.0, of_mean=0.5)


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
