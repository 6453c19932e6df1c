"""The definition of rasterising: short, dense and slow; the other twins are held against it.

Kerbl et al. 2023, "3D Gaussian Splatting", sections 4 and 6; Zwicker et al. 2002, "EWA
Splatting", for the projection; extents after Radl et al. 2024, "StopThePop", appendix B.2.
Every operation is plain torch, so autograd gives the gradients, in float32 or float64.
"""

import torch
from torch import Tensor

from kernels.rasterize.types import (
    ALPHA_MAX,
    ALPHA_MIN,
    BLUR,
    FAR,
    FIELD_MARGIN,
    TRANSMITTANCE_MIN,
    Projected,
    Rasterized,
    Traced,
)


def project(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    *,
    world_to_camera: Tensor,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    width: int,
    height: int,
    probe: Tensor | None = None,
    near: float = 0.01,
) -> Projected:
    """See `kernels.rasterize.project`."""
    sound = _finite(means, quats, scales, opacities[:, None]) & (quats.norm(dim=1) > 1e-12)
    sound = sound & (opacities >= ALPHA_MIN)
    means = torch.where(sound[:, None], means, 0.0)
    quats = torch.where(sound[:, None], quats, 1.0)
    scales = torch.where(sound[:, None], scales, 1.0)
    rotation, shift = world_to_camera[:3, :3], world_to_camera[:3, 3]
    x, y, z = (means @ rotation.T + shift).unbind(1)
    sound = sound & (z > near) & (z < FAR)
    z = torch.where(sound, z, 1.0)

    means2d = torch.stack([fx * x / z + cx, fy * y / z + cy], dim=1)
    if probe is not None:
        means2d = means2d + probe
    half_x, half_y = FIELD_MARGIN * width / (2 * fx), FIELD_MARGIN * height / (2 * fy)
    u = (x / z).clamp(-cx / fx - half_x, (width - cx) / fx + half_x)
    v = (y / z).clamp(-cy / fy - half_y, (height - cy) / fy + half_y)
    zero = torch.zeros_like(z)
    jacobian = torch.stack([fx / z, zero, -fx * u / z, zero, fy / z, -fy * v / z], dim=1)
    # J W R S: the projected covariance is this times its transpose.
    factor = jacobian.reshape(-1, 2, 3) @ rotation @ rotations(quats) * scales[:, None, :]
    covariance = factor @ factor.transpose(1, 2)
    xx, xy, yy = covariance[:, 0, 0] + BLUR, covariance[:, 0, 1], covariance[:, 1, 1] + BLUR
    determinant = xx * yy - xy * xy
    conics = torch.stack([yy, -xy, xx], dim=1) / determinant[:, None]

    with torch.no_grad():
        reach = 2 * torch.log(opacities.clamp(min=ALPHA_MIN) / ALPHA_MIN)
        extents = torch.sqrt(reach[:, None] * torch.stack([xx, yy], dim=1))
        size = means2d.new_tensor([width, height])
        inside = (means2d + extents > 0) & (means2d - extents < size)
        visible = sound & inside.all(dim=1) & (determinant > 0)
        visible = visible & _finite(means2d, conics, extents, z[:, None])
    return Projected(
        means2d=torch.where(visible[:, None], means2d, 0.0),
        conics=torch.where(visible[:, None], conics, 0.0),
        depths=torch.where(visible, z, 0.0),
        extents=torch.where(visible[:, None], extents, 0.0),
        radii=torch.where(visible, extents.amax(dim=1), 0.0),
        width=width,
        height=height,
    )


def blend(
    projected: Projected,
    opacities: Tensor,
    colours: Tensor,
    *,
    background: Tensor | None = None,
) -> Rasterized:
    """See `kernels.rasterize.blend`."""
    width, height = projected.width, projected.height
    order = _front_to_back(projected, opacities, colours)
    kind = {"dtype": colours.dtype, "device": colours.device}
    rows, columns = torch.meshgrid(
        torch.arange(height, **kind) + 0.5, torch.arange(width, **kind) + 0.5, indexing="ij"
    )
    alphas = _alphas(projected, opacities, order, columns.reshape(1, -1), rows.reshape(1, -1))
    behind = torch.cumprod(1 - alphas, dim=0)
    alphas = torch.where(behind > TRANSMITTANCE_MIN, alphas, 0.0)
    behind = torch.cumprod(1 - alphas, dim=0)
    before = torch.cat([colours.new_ones(1, width * height), behind])
    weights = alphas * before[:-1]

    image = weights.T @ colours[order]
    if background is not None:
        image = image + before[-1][:, None] * background
    depth = weights.T @ projected.depths[order]
    return Rasterized(
        image.reshape(height, width, 3),
        depth.reshape(height, width),
        (1 - before[-1]).reshape(height, width),
        projected.radii,
    )


def trace(
    projected: Projected, opacities: Tensor, colours: Tensor, *, column: int, row: int
) -> Traced:
    """See `kernels.rasterize.trace`."""
    return trace_capped(projected, opacities, colours, column, row, ALPHA_MAX)


@torch.no_grad()
def trace_capped(
    projected: Projected,
    opacities: Tensor,
    colours: Tensor,
    column: int,
    row: int,
    alpha_max: float,
) -> Traced:
    """`trace` for a rasteriser that caps alpha elsewhere."""
    order = _front_to_back(projected, opacities, colours)
    x, y = (colours.new_full((1, 1), at + 0.5) for at in (column, row))
    alphas = _alphas(projected, opacities, order, x, y, alpha_max)[:, 0]
    used = (alphas > 0) & (torch.cumprod(1 - alphas, dim=0) > TRANSMITTANCE_MIN)
    alphas = alphas[used]
    before = torch.cat([alphas.new_ones(1), torch.cumprod(1 - alphas, dim=0)])
    return Traced(order[used], alphas, before[:-1])


def _front_to_back(projected: Projected, opacities: Tensor, colours: Tensor) -> Tensor:
    """Indices of what is drawn, nearest first, ties by index."""
    shown = (projected.radii > 0) & _finite(colours, opacities[:, None])
    order = torch.argsort(projected.depths.detach(), stable=True)
    return order[shown[order]]


def _alphas(
    projected: Projected,
    opacities: Tensor,
    order: Tensor,
    x: Tensor,
    y: Tensor,
    alpha_max: float = ALPHA_MAX,
) -> Tensor:
    """[n, pixels] opacity of the Gaussians of `order` at pixel centres `x`, `y` [1, pixels];
    0 where skipped."""
    mean_x, mean_y = projected.means2d[order, :, None].unbind(1)
    a, b, c = projected.conics[order, :, None].unbind(1)
    dx, dy = x - mean_x, y - mean_y
    power = -0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy
    alphas = (opacities[order, None] * torch.exp(power)).clamp(max=alpha_max)
    return torch.where(alphas >= ALPHA_MIN, alphas, 0.0)


def rotations(quats: Tensor) -> Tensor:
    """[n, 3, 3] rotation matrices of wxyz quaternions [n, 4] of any length above 0."""
    w, x, y, z = (quats / quats.norm(dim=1, keepdim=True)).unbind(1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _finite(*tensors: Tensor) -> Tensor:
    """[n] true where every entry of the row is finite in all `tensors` [n, k]."""
    return torch.stack([t.detach().isfinite().all(dim=1) for t in tensors]).all(dim=0)
