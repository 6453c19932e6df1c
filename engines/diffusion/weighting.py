"""Which noise levels learning dwells on: how often each is drawn, and what its errors count."""

from typing import Literal, get_args

import torch
from torch import Tensor

from engines.diffusion.paths import Path
from engines.diffusion.targets import FLOOR, Target, sensitivity

Weighting = Literal["uniform", "min_snr"]
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
Timing = Literal["uniform", "logit_normal"]
TIMINGS: tuple[Timing, ...] = get_args(Timing)
EARLIEST = 1e-5
"""The least t that is drawn for learning; at 0 there is no noise to be found."""


def loss_weights(
    weighting: Weighting, path: Path, target: Target, t: Tensor, *, gamma: float = 5.0
) -> Tensor:
    """What the mean squared error of each prediction counts, [n] as t.

    uniform: 1 for the target itself; for noise the simple loss of Ho et al. 2020, equation 14.
    min_snr: min(SNR, gamma) for x0 and the same in terms of any other target: of noise
    min(SNR, gamma) / SNR, of v, where a^2 + s^2 = 1, min(SNR, gamma) / (SNR + 1) (Hang et al.
    2023, sections 3.4 and 4.2).
    """
    if weighting == "uniform":
        return torch.ones_like(t)
    a, s = (part.clamp_min(FLOOR**2) for part in path.at(t))
    if target == "noise":
        return (gamma * (s / a).square()).clamp_max(1)
    return (a / s).square().clamp_max(gamma) * sensitivity(target, path, t).square()


def draw_times(
    timing: Timing,
    count: int,
    generator: torch.Generator,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    shift: float = 1.0,
) -> Tensor:
    """[count] float32 noise levels in (0, 1] to learn at.

    uniform: stratified, one from each of `count` equal parts in random order, so that no
    batch leaves a region out (Kingma et al. 2021, appendix I.1).
    logit_normal: the sigmoid of N(mean, std^2), mostly middle levels (Esser et al. 2024,
    section 3.1); a larger mean dwells on more noise.

    A `shift` k makes k t / (1 + (k - 1) t) of every t (section 5.3.2): of images with large even
    areas little is left to learn before there is much noise, as many pixels say the same.
    """
    device = generator.device
    if timing == "logit_normal":
        normal = torch.randn(count, generator=generator, device=device)
        return shifted(torch.sigmoid(mean + std * normal), shift).clamp_min(EARLIEST)
    order = torch.randperm(count, generator=generator, device=device)
    inside = torch.rand(count, generator=generator, device=device)
    return shifted(1 - (order + inside) / count, shift).clamp(EARLIEST, 1)


def with_noise_end(t: Tensor) -> Tensor:
    """`t` [n] with every other level at 1, where a single step begins."""
    return torch.where(torch.arange(len(t), device=t.device) % 2 == 0, 1.0, t)


def shifted(t: Tensor, shift: float) -> Tensor:
    """Noise levels in [0, 1], moved towards more noise by a `shift` above 1."""
    return shift * t / (1 + (shift - 1) * t)
