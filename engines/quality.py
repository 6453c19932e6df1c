"""How good a result is: PSNR and SSIM of its views against the photos."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.ssim import ssim, ssim_map

PERFECT_DB = 100.0
"""PSNR given for identical images instead of infinity."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Means over views and each view's PSNR in dB by name."""

    psnr: float
    ssim: float
    views: dict[str, float]


def psnr(image: Tensor, target: Tensor, weights: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB of [h, w, 3] images in [0, 1]; at most `PERFECT_DB`.

    Only pixels whose `weights` [h, w] are not 0 count; all if None.
    """
    squares = (image - target) ** 2
    error = float(torch.mean(squares if weights is None else squares[weights > 0]))
    return (
        PERFECT_DB
        if error < 10 ** (-PERFECT_DB / 10)
        else -10.0 * float(torch.log10(torch.tensor(error, dtype=torch.float64)))
    )


@torch.no_grad()
def judge(
    names: Iterable[str],
    pair: Callable[[str], tuple[Tensor, Tensor]],
    weights: Callable[[str], Tensor | None] | None = None,
) -> Quality:
    """Compare `pair(name)` -> (image, photo), both [h, w, 3], for every name.

    Images are clipped to [0, 1] first, as they would be on a screen. Pixels where
    `weights(name)` [h, w] is 0 do not count, neither by themselves nor in their neighbours'
    windows.
    """
    psnrs: dict[str, float] = {}
    ssims: list[float] = []
    for name in names:
        image, target = pair(name)
        image = image.clamp(0, 1)
        kept = weights(name) if weights is not None else None
        psnrs[name] = psnr(image, target, kept)
        ssims.append(_ssim(image, target, kept))
    count = max(1, len(psnrs))
    return Quality(psnr=sum(psnrs.values()) / count, ssim=sum(ssims) / count, views=psnrs)


def _ssim(image: Tensor, target: Tensor, weights: Tensor | None) -> float:
    if weights is None:
        return float(ssim(image, target))
    kept = weights > 0
    return float(ssim_map(torch.where(kept[..., None], image, target), target)[kept].mean())
