"""The definition of colour by spherical harmonics, in short readable torch.

Real harmonics with the signs and order that 3D Gaussian splatting files use (Kerbl et al.
2023, after Sloan 2013, "Efficient spherical harmonic evaluation").
"""

import torch
from torch import Tensor

C0 = 0.28209479177387814
C1 = 0.4886025119029199
C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
C3 = (
    0.5900435899266435,
    2.890611442640554,
    0.4570457994644658,
    0.3731763325901154,
    1.445305721320277,
)


def unit(directions: Tensor) -> Tensor:
    """[n, 3] of length 1; what has no length or no finite one becomes 0 and gets no gradient."""
    squared = (directions**2).sum(dim=1, keepdim=True)
    usable = (squared > 0) & torch.isfinite(squared)
    return directions * torch.where(usable, torch.where(usable, squared, 1.0).rsqrt(), 0.0)


def basis(directions: Tensor, degree: int) -> Tensor:
    """[n, (degree + 1)**2] harmonics in the directions [n, 3], which must be of length 1."""
    x, y, z = directions.unbind(dim=1)
    values = [torch.full_like(x, C0)]
    if degree > 0:
        values += [-C1 * y, C1 * z, -C1 * x]
    if degree > 1:
        values += [
            C2[0] * x * y,
            -C2[0] * y * z,
            C2[1] * (2 * z * z - x * x - y * y),
            -C2[0] * x * z,
            C2[2] * (x * x - y * y),
        ]
    if degree > 2:
        values += [
            -C3[0] * y * (3 * x * x - y * y),
            C3[1] * x * y * z,
            -C3[2] * y * (4 * z * z - x * x - y * y),
            C3[3] * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -C3[2] * x * (4 * z * z - x * x - y * y),
            C3[4] * z * (x * x - y * y),
            -C3[0] * x * (x * x - 3 * y * y),
        ]
    return torch.stack(values, dim=1)


def spherical_harmonics(
    coefficients: tuple[Tensor, Tensor],
    directions: Tensor,
    *,
    degree: int,
    visible: Tensor | None = None,
) -> Tensor:
    """[n, 3] colours; see `kernels.sphericalharmonics.spherical_harmonics`."""
    if visible is not None:
        colours = directions.new_zeros(len(directions), 3)
        seen = (coefficients[0][visible], coefficients[1][visible])
        colours[visible] = spherical_harmonics(seen, directions[visible], degree=degree)
        return colours
    bands = torch.cat(coefficients, dim=1)[:, : (degree + 1) ** 2]
    values = basis(unit(directions), degree)
    return torch.clamp_min(0.5 + torch.einsum("nk,nkc->nc", values, bands), 0.0)
