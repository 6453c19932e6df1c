"""The sparse voxel grid on an NVIDIA GPU: torch's own operators.

Nothing here is faster than the definition.
"""

from torch import Tensor

from kernels.voxelgrid import reference


def trilinear(positions: Tensor, table: Tensor, corners: Tensor) -> Tensor:
    """[n, f] features; see `kernels.voxelgrid.trilinear`."""
    return reference.trilinear(positions, table, corners)


def total_variation(
    table: Tensor,
    corners: Tensor,
    cells: Tensor,
    *,
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    eps: float = 1e-9,
) -> Tensor:
    """A scalar; see `kernels.voxelgrid.total_variation`."""
    return reference.total_variation(table, corners, cells, scale=scale, eps=eps)
