"""From Gaussians in space to an image and back: the inner loop of splatting.

`rasterize` does all at once. `project` and `blend` are its two halves, for callers that
want to compute colours only for what the camera sees. `trace` tells how one pixel came about.
"""

from types import ModuleType

import torch
from torch import Tensor

from kernels.rasterize import cpu, cuda
from kernels.rasterize.types import Projected, Rasterized, Traced

__all__ = [
    "Projected",
    "Rasterized",
    "Traced",
    "blend",
    "project",
    "rasterize",
    "trace",
    "warm_up",
]


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
    """Turn Gaussians into ellipses on the image of a pinhole camera (OpenCV convention).

    Sigma' = J W R S S^T R^T W^T J^T + 0.3 I, with the Jacobian J of the perspective division
    taken at the centre (Zwicker et al. 2002), whose x/z and y/z are held within 0.15 of the
    field of view beyond the image's edges.

    Args:
        means: [n, 3] centres, world units.
        quats: [n, 4] wxyz, any length above 0.
        scales: [n, 3] standard deviations, world units.
        opacities: [n] in (0, 1); they bound the footprints and get no gradient here.
        world_to_camera: [4, 4] rigid transform; gets no gradient.
        fx, fy, cx, cy: intrinsics in pixels.
        width, height: size of the image in pixels.
        probe: [n, 2] offset in pixels that is added to the projected centres. With zeros that
            require a gradient, that gradient is the view-space positional gradient.
        near: Gaussians whose centre is nearer than this, or farther than 1e10, are culled,
            world units.

    Non-finite or degenerate Gaussians, those outside the image and those fainter than 1/255
    are culled: all their outputs are 0 and they get zero gradients.

    Raises ValueError for tensors of the wrong shape, type or device.
    """
    count = len(means)
    _check(means, means=means, shape=(count, 3))
    _check(means, quats=quats, shape=(count, 4))
    _check(means, scales=scales, shape=(count, 3))
    _check(means, opacities=opacities, shape=(count,))
    _check(means, world_to_camera=world_to_camera, shape=(4, 4))
    if probe is not None:
        _check(means, probe=probe, shape=(count, 2))
    return _twin(means).project(
        means,
        quats,
        scales,
        opacities,
        world_to_camera=world_to_camera,
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        width=width,
        height=height,
        probe=probe,
        near=near,
    )


def blend(
    projected: Projected,
    opacities: Tensor,
    colours: Tensor,
    *,
    background: Tensor | None = None,
) -> Rasterized:
    """Blend projected Gaussians front to back, in one order by depth for the whole image.

    At each pixel alpha = min(0.99, opacity * exp(power)); alphas below 1/255 are skipped, and
    a pixel is finished before its transmittance would fall to 1e-4 (Kerbl et al. 2023).

    Args:
        projected: what `project` returned.
        opacities: [n], the same as given to `project`.
        colours: [n, 3]; rows of culled Gaussians are not read into the image, and a Gaussian
            whose colour is not finite is left out.
        background: [3] colour behind everything, black if None.

    Raises ValueError for tensors of the wrong shape, type or device.
    """
    count = len(projected.means2d)
    _check(projected.means2d, opacities=opacities, shape=(count,))
    _check(projected.means2d, colours=colours, shape=(count, 3))
    if background is not None:
        _check(projected.means2d, background=background, shape=(3,))
    return _twin(colours).blend(projected, opacities, colours, background=background)


def trace(
    projected: Projected, opacities: Tensor, colours: Tensor, *, column: int, row: int
) -> Traced:
    """Which Gaussians `blend` puts into one pixel, in what order and how much of each.

    Args:
        projected: what `project` returned.
        opacities: [n], the same as given to `project`.
        colours: [n, 3]; a Gaussian whose colour is not finite is left out.
        column, row: of the pixel, from the upper left corner.

    Nothing has a gradient. Raises ValueError for tensors of the wrong shape, type or device,
    and for a pixel that is not in the image.
    """
    count = len(projected.means2d)
    _check(projected.means2d, opacities=opacities, shape=(count,))
    _check(projected.means2d, colours=colours, shape=(count, 3))
    if not (0 <= column < projected.width and 0 <= row < projected.height):
        raise ValueError(
            f"pixel ({column}, {row}) is not in an image of {projected.width} x {projected.height}"
        )
    return _twin(colours).trace(projected, opacities, colours, column=column, row=row)


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colours: Tensor,
    *,
    world_to_camera: Tensor,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    width: int,
    height: int,
    background: Tensor | None = None,
    probe: Tensor | None = None,
    near: float = 0.01,
) -> Rasterized:
    """Draw Gaussians with given colours: `project`, then `blend`; see there."""
    projected = project(
        means,
        quats,
        scales,
        opacities,
        world_to_camera=world_to_camera,
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        width=width,
        height=height,
        probe=probe,
        near=near,
    )
    return blend(projected, opacities, colours, background=background)


def warm_up() -> None:
    """Compile the CPU kernels, forward and backward, or load them from numba's cache.

    About 15 s on a machine that has never run them, under 1 s afterwards.
    """
    ones = torch.ones(1, 4, requires_grad=True)
    drawn = rasterize(
        ones[:, :3],
        ones,
        ones[:, :3],
        ones[:, 0] * 0.5,
        ones[:, :3],
        world_to_camera=torch.eye(4),
        fx=8.0,
        fy=8.0,
        cx=4.0,
        cy=4.0,
        width=8,
        height=8,
        probe=ones[:, :2],
    )
    drawn.image.sum().backward()


def _twin(tensor: Tensor) -> ModuleType:
    if tensor.device.type == "cpu":
        return cpu
    if tensor.device.type == "cuda":
        return cuda
    raise ValueError(f"Gaussians are on {tensor.device.type}; expected cpu or cuda")


def _check(model: Tensor, *, shape: tuple[int, ...], **named: Tensor) -> None:
    for name, tensor in named.items():
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {shape}")
        if tensor.dtype != torch.float32 or tensor.device != model.device:
            raise ValueError(
                f"{name} is {tensor.dtype} on {tensor.device}; "
                f"expected torch.float32 on {model.device}"
            )
