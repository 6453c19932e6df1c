"""How good a cloud is: PSNR and SSIM of its views against the photos."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.ssim import ssim

PERFECT_DB = 100.0
"""PSNR given for identical images instead of infinity."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Means over views and each view's PSNR in dB by name."""

    psnr: float
    ssim: float
    views: dict[str, float]


def psnr(image: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of [h, w, 3] images in [0, 1]; at most `PERFECT_DB`."""
    error = float(torch.mean((image - target) ** 2))
    return (
        PERFECT_DB
        if error < 10 ** (-PERFECT_DB / 10)
        else -10.0 * float(torch.log10(torch.tensor(error, dtype=torch.float64)))
    )


@torch.no_grad()
def judge(names: Iterable[str], pair: Callable[[str], tuple[Tensor, Tensor]]) -> Quality:
    """Compare `pair(name)` -> (image, photo), both [h, w, 3], for every name.

    Images are clipped to [0, 1] first, as they would be on a screen.
    """
    psnrs: dict[str, float] = {}
    ssims: list[float] = []
    for name in names:
        image, target = pair(name)
        image = image.clamp(0, 1)
        psnrs[name] = psnr(image, target)
        ssims.append(float(ssim(image, target)))
    count = max(1, len(psnrs))
    return Quality(psnr=sum(psnrs.values()) / count, ssim=sum(ssims) / count, views=psnrs)
