"""How alike two images are: structural similarity, and the loss that splatting minimises."""

from types import ModuleType

import torch
from torch import Tensor

from kernels.ssim import cpu, cuda

__all__ = ["photometric_loss", "ssim", "ssim_map", "warm_up"]


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Mean structural similarity (Wang et al. 2004), 1 for equal images.

    The Gaussian window has 11 x 11 pixels and sigma 1.5, with zero padding, C1 = 0.01^2 and
    C2 = 0.03^2, as in the code of Kerbl et al. 2023.

    Args:
        image: [h, w, 3] float32 in [0, 1]; the result is differentiable by it.
        target: [h, w, 3] float32 in [0, 1]; gets no gradient.

    Returns a scalar. Raises ValueError for shapes that differ.
    """
    return _twin(image).ssim(image, target)


def ssim_map(image: Tensor, target: Tensor) -> Tensor:
    """[h, w, 3] structural similarity at each pixel and channel, for display.

    Arguments as for `ssim`. Not differentiable.
    """
    with torch.no_grad():
        return _twin(image).ssim_map(image, target)


def photometric_loss(
    image: Tensor, target: Tensor, *, ssim_weight: float = 0.2, weights: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(1 - ssim_weight) * L1 + ssim_weight * (1 - SSIM) of Kerbl et al. 2023, equation 7.

    Args:
        image: [h, w, 3] float32 in [0, 1]; the loss is differentiable by it.
        target: [h, w, 3] float32 in [0, 1]; gets no gradient.
        ssim_weight: lambda, from 0 to 1.
        weights: [h, w] at least 0, how much each pixel counts in both means; all the same if
            None. Pixels of weight 0 count as equal in their neighbours' windows too and get
            no gradient.

    Returns the loss, the mean absolute difference and 1 - SSIM: scalars, of which only the
    first carries a gradient. Value and gradient come from the same two passes, so this is the
    fast way to train. Raises ValueError for shapes that differ.
    """
    return _twin(image).photometric_loss(image, target, ssim_weight=ssim_weight, weights=weights)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    image = torch.zeros(2, 2, 3, requires_grad=True)
    target = torch.ones(2, 2, 3)
    loss, _, _ = cpu.photometric_loss(image, target)
    loss.backward()


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
