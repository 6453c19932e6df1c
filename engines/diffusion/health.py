"""How a run is doing, in figures, and a sentence when something is off."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engines.diffusion.artifacts import LearntVariance
from engines.diffusion.paths import Path
from engines.diffusion.targets import Target, prediction_of
from engines.diffusion.variance import bounds, earlier, normal_share

BINS = 10
"""Parts of [0, 1] in which noise levels are put together."""
MEMORY = 0.98
"""What is kept of the mean error of a part from one batch to the next."""
BEATEN = 0.9
"""A network whose loss is nowhere below this share of the linear one has learnt nothing."""
CLEARLY = 0.75
"""Below this share of the linear loss samples are no mere noise."""
NARROW, WIDE = 0.05, 2.0
"""Deviations of data between which the paths do what they are made for."""
EARLY = 500
"""Before so many steps samples are noise or nearly, whatever is right."""
WORSE = 1.2
"""A loss of more than so many times that of the answer 0 grows instead of falling."""
OUTLIER = 10.0
"""A batch counts at most as so many times the mean error known before it."""
BEHIND = 0.1
"""An average that is so far from the weights does not yet draw what they could."""


@dataclass(eq=False)
class Levels:
    """Moving means of the error of each part of the noise levels."""

    errors: Tensor = field(default_factory=lambda: torch.full((BINS,), torch.nan))
    """[BINS] mean squared error, NaN where nothing was seen."""
    outlier: float = 0.0
    """What a batch counts at most, over what is known, so that one that went wrong is soon
    forgotten; 0 for any."""

    def take(self, t: Tensor, errors: Tensor) -> None:
        """Take in errors [n] at t [n]."""
        part = (t * BINS).long().clamp(0, BINS - 1)
        counts = torch.bincount(part, minlength=BINS)
        sums = torch.zeros(BINS).index_add_(0, part, errors.float())
        means = sums / counts.clamp(min=1)
        known, seen = ~self.errors.isnan(), counts > 0
        if self.outlier:
            means = torch.where(known, means.minimum(self.outlier * self.errors), means)
        mixed = MEMORY * self.errors + (1 - MEMORY) * means
        self.errors = torch.where(seen, torch.where(known, mixed, means), self.errors)


@dataclass(frozen=True, eq=False)
class Yardsticks:
    """What a loss is measured by: two answers that are known before anything is learnt.

    How far both are from the best answer there can be depends on path and target, but at every
    noise level that is no worse than the linear one, and the answer 0 no better.
    """

    deviation: float
    """Standard deviation of the data."""
    untrained: Tensor
    """[BINS] mean squared error of the answer 0, NaN where learning does not come."""
    linear: Tensor
    """[BINS] that of the best answer linear in x_t, which knows the data's deviation alone."""

    @classmethod
    def of(cls, path: Path, target: Target, x0: Tensor, t: Tensor) -> "Yardsticks":
        """Those for data like x0 [n, ...] and noise levels t [m] drawn as for learning.

        A target is p x0 + q eps. What is left of x0 once x_t = a x0 + s eps is known has the
        variance s^2 v / (a^2 v + s^2) for normal data of variance v (Wiener's filter); the rest
        follows as eps = (x_t - a x0) / s.
        """
        one, none = torch.ones_like(t), torch.zeros_like(t)
        p, q = prediction_of(target, path, t, one, none), prediction_of(target, path, t, none, one)
        a, s = path.at(t)
        deviation = float(x0.std())
        variance = max(deviation, NARROW) ** 2
        linear = (p * s - q * a).square() * variance / (a.square() * variance + s.square())
        untrained = p.square() * x0.square().mean() + q.square()
        zero, wiener = Levels(), Levels()
        zero.take(t, untrained)
        wiener.take(t, linear)
        return cls(deviation, zero.errors, wiener.errors)


def learnt_variance(path: Path, shares: Tensor, deviation: float) -> LearntVariance:
    """The v [BINS] of each part of the noise levels with what it is measured by."""
    t = (torch.arange(BINS) + 0.5) / BINS
    small, large = bounds(path, earlier(t), t)
    return LearntVariance(
        shares=tuple(shares.tolist()),
        normal=tuple(normal_share(path, earlier(t), t, deviation).tolist()),
        small=tuple(small.tolist()),
        large=tuple(large.tolist()),
    )


@dataclass(frozen=True)
class Remark:
    """A sentence on how a run is doing."""

    kind: str
    """What it is about: the same while only its figures change."""
    words: str
    grave: bool = True
    """Whether something is off; else it will pass by itself."""


def remarks(
    *,
    step: int,
    levels: Tensor,
    known: Yardsticks,
    lag: float,
    non_finite: float | None,
    rate: float,
) -> tuple[Remark, ...]:
    """What a person should know, the gravest first; `non_finite` None if nothing was drawn yet."""
    found = []
    if non_finite:
        found.append(
            Remark(
                "non-finite",
                f"{non_finite:.0%} of the numbers in the samples are not finite; lower the "
                "learning rate or compute in full precision",
            )
        )
    if not NARROW <= known.deviation <= WIDE:
        found.append(
            Remark(
                "deviation",
                f"The data have a standard deviation of {known.deviation:.3g}; about 0.5 is "
                "expected, so check that the images are not all alike or of one colour",
            )
        )
    seen = ~(levels / known.linear).isnan()
    least, times = 1.0, 1.0
    if bool(seen.any()):
        least = float((levels / known.linear)[seen].min())
        times = float(levels[seen].sum() / known.untrained[seen].sum())
    if times > WORSE:
        over = f"{times:.1f}" if times < 100 else "over 100"
        found.append(
            Remark(
                "worse",
                f"The loss is {over} times that of a network that knows nothing; lower the "
                f"learning rate of {rate:g}",
            )
        )
    elif step < EARLY:
        done = f"only {step:,} step{'s are' if step != 1 else ' is'} done"
        if least > CLEARLY:
            words = f"Samples are noise because {done}; shapes show after some hundred"
            found.append(Remark("early", words, grave=False))
        else:
            words = f"Samples are still rough because {done}; they get better for some thousand"
            found.append(Remark("rough", words, grave=False))
    elif least > BEATEN:
        found.append(
            Remark(
                "nothing learnt",
                f"After {step:,} steps the loss is at no noise level below {BEATEN:.0%} of that of "
                "a filter that knows only how far the data spread; raise the learning rate of "
                f"{rate:g}, or take a larger network",
            )
        )
    if step >= EARLY and lag > BEHIND:
        found.append(
            Remark(
                "lag",
                f"The average of the weights is {lag:.0%} behind them; its samples will look "
                "better in some hundred steps",
                grave=False,
            )
        )
    return tuple(found)
