"""Colours by spherical harmonics on the GPU with gsplat's kernel.

Its conventions are checked on the CPU, too, through gsplat's torch code.
"""

import torch
from torch import Tensor


def spherical_harmonics(
    coefficients: tuple[Tensor, Tensor],
    directions: Tensor,
    *,
    degree: int,
    visible: Tensor | None = None,
) -> Tensor:
    """[n, 3] colours; see `kernels.sphericalharmonics.spherical_harmonics`."""
    import gsplat  # slow to import, and of no use without a GPU

    constant, rest = coefficients
    bands = constant if degree == 0 else torch.cat([constant, rest[:, : (degree + 1) ** 2 - 1]], 1)
    colours = torch.clamp_min(
        0.5 + gsplat.spherical_harmonics(degree, directions, bands, masks=visible), 0.0
    )
    if visible is None:
        return colours
    return torch.where(visible[:, None], colours, 0.0)  # gsplat leaves masked rows unwritten
