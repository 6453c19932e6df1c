"""The definition of SSIM and of the photometric loss, in short readable torch.

Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity",
with the constants of Kerbl et al. 2023: a Gaussian window of 11 x 11 pixels with sigma 1.5,
zero padding to the same size, C1 = 0.01**2, C2 = 0.03**2 for values in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

WINDOW = 11
SIGMA = 1.5
C1 = 0.01**2
C2 = 0.03**2


def window_taps(dtype: torch.dtype = torch.float64) -> Tensor:
    """[11] one axis of the separable Gaussian window; sums to 1."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    taps = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    return (taps / taps.sum()).to(dtype)


def ssim_map(image: Tensor, target: Tensor) -> Tensor:
    """[h, w, 3] SSIM at each pixel and channel; see `kernels.ssim.ssim_map`."""
    taps = window_taps(image.dtype).to(image.device)
    window = torch.outer(taps, taps).expand(3, 1, WINDOW, WINDOW)
    x, y = (picture.permute(2, 0, 1)[None] for picture in (image, target))

    def local_mean(values: Tensor) -> Tensor:
        return conv2d(values, window, padding=WINDOW // 2, groups=3)

    mean_x, mean_y = local_mean(x), local_mean(y)
    variance_x = local_mean(x * x) - mean_x**2
    variance_y = local_mean(y * y) - mean_y**2
    covariance = local_mean(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    bound = (mean_x**2 + mean_y**2 + C1) * (variance_x + variance_y + C2)
    return (likeness / bound)[0].permute(1, 2, 0)


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Mean SSIM; see `kernels.ssim.ssim`."""
    return ssim_map(image, target).mean()


def photometric_loss(
    image: Tensor, target: Tensor, *, ssim_weight: float = 0.2, weights: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, L1 and 1 - SSIM; see `kernels.ssim.photometric_loss`."""
    if weights is None:
        weights = torch.ones_like(image[..., 0])
    image = torch.where(weights[..., None] > 0, image, target)
    share = weights[..., None] / torch.clamp(3 * weights.sum(), min=torch.finfo(image.dtype).tiny)
    l1 = (share * (image - target).abs()).sum()
    dssim = (share * (1 - ssim_map(image, target))).sum()
    return (1 - ssim_weight) * l1 + ssim_weight * dssim, l1.detach(), dssim.detach()
