"""Ancestral sampling: the reverse of the noising chain, one random step after another."""

from typing import Literal

from torch import Tensor

from engines.diffusion.samplers.step import Step
from engines.diffusion.variance import bounds, sigma

Variance = Literal["small", "large"] | None
"""Which of the two that Ho et al. 2020, section 3.2, name; None for what was learnt, or small."""


def ddpm(step: Step, *, variance: Variance = None) -> Tensor:
    """x_s ~ q(x_s | x_t, x0), with the estimate in place of x0 (Ho et al. 2020, eqs. 6 and 7).

    With x_t | x_s ~ N(r x_s, d^2 I) and s_s, s_t the shares of noise at s and t,

        x_s = (r s_s^2 x_t + a_s d^2 x0) / s_t^2 + sigma z,

    where sigma is d s_s / s_t ("small": exact if the data were a single point) or what is right
    for data N(0, I) ("large": d where a^2 + s^2 = 1, beta of the chain), see `variance.bounds`.
    Without `variance` it is what the model learnt (see `variance.sigma`), or small where it learnt
    none. The last step adds no noise.
    """
    path, now, s = step.path, step.now, step.s
    ratio, spread = path.transition(s, now.t)
    (a_s, s_s), (_, s_t) = path.at(s), path.at(now.t)
    mean = (ratio * s_s.square() * now.x + a_s * spread.square() * now.x0) / s_t.square()
    if s == 0:
        return mean
    if variance is None and now.v is not None:
        return mean + sigma(path, s, now.t, now.v) * step.noise()
    small, large = bounds(path, s, now.t)
    return mean + (large if variance == "large" else small) * step.noise()
