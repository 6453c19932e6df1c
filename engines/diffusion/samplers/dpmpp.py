"""DPM-Solver++ 2M: second order from one call a step, by looking back."""

from torch import Tensor

from engines.diffusion.paths import Path
from engines.diffusion.samplers.step import Step

LEAST = 0.01
"""h_before / h below which the step before says more of rounding than of how x0 changes."""


def dpmpp_2m(step: Step) -> Tensor:
    """x_s = (s_s / s_t) x_t - a_s (e^-h - 1) D (Lu et al. 2022, DPM-Solver++, algorithm 2).

    h = lambda_s - lambda_t with lambda = log(a / s), and D extrapolates x0 to the middle of
    the step by what it was a step before: D = x0 + (x0 - x0_before) / (2 r), r = h_before / h.
    The first step and the last, where lambda is infinite, are of first order: D = x0. So is one
    after a step that was next to none, from which nothing can be extrapolated.
    """
    path, now, before, s = step.path, step.now, step.before, step.s
    (a_t, s_t), (a_s, s_s) = path.at(now.t), path.at(s)
    ahead = now.x0
    if before is not None and s > 0:
        behind = _half_log_snr(path, now.t) - _half_log_snr(path, before.t)
        h = _half_log_snr(path, s) - _half_log_snr(path, now.t)
        if behind > LEAST * h:
            ahead = now.x0 + h / (2 * behind) * (now.x0 - before.x0)
    # a_s e^-h is a_t s_s / s_t, which is sound at both ends.
    return s_s / s_t * now.x + (a_s - a_t * s_s / s_t) * ahead


def _half_log_snr(path: Path, t: Tensor) -> Tensor:
    """lambda = log(a / s), minus infinity where a = 0."""
    a, s = path.at(t)
    return (a / s).log()
