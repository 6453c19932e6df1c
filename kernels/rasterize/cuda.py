"""Rasterising on an NVIDIA GPU: gsplat's kernels behind our signature.

Written against gsplat 1.5.3. One difference is known: gsplat caps alpha at 0.999 where the other
twins cap it at 0.99.

gsplat is imported inside the functions, because its import may start a compiler.
"""

import torch
from torch import Tensor

from kernels.rasterize.reference import trace_capped
from kernels.rasterize.types import BLUR, FAR, Projected, Rasterized, Traced

TILE = 16
"""Pixels along a tile's side in gsplat's kernels."""
ALPHA_MAX = 0.999
"""Where gsplat's kernels cap alpha."""


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
    from gsplat import fully_fused_projection

    sound = _finite(means, quats, scales, opacities[:, None])
    sound = (sound & (quats.detach().norm(dim=1) > 1e-12))[:, None]
    intrinsics = means.new_tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    radii, means2d, depths, conics, _ = fully_fused_projection(
        torch.where(sound, means, 0.0),
        None,
        torch.where(sound, quats, 1.0),
        torch.where(sound, scales, 1.0),
        world_to_camera[None],
        intrinsics[None],
        width,
        height,
        eps2d=BLUR,
        near_plane=near,
        far_plane=FAR,
        packed=False,
        opacities=torch.where(sound[:, 0], opacities.detach(), 0.0),
    )
    # What gsplat culls it leaves unwritten.
    visible = (radii[0] > 0).all(dim=1, keepdim=True) & sound
    visible = visible & _finite(means2d[0], conics[0], depths[0][:, None])[:, None]
    centres = means2d[0] if probe is None else means2d[0] + probe
    extents = torch.where(visible, radii[0].to(means.dtype), 0.0)
    return Projected(
        means2d=torch.where(visible, centres, 0.0),
        conics=torch.where(visible, conics[0], 0.0),
        depths=torch.where(visible[:, 0], depths[0], 0.0),
        extents=extents,
        radii=extents.amax(dim=1),
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
    from gsplat import isect_offset_encode, isect_tiles, rasterize_to_pixels

    width, height = projected.width, projected.height
    across, down = -(-width // TILE), -(-height // TILE)
    shown = _finite(colours, opacities[:, None])[:, None]
    radii = torch.where(shown, projected.extents, 0.0).ceil().to(torch.int32)[None]
    means2d, depths = projected.means2d[None], projected.depths[None]
    _, keys, order = isect_tiles(
        means2d, radii, depths, TILE, across, down, packed=False, n_images=1
    )
    offsets = isect_offset_encode(keys, 1, across, down).reshape(1, down, across)
    # Depth travels as a fourth colour, black behind everything.
    channels = torch.cat([torch.where(shown, colours, 0.0), projected.depths[:, None]], dim=1)
    behind = (
        colours.new_zeros(4) if background is None else torch.nn.functional.pad(background, [0, 1])
    )
    drawn, alpha = rasterize_to_pixels(
        means2d,
        projected.conics[None],
        channels[None],
        torch.where(shown[:, 0], opacities, 0.0)[None],
        width,
        height,
        TILE,
        offsets,
        order,
        backgrounds=behind[None],
        packed=False,
    )
    return Rasterized(drawn[0, :, :, :3], drawn[0, :, :, 3], alpha[0, :, :, 0], projected.radii)


def trace(
    projected: Projected, opacities: Tensor, colours: Tensor, *, column: int, row: int
) -> Traced:
    """See `kernels.rasterize.trace`."""
    return trace_capped(projected, opacities, colours, column, row, ALPHA_MAX)


def _finite(*tensors: Tensor) -> Tensor:
    """[n] true where every entry of the row is finite in all `tensors` [n, k]."""
    return torch.stack([t.detach().isfinite().all(dim=1) for t in tensors]).all(dim=0)
