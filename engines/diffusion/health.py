"""How a run is doing, in figures, and a sentence when something is off."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engines.diffusion.paths import Path
from engines.diffusion.targets import Target, prediction_of

BINS = 10
"""Parts of [0, 1] in which noise levels are put together."""
MEMORY = 0.98
"""What is kept of the mean error of a part from one batch to the next."""
LITTLE = 0.5
"""A network whose loss is above this share of an untrained one's has learnt next to nothing."""
EARLY = 500
"""Before so many steps samples are noise, whatever is right."""
BEHIND = 0.1
"""An average that is so far from the weights does not yet draw what they could."""


@dataclass(eq=False)
class Levels:
    """Moving means of the error of each part of the noise levels."""

    errors: Tensor = field(default_factory=lambda: torch.full((BINS,), torch.nan))
    """[BINS] mean squared error, NaN where nothing was seen."""

    def take(self, t: Tensor, errors: Tensor) -> None:
        """Take in errors [n] at t [n]."""
        part = (t * BINS).long().clamp(0, BINS - 1)
        counts = torch.bincount(part, minlength=BINS)
        sums = torch.zeros(BINS).index_add_(0, part, errors.float())
        means = sums / counts.clamp(min=1)
        known, seen = ~self.errors.isnan(), counts > 0
        mixed = MEMORY * self.errors + (1 - MEMORY) * means
        self.errors = torch.where(seen, torch.where(known, mixed, means), self.errors)


def untrained_loss(path: Path, target: Target, x0: Tensor, generator: torch.Generator) -> Tensor:
    """[BINS] mean squared error of the answer 0 in the middle of each part, for data [n, ...]."""
    t = (torch.arange(BINS, dtype=torch.float32) + 0.5) / BINS
    eps = torch.randn(x0.shape, generator=generator)
    found = [prediction_of(target, path, each, x0, eps).square().mean() for each in t]
    return torch.stack(found)


def sentences(
    *,
    step: int,
    levels: Tensor,
    untrained: Tensor,
    lag: float,
    non_finite: float,
    deviation: float,
    rate: float,
) -> tuple[str, ...]:
    """What a person should know, the gravest first."""
    found = []
    if non_finite > 0:
        found.append(
            f"{non_finite:.0%} of the numbers in the samples are not finite; lower the learning "
            "rate or compute in full precision"
        )
    if not 0.05 <= deviation <= 2.0:
        found.append(
            f"The data have a standard deviation of {deviation:.3g}; about 0.5 is expected, so "
            "check that the images are not all alike or of one colour"
        )
    seen = ~levels.isnan()
    share = (
        float((levels[seen] / untrained[seen].clamp_min(1e-9)).mean()) if bool(seen.any()) else 1
    )
    if step < EARLY and share > LITTLE / 2:
        found.append(
            f"Samples are noise because only {step:,} step{'s are' if step != 1 else ' is'} done; "
            "shapes appear after a thousand or so"
        )
    elif share > 1.2:
        found.append(
            f"The loss is {share:.1f} times that of a network that knows nothing; lower the "
            f"learning rate of {rate:g}"
        )
    elif step >= EARLY and share > LITTLE:
        found.append(
            f"After {step:,} steps the loss is still {share:.0%} of that of a network that knows "
            f"nothing; raise the learning rate of {rate:g}, or take a larger network"
        )
    if step >= EARLY and lag > BEHIND:
        found.append(
            f"The average of the weights is {lag:.0%} behind them; its samples will look better "
            "in some hundred steps"
        )
    return tuple(found)
