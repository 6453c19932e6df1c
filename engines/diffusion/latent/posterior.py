"""What an encoder holds of an image: a normal distribution of its own for each latent."""

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST, MOST = -30.0, 20.0
"""Bounds of the logarithm of the variance, so that neither it nor its inverse overflows."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """Independent normal distributions: a diagonal Gaussian."""

    mean: Tensor
    """[n, c, h, w]."""
    log_variance: Tensor
    """[n, c, h, w] log sigma^2."""

    @classmethod
    def of(cls, told: Tensor) -> "Posterior":
        """From [n, 2 c, h, w], first all means, then all logarithms of variances."""
        mean, log_variance = told.float().chunk(2, dim=1)
        return cls(mean, log_variance.clamp(LEAST, MOST))

    def sample(self, noise: Tensor) -> Tensor:
        """mean + sigma noise (Kingma and Welling 2014, section 2.4), shaped as the mean."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def divergence(self) -> Tensor:
        """[n] KL from the standard normal, in nats (Kingma and Welling 2014, appendix B).

        1/2 sum (mean^2 + sigma^2 - 1 - log sigma^2) over all latents of an image.
        """
        terms = self.mean.square() + self.log_variance.exp() - 1 - self.log_variance
        return 0.5 * terms.flatten(1).sum(1)
