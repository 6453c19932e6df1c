"""Implicit sampling: large steps, and the same image from the same noise."""

from torch import Tensor

from engines.diffusion.samplers.step import Step


def ddim(step: Step, *, eta: float = 0.0) -> Tensor:
    """x_s = a_s x0 + sqrt(s_s^2 - sigma^2) eps + sigma z (Song et al. 2021, DDIM, eq. 12).

    sigma = eta d s_s / s_t, where d is the spread of x_t given x_s (equation 16): `eta` 0 is
    deterministic, 1 the ancestral sampler.
    """
    path, now, s = step.path, step.now, step.s
    (a_s, s_s), (_, s_t) = path.at(s), path.at(now.t)
    if eta == 0 or s == 0:
        return a_s * now.x0 + s_s * now.eps
    _, spread = path.transition(s, now.t)
    sigma = eta * spread * s_s / s_t
    kept = (s_s.square() - sigma.square()).clamp_min(0).sqrt()
    return a_s * now.x0 + kept * now.eps + sigma * step.noise()
