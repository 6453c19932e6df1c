"""Guidance with a classifier: what is seen in x_t, moved towards a class.

With g the gradient of log p(c | x_t, t) with respect to x_t, found by a classifier that was
taught at every noise level, and s the strength,

    eps_hat = eps - s sigma g,    x0_hat = x0 + s sigma^2 / a g

(Dhariwal and Nichol 2021, section 4.2, algorithm 2, for their path; that x_t = a x0 + sigma eps
holds for both pairs gives the other half on any path). For s = 1 and an unconditional model it is
Bayes' rule: samples of p(x | c). For other s it is meant to be p(x) p(c | x)^s up to a factor,
which the noising of that distribution follows only where log p(c | x) is linear, so elsewhere it
is near it at best; s above 1 gives clearer and less varied samples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.diffusion.paths import Path, over
from engines.diffusion.targets import FLOOR, Estimate

LogLikelihood = Callable[[Tensor, Tensor], Tensor]
"""x_t [n, ...] and t [n] to log p(c | x_t, t) [n], each sample with a c of its own."""


@dataclass(frozen=True, eq=False)
class ClassifierGuidance:
    """Leads every estimate towards what `log_likelihood` is of."""

    log_likelihood: LogLikelihood
    scale: float
    """s: 0 changes nothing, less leads away."""
    path: Path

    def pull(self, x: Tensor, t: Tensor) -> Tensor:
        """s g [n, ...] for x = x_t [n, ...] at t [n], on any thread and whatever is recorded."""
        with torch.enable_grad():
            place = x.detach().requires_grad_()
            total = self.log_likelihood(place, t).sum()
            (gradient,) = torch.autograd.grad(total, place)
        return self.scale * gradient

    def __call__(self, found: Estimate, x: Tensor, t: Tensor) -> Estimate:
        """Data and noise in x = x_t [n, ...] at t [n], given what was `found` without a class."""
        a, s = (over(part, x) for part in self.path.at(t))
        pull, floored = self.pull(x, t), a.clamp_min(FLOOR)
        # Where a is all but 0, both halves shrink together, so that the pair stays one of x_t.
        return Estimate(found.x0 + s.square() / floored * pull, found.eps - a / floored * s * pull)
