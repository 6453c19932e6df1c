"""What a network is asked to predict, and what any prediction says about data and noise.

At a known x_t = a x0 + s eps each of the targets determines the others:

    noise     eps                                  Ho et al. 2020, equation 14
    x0        x0                                   Salimans and Ho 2022, section 4
    v         a eps - s x0                         Salimans and Ho 2022, section 4
    velocity  dx/dt = a' x0 + s' eps               Lipman et al. 2023, equation 14

Samplers see only the pair (x0, eps), so any target goes with any path and any sampler. Where
a path ends nothing is divided by 0: the noise says nothing about x0 where a = 0, nor x0 about
eps where s = 0, and what cannot be known comes out small instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from engines.diffusion.paths import Path, over
from engines.diffusion.variance import halves

Target = Literal["noise", "x0", "v", "velocity"]
TARGETS: tuple[Target, ...] = get_args(Target)
Model = Callable[[Tensor, Tensor], Tensor]
"""x_t [n, ...] and t [n] float32 to a prediction shaped as x_t, whatever its target is; twice as
many channels where variances were learnt."""
IMAGES_CLIP = 1.0
"""Pixels lie within plus or minus this much."""
POINTS_CLIP = 3.0
"""Twice as far as toys reach, and beyond the plane in which their fields are shown."""
FLOOR = 1e-3
"""The least a or s that is divided by; below the least of both on the linear path's levels."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What is held to be data and noise in some x_t, so that x_t = a x0 + s eps."""

    x0: Tensor
    """[n, ...]."""
    eps: Tensor
    """[n, ...]."""
    v: Tensor | None = None
    """[n, ...] how much noise a step adds, see `variance`; None where that was not learnt."""


Steering = Callable[[Estimate, Tensor, Tensor], Estimate]
"""What is held to be in x_t [n, ...] at t [n], moved to where it is wanted (see `steering`)."""


def prediction_of(target: Target, path: Path, t: Tensor, x0: Tensor, eps: Tensor) -> Tensor:
    """What a perfect network would predict for data and noise [n, ...] at t, [n] or a scalar."""
    a, s = (over(part, x0) for part in path.at(t))
    if target == "noise":
        return eps
    if target == "x0":
        return x0
    if target == "v":
        return a * eps - s * x0
    da, ds = (over(part, x0) for part in path.rates(t))
    return da * x0 + ds * eps


def estimate_of(target: Target, path: Path, t: Tensor, x: Tensor, prediction: Tensor) -> Estimate:
    """Data and noise in x = x_t [n, ...] by a prediction of `target`; t is [n] or a scalar."""
    a, s = (over(part, x) for part in path.at(t))
    if target == "noise":
        return Estimate((x - s * prediction) / a.clamp_min(FLOOR), prediction)
    if target == "x0":
        return Estimate(prediction, (x - a * prediction) / s.clamp_min(FLOOR))
    if target == "v":
        # (x, v) is (x0, eps) turned and scaled by sqrt(a^2 + s^2), which never vanishes.
        size = a.square() + s.square()
        return Estimate((a * x - s * prediction) / size, (s * x + a * prediction) / size)
    da, ds = (over(part, x) for part in path.rates(t))
    size = a * ds - s * da
    return Estimate((ds * x - s * prediction) / size, (a * prediction - da * x) / size)


def clip_of(shape: Sequence[int]) -> float:
    """Within plus or minus what data of this shape lie: images (c, h, w), or points (2,)."""
    return IMAGES_CLIP if len(shape) == 3 else POINTS_CLIP


def sensitivity(target: Target, path: Path, t: Tensor) -> Tensor:
    """|dx0 / dprediction| at fixed x_t, shaped as t: what an error does to x0.

    Its square turns a loss weight of x0 into the weight of another target.
    """
    a, s = path.at(t)
    if target == "noise":
        return s / a.clamp_min(FLOOR)
    if target == "x0":
        return torch.ones_like(t)
    if target == "v":
        return s / (a.square() + s.square())
    da, ds = path.rates(t)
    return s / (a * ds - s * da)


@dataclass(frozen=True)
class Denoiser:
    """A model together with what it predicts on which path: x_t to data and noise."""

    model: Model
    path: Path
    target: Target
    clip: float | None = None
    """Keeps x0 within plus or minus this much: the range of the data, where it is known.

    Next to pure noise an error of the predicted noise is one of x0 up to 1 / `FLOOR` times as
    large, and nothing else would bound it.
    """
    steer: Steering | None = None
    """What leads samples elsewhere than the model alone."""

    def __call__(self, x: Tensor, t: Tensor) -> Estimate:
        """Data and noise in x [n, ...], all at the same level t, a scalar."""
        times = t.to(x.device, torch.float32).expand(len(x))
        mean, v = halves(self.model(x, times), x)
        found = estimate_of(self.target, self.path, t, x, mean)
        if self.steer is not None:
            found = self.steer(found, x, times)
        if self.clip is None:
            return replace(found, v=v)
        x0 = found.x0.clamp(-self.clip, self.clip)
        bounded = estimate_of("x0", self.path, t, x, x0)
        # What was within bounds stays as it was predicted: little noise is not told from x0.
        return Estimate(x0, torch.where(x0 == found.x0, found.eps, bounded.eps), v)
