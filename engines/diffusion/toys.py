"""Points in the plane whose distributions are known: what can be learnt may be compared.

All have about zero mean and lie within [-1.5, 1.5] or so. For the Gaussian mixture the score
and the best possible denoising are known at every noise level of every path.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.diffusion.paths import Path, over
from engines.diffusion.targets import Estimate, Model, Target, prediction_of


@dataclass(frozen=True, eq=False)
class Points:
    """Samples of a toy."""

    places: Tensor
    """[n, 2] float32."""
    labels: Tensor
    """[n] int64: which mode or which moon; all 0 where there are no parts."""


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """sum_k weights[k] N(means[k], stds[k]^2 I) of points [n, d]."""

    means: Tensor
    """[k, d]."""
    stds: Tensor
    """[k]."""
    weights: Tensor
    """[k], sum to 1."""

    def sample(self, count: int, generator: torch.Generator) -> Points:
        """`count` exact samples."""
        labels = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        normal = torch.randn(count, self.means.shape[1], generator=generator)
        return Points(self.means[labels] + self.stds[labels, None] * normal, labels)

    def estimate(self, x: Tensor, t: Tensor, path: Path) -> Estimate:
        """E[x0 | x_t] and E[eps | x_t] for x_t [n, d] at t, [n] or a scalar; sound at both ends.

        Mode k of x_t is N(a mu, (a^2 sigma^2 + s^2) I) with the weight it had in x0, and within
        one mode all is linear (Bishop 2006, equations 2.115 to 2.117).
        """
        a, s, variances, shares = self._modes(x, t, path)
        pulls = shares * a * self.stds.square() / variances
        x0 = (shares - a * pulls) @ self.means + pulls.sum(1, keepdim=True) * x
        return Estimate(x0, -s * self._slope(x, a, shares / variances))

    def score(self, x: Tensor, t: Tensor, path: Path) -> Tensor:
        """grad log p(x_t) [n, d] for x_t [n, d] at t, [n] or a scalar; at t = 0 that of the data.

        It equals -E[eps | x_t] / s where there is noise (Ma et al. 2024, SiT, equation 5).
        """
        a, _, variances, shares = self._modes(x, t, path)
        return self._slope(x, a, shares / variances)

    def posterior(self, x: Tensor, t: Tensor, path: Path) -> Tensor:
        """p(mode | x_t) [n, k] for x_t [n, d] at t, [n] or a scalar: the best classifier."""
        return self._modes(x, t, path)[3]

    def pull(self, x: Tensor, t: Tensor, path: Path, shares: Tensor) -> Tensor:
        """sum_k shares[:, k] grad log p(mode k | x_t) [n, d] for x_t [n, d] at t; shares [n, k].

        By Bayes' rule that of one mode is its own score less the score of the mixture.
        """
        a, _, variances, posterior = self._modes(x, t, path)
        rest = shares - shares.sum(1, keepdim=True) * posterior
        return self._slope(x, a, rest / variances)

    def _slope(self, x: Tensor, a: Tensor, pulls: Tensor) -> Tensor:
        """-sum_k pulls_k (x - a mu_k) [n, d]."""
        return a * (pulls @ self.means) - pulls.sum(1, keepdim=True) * x

    def _modes(self, x: Tensor, t: Tensor, path: Path) -> tuple[Tensor, ...]:
        """a and s, the modes' variances and, [n, k], their posterior shares in each x_t."""
        a, s = (over(part, x) for part in path.at(t))
        variances = (a * self.stds).square() + s.square()
        squares = (
            x.square().sum(1, keepdim=True)
            - 2 * a * (x @ self.means.T)
            + (a * self.means.norm(dim=1)).square()
        )
        odds = self.weights.log() - (squares / variances + x.shape[1] * variances.log()) / 2
        return a, s, variances, odds.softmax(1)

    def model(self, path: Path, target: Target) -> Model:
        """The network that nothing can be better than: its predictions are the true means."""

        def predict(x: Tensor, t: Tensor) -> Tensor:
            found = self.estimate(x, t, path)
            return prediction_of(target, path, t, found.x0, found.eps)

        return predict


def ring_of_gaussians() -> GaussianMixture:
    """Eight modes on a circle, the first the rarest and the last four times as frequent."""
    angles = torch.arange(8) * (2 * math.pi / 8)
    weights = torch.linspace(1, 4, 8)
    means = torch.stack([angles.cos(), angles.sin()], dim=1)
    return GaussianMixture(means, torch.full((8,), 0.12), weights / weights.sum())


def gaussian_mixture(count: int, generator: torch.Generator) -> Points:
    """`count` samples of `ring_of_gaussians`."""
    return ring_of_gaussians().sample(count, generator)


def two_moons(count: int, generator: torch.Generator) -> Points:
    """Two half circles that reach into each other, slightly blurred; labels say which."""
    labels = torch.randint(2, (count,), generator=generator)
    angle = math.pi * torch.rand(count, generator=generator)
    up = 1 - 2 * labels
    places = torch.stack([angle.cos() * up + labels - 0.5, angle.sin() * up + labels / 2 - 0.25], 1)
    return Points(0.8 * places + 0.05 * torch.randn(count, 2, generator=generator), labels)


def swiss_roll(count: int, generator: torch.Generator) -> Points:
    """A spiral of one and a half turns, evenly filled and slightly blurred."""
    # The square root makes equal lengths of the spiral, not equal angles, equally likely.
    inner, outer = 1.5 * math.pi, 4.5 * math.pi
    share = torch.rand(count, generator=generator)
    angle = (inner**2 + share * (outer**2 - inner**2)).sqrt()
    places = torch.stack([angle.cos(), angle.sin()], 1) * (1.2 * angle / outer)[:, None]
    blurred = places + 0.03 * torch.randn(count, 2, generator=generator)
    return Points(blurred, torch.zeros(count, dtype=torch.int64))


Toy = Callable[[int, torch.Generator], Points]
TOYS: dict[str, Toy] = {
    "mixture": gaussian_mixture,
    "moons": two_moons,
    "roll": swiss_roll,
}
"""All of them by the name that settings and the command line use."""
CLASSES: dict[str, tuple[str, ...]] = {
    "mixture": tuple(f"mode {number}" for number in range(1, 9)),
    "moons": ("upper moon", "lower moon"),
}
"""What the labels of a toy are called, where there are several."""
