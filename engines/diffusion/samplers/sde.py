"""The reverse SDE: the ODE's way with noise put in and taken out as it goes."""

from torch import Tensor

from engines.diffusion.samplers.step import Step
from engines.diffusion.targets import prediction_of

MOST_NOISE = 25.0
"""Cap of g^2, just above the linear path's 20.2; on other paths it grows without bound."""


def euler_maruyama(step: Step) -> Tensor:
    """One step of dx = [f x - g^2 score] dt + g dw backwards (Song et al. 2021, SDE, eq. 6).

    f = a' / a, g^2 = 2 s (s' - s a' / a) and score = -eps / s. Written with the velocity u of
    the ODE, f x - g^2 score / 2 = u, this is

        x_s = x_t + (s - t) (u + g^2 eps / (2 s_t)) + g sqrt(t - s) z,

    which keeps the marginals for any g (Ma et al. 2024, SiT, section 2), so g may be capped. The
    last step gives x0: one of Euler would leave noise behind (Jolicoeur-Martineau et al. 2021,
    "Adversarial score matching").
    """
    path, now = step.path, step.now
    if step.s == 0:
        return now.x0
    (a, share), (da, ds) = path.at(now.t), path.rates(now.t)
    g2 = (2 * share * (ds - share * da / a)).clamp_max(MOST_NOISE)
    drift = prediction_of("velocity", path, now.t, now.x0, now.eps) + g2 / (2 * share) * now.eps
    length = now.t - step.s
    return now.x - length * drift + (g2 * length).sqrt() * step.noise()
