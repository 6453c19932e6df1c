"""The probability-flow ODE: the deterministic way that has the same marginals as diffusion.

dx/dt = a' x0 + s' eps (Song et al. 2021, SDE, equation 13; Lipman et al. 2023). Euler and Heun
first scale x and time so that the path of one (x0, eps) is a straight line, on which a step
makes no error of its own:

    y = x / a,        tau = s / a,        dy/dtau = eps          (Karras et al. 2022, sec. 2)
    y = x / (a + s),  tau = s / (a + s),  dy/dtau = eps - x0     where a vanishes at t = 1

For the flow path the second is the identity: y = x and tau = t.
"""

from torch import Tensor

from engines.diffusion.paths import Path
from engines.diffusion.samplers.step import Moment, Step
from engines.diffusion.targets import Estimate, prediction_of


def euler(step: Step) -> Tensor:
    """y_s = y_t + (tau_s - tau_t) dy/dtau at t: DDIM without noise, in other words.

    First order, one call of the model (Karras et al. 2022, algorithm 1 without its second half).
    """
    return _straight(step, _slope(step.path, step.now))


def heun(step: Step) -> Tensor:
    """Euler to s and again from t with the mean of both slopes (Karras et al. 2022, algorithm 1).

    Second order, two calls of the model; the last step, to s = 0, is Euler's.
    """
    slope = _slope(step.path, step.now)
    guess = _straight(step, slope)
    if step.s == 0:
        return guess
    there = _slope(step.path, step.denoise(guess, step.s))
    return _straight(step, (slope + there) / 2)


def midpoint(step: Step) -> Tensor:
    """x_s = x_t + (s - t) u(x_m, m), where m = (s + t) / 2 and x_m = x_t + (m - t) u(x_t, t).

    Second order, two calls of the model, in t itself: made for the flow path, where the velocity
    u is bounded up to t = 0.
    """
    path, now, middle = step.path, step.now, (step.now.t + step.s) / 2
    velocity = prediction_of("velocity", path, now.t, now.x0, now.eps)
    x = now.x + (middle - now.t) * velocity
    found = step.denoise(x, middle)
    return now.x + (step.s - now.t) * prediction_of("velocity", path, middle, found.x0, found.eps)


def _frame(path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
    """x / y and tau at t."""
    a, s = path.at(t)
    return (a + s, s / (a + s)) if path.vanishes else (a, s / a)


def _slope(path: Path, found: Moment | Estimate) -> Tensor:
    """dy/dtau [n, ...]."""
    return found.eps - found.x0 if path.vanishes else found.eps


def _straight(step: Step, slope: Tensor) -> Tensor:
    """x_s when y moves along `slope` from t to s."""
    scale_t, tau_t = _frame(step.path, step.now.t)
    scale_s, tau_s = _frame(step.path, step.s)
    return scale_s * (step.now.x / scale_t + (tau_s - tau_t) * slope)
