"""The definition of the density grid's upkeep, in short readable torch."""

from torch import Tensor


def remember(density: Tensor, places: Tensor, sigma: Tensor, *, decay: float) -> None:
    """See `kernels.densitygrid.remember`."""
    r = len(density)
    x, y, z = (places * r).long().clamp(0, r - 1).unbind(dim=1)
    cells, flat = (x * r + y) * r + z, density.view(-1)
    flat[cells] = flat[cells] * decay  # once, however often a cell is named
    flat.scatter_reduce_(0, cells, sigma.detach(), "amax")


def occupied(
    density: Tensor, lengths: Tensor, seen: Tensor, *, thickness: float, of_mean: float
) -> Tensor:
    """See `kernels.densitygrid.occupied`."""
    found = (density * lengths).where(seen, 0.0)
    mean = float(found.double().sum()) / max(1, int(seen.sum()))
    return seen & (found > min(thickness, of_mean * mean))
