"""SSIM and the photometric loss with torch's convolutions."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from kernels.ssim.reference import C1, C2, WINDOW, window_taps


def ssim_map(image: Tensor, target: Tensor) -> Tensor:
    """[h, w, 3] SSIM at each pixel and channel; see `kernels.ssim.ssim_map`."""
    x, y = image.permute(2, 0, 1), target.permute(2, 0, 1)
    products = torch.stack([x, y, x * x, y * y, x * y]).flatten(0, 1)[:, None]
    taps = window_taps(image.dtype).to(image.device)
    across = conv2d(products, taps.view(1, 1, 1, WINDOW), padding=(0, WINDOW // 2))
    blurred = conv2d(across, taps.view(1, 1, WINDOW, 1), padding=(WINDOW // 2, 0))
    mx, my, xx, yy, xy = blurred.view(5, 3, *image.shape[:2])
    likeness = (2 * mx * my + C1) * (2 * (xy - mx * my) + C2)
    bound = (mx**2 + my**2 + C1) * (xx - mx**2 + yy - my**2 + C2)
    return (likeness / bound).permute(1, 2, 0)


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Mean SSIM; see `kernels.ssim.ssim`."""
    return ssim_map(image, target).mean()


def photometric_loss(
    image: Tensor, target: Tensor, *, ssim_weight: float = 0.2, weights: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, L1 and 1 - SSIM; see `kernels.ssim.photometric_loss`."""
    if weights is None:
        l1, dssim = (image - target).abs().mean(), 1 - ssim(image, target)
    else:
        image = torch.where(weights[..., None] > 0, image, target)
        share = weights / torch.clamp(3 * weights.sum(), min=torch.finfo(image.dtype).tiny)
        l1 = ((image - target).abs() * share[..., None]).sum()
        dssim = ((1 - ssim_map(image, target)) * share[..., None]).sum()
    return (1 - ssim_weight) * l1 + ssim_weight * dssim, l1.detach(), dssim.detach()
