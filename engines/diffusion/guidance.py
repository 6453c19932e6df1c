"""Guidance without a classifier: the one place where predictions are mixed.

Every target is an affine function of x0 at fixed x_t, so mixing with weights that sum to 1
means the same for predictions of any of them. A learnt variance (see `variance`) is no such thing
and is not extrapolated: v is the mean by what is steered towards, so that with guidance it is that
of the conditional model, and what is steered away from says nothing of it.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engines.diffusion.condition import Condition
from engines.diffusion.targets import Model
from engines.diffusion.variance import halves


class Network(Protocol):
    """What is trained: a prediction that may follow a condition."""

    def __call__(self, x: Tensor, t: Tensor, condition: Condition | None = None, /) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Mixed:
    """A model whose prediction is sum_i weights[i] net(x, t, conditions[i]), in one batch."""

    net: Network
    conditions: Sequence[Condition]
    """k of them, each for all n samples."""
    weights: Tensor
    """[k] for all samples, or [k, n] for each; sum to 1 over k."""

    def __post_init__(self) -> None:
        sums = self.weights.sum(0)
        if len(self.conditions) != len(self.weights) or bool(((sums - 1).abs() > 1e-5).any()):
            raise ValueError(
                f"{len(self.conditions)} conditions need as many weights that sum to 1, "
                f"not {self.weights.tolist()}"
            )

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """The mixed prediction, as x, for x [n, ...] at t [n]."""
        count = len(self.conditions)
        if any(len(condition) != len(x) for condition in self.conditions):
            sizes = ", ".join(str(len(condition)) for condition in self.conditions)
            raise ValueError(f"{len(x)} samples need {len(x)} conditions, not {sizes}")
        found = self.net(torch.cat([x] * count), t.repeat(count), self._every)
        mean, v = halves(found, x)
        weights = self.weights.to(mean).reshape(count, -1, *[1] * (x.ndim - 1))
        mixed = (weights * mean.unflatten(0, (count, -1))).sum(0)
        if v is None:
            return mixed
        towards = weights.clamp_min(0)
        towards = towards / towards.sum(0)
        return torch.cat([mixed, (towards * v.unflatten(0, (count, -1))).sum(0)], dim=1)

    @functools.cached_property
    def _every(self) -> Condition:
        """All conditions as one; the same object each time, so that nets need read it only once."""
        return Condition.joined(tuple(self.conditions))


def conditioned(net: Network, condition: Condition) -> Model:
    """The model that follows `condition` and is not guided."""
    return lambda x, t: net(x, t, condition)


def guided(net: Network, condition: Condition, scale: float) -> Model:
    """(1 + scale) net(x, t, condition) - scale net(x, t, nothing) (Ho and Salimans 2022, eq. 6).

    A scale of 0 is the plain conditional model at the cost of one call, -1 the unconditional
    one. Others write s = 1 + scale and call that the guidance scale.
    """
    return blended(net, (condition,), torch.ones(1), scale)


def blended(net: Network, conditions: Sequence[Condition], shares: Tensor, scale: float) -> Model:
    """As `guided`, towards sum_i shares[i] net(x, t, conditions[i]) in place of one condition.

    `shares` are [k] or [k, n] and sum to 1 over k, as the weights of `Mixed`.
    """
    first = conditions[0]
    if scale == 0:
        return conditioned(net, first) if len(conditions) == 1 else Mixed(net, conditions, shares)
    nothing = Condition.nothing(len(first), first.tokens.device)
    away = torch.full_like(shares[:1], -scale)
    return Mixed(net, (*conditions, nothing), torch.cat([(1 + scale) * shares, away]))


def dropped_at_random(condition: Condition, share: float, generator: torch.Generator) -> Condition:
    """`condition` with nothing in a random `share` of its rows, each drawn for itself.

    Without it a network never learns the unconditional prediction that guidance needs
    (Ho and Salimans 2022, algorithm 1; of 0.1, 0.2 and 0.5 they find the last the worst).
    """
    drawn = torch.rand(len(condition), generator=generator, device=generator.device)
    return condition.dropped((drawn < share).to(condition.tokens.device))
