"""SSIM and the photometric loss on the CPU: autograd around the numba passes."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from kernels.ssim.passes import TAPS, compare, gradient
from kernels.threads import parallel_region

NO_WEIGHTS = np.zeros((0, 0), np.float32)


def _rows(image: Tensor) -> np.ndarray:
    """[h, 3 w] view of an [h, w, 3] image, copied only where it is not contiguous."""
    return image.detach().contiguous().numpy().reshape(image.shape[0], -1)


def _check(image: Tensor, target: Tensor, weights: Tensor | None = None) -> None:
    if image.ndim != 3 or image.shape[-1] != 3 or image.shape != target.shape or not image.numel():
        raise ValueError(
            f"expected two images [h, w, 3] of one size, got {list(image.shape)} "
            f"and {list(target.shape)}"
        )
    if weights is not None and weights.shape != image.shape[:2]:
        raise ValueError(
            f"expected weights {list(image.shape[:2])}, one for each pixel, "
            f"got {list(weights.shape)}"
        )
    if {image.dtype, target.dtype} != {torch.float32}:
        raise ValueError(f"expected float32 images, got {image.dtype} and {target.dtype}")


def _compared(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray = NO_WEIGHTS
) -> tuple[np.ndarray, float, float]:
    """Maps [4, h, 3 w] of `compare` and the sums of |x - y| and 1 - SSIM."""
    maps = np.empty((4, *x.shape), np.float32)
    sums = np.empty((len(x), 2), np.float64)
    with parallel_region():
        compare(x, y, weights, TAPS, maps, sums)
    l1, dssim = sums.sum(axis=0)
    return maps, float(l1), float(dssim)


class _PhotometricLoss(Function):
    """The gradient is made with the value, while the maps are at hand."""

    @staticmethod
    def forward(
        ctx: Any, image: Tensor, target: Tensor, ssim_weight: float, weights: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        x, y = _rows(image), _rows(target)
        if weights is None:
            w, total = NO_WEIGHTS, float(x.size)
        else:
            w = np.repeat(weights.detach().to(torch.float32).numpy(), 3, axis=1)
            total = float(w.sum(dtype=np.float64))
        share = 1 / total if total > 0 else 0.0
        maps, l1_sum, dssim_sum = _compared(x, y, w)
        l1, dssim = l1_sum * share, dssim_sum * share
        if ctx.needs_input_grad[0]:
            slope = np.empty_like(x)
            l1_share = np.float32((1 - ssim_weight) * share)
            ssim_share = np.float32(ssim_weight * share)
            with parallel_region():
                gradient(x, y, w, TAPS, maps, l1_share, ssim_share, slope)
            ctx.slope = slope.reshape(image.shape)
        loss = torch.tensor((1 - ssim_weight) * l1 + ssim_weight * dssim)
        parts = torch.tensor(l1), torch.tensor(dssim)
        ctx.mark_non_differentiable(*parts)
        return loss, *parts

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        # By numpy, not torch: waking torch's threads for so little costs more than it saves.
        return torch.from_numpy(ctx.slope * np.float32(grads[0])), None, None, None


def photometric_loss(
    image: Tensor, target: Tensor, *, ssim_weight: float = 0.2, weights: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, L1 and 1 - SSIM; see `kernels.ssim.photometric_loss`."""
    _check(image, target, weights)
    if weights is not None:
        image = torch.where(weights[..., None] > 0, image, target)
    return _PhotometricLoss.apply(image, target, ssim_weight, weights)  # pyright: ignore


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Mean SSIM; see `kernels.ssim.ssim`."""
    return 1 - photometric_loss(image, target, ssim_weight=1.0)[0]


def ssim_map(image: Tensor, target: Tensor) -> Tensor:
    """[h, w, 3] SSIM at each pixel and channel; see `kernels.ssim.ssim_map`."""
    _check(image, target)
    maps, _, _ = _compared(_rows(image), _rows(target))
    return torch.from_numpy(maps[0].reshape(image.shape).copy())
