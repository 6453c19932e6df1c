"""From Gaussians in space to an image and back: the inner loop of splatting.

`rasterize` does all at once. `project` and `blend` are its two halves, for callers that
want to compute colours only for what the camera sees.
"""

from types import ModuleType

from torch import Tensor

from kernels.rasterize import cpu
from kernels.rasterize.types import Projected, Rasterized

__all__ = ["Projected", "Rasterized", "blend", "project", "rasterize"]


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
        near: Gaussians whose centre is nearer than this are culled, world units.

    Non-finite or degenerate Gaussians, those outside the image and those fainter than 1/255
    are culled: all their outputs are 0 and they get zero gradients.
    """
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
    """
    return _twin(colours).blend(projected, opacities, colours, background=background)


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


def _twin(tensor: Tensor) -> ModuleType:
    if tensor.device.type == "cpu":
        return cpu
    raise NotImplementedError(f"cannot rasterise on {tensor.device.type}")
