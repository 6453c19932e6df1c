"""How much noise a step back adds, learnt: a place between two bounds, and the loss for it.

A step of the ancestral sampler from t to s draws x_s ~ N(mean, sigma^2 I). By the transition of
the path, x_t | x_s ~ N(r x_s, d^2 I), and the shares a and s of data and noise, the bounds are

    small^2 = d^2 s_s^2 / s_t^2                        right if the data were one point
    large^2 = d^2 (a_s^2 + s_s^2) / (a_t^2 + s_t^2)    right if the data were N(0, I)

which are beta~ and, where a^2 + s^2 = 1, beta of Ho et al. 2020, section 3.2. The network says v
with sigma^2 = exp(v log large^2 + (1 - v) log small^2) (Nichol and Dhariwal 2021, equation 15), in
as many channels again as it predicts. Nothing keeps v within 0 and 1 (ibid., section 3.1).

As v is a place between bounds that follow the step, it is taken for steps of other lengths than it
was learnt for as well (ibid., section 4). The best v does depend on the length, but where steps are
short the bounds are close and it matters little: of normal data and of a mixture of Gaussians, the
v of 20 steps costs chains of 10 to 250 steps up to 0.01 nats of each number, where small costs 0.01
to 9. Of 5 steps the deviation comes out up to a quarter too small or large, at 0.1 nats. Learning
steps of random lengths would split that among all chains, for v is not told the length.

With snr = a^2 / s^2 the bounds and what the loss needs are functions of snr alone:

    log(large^2 / small^2) = log((1 + snr_s) / (1 + snr_t))
    |difference of means|^2 / small^2 = (snr_s - snr_t) |x0 - estimate|^2

(the latter: Kingma et al. 2021, "Variational diffusion models", section 4).
"""

import torch
from torch import Tensor

from engines.diffusion.paths import Path, over

CHAIN = 20
"""Steps of the chain whose bound is learnt: as many as samples are drawn in where nobody says."""
SHARE = 0.001
"""What the bound of the whole chain counts beside the simple loss: lambda of Nichol and Dhariwal
2021, section 3.1."""
MOST = 30.0
"""An error of x0 counts at most as so many times that of the best answer for data N(0, I).

Next to no noise those of a network that predicts x0 itself are far larger, and their gradient would
be all there is of a step's."""


def halves(prediction: Tensor, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """What is predicted of x [n, c, ...] and v, both as x; v None for predictions without it."""
    if prediction.shape[1] == x.shape[1]:
        return prediction, None
    mean, v = prediction.chunk(2, dim=1)
    return mean, v


def earlier(t: Tensor) -> Tensor:
    """The level that a step from t of the learnt chain leads to, as t.

    Even steps of 1 / `CHAIN`, next to the data halves: no step ends at 0, where nothing is drawn.
    """
    return torch.maximum(t - 1 / CHAIN, t / 2)


def log_range(path: Path, s: Tensor, t: Tensor) -> Tensor:
    """log(large^2 / small^2) of a step from t to s, 0 < s < t; float64, shaped as t."""
    return torch.log1p(path.snr(s.double())) - torch.log1p(path.snr(t.double()))


def bounds(path: Path, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """small and large of a step from t to s, 0 < s < t; float64, shaped as t."""
    s, t = s.double(), t.double()
    _, spread = path.transition(s, t)
    small = spread * path.at(s)[1] / path.at(t)[1]
    return small, small * (log_range(path, s, t) / 2).exp()


def sigma(path: Path, s: Tensor, t: Tensor, v: Tensor) -> Tensor:
    """Deviation of the noise of a step from t to s, two scalars with 0 < s < t; as v [n, ...]."""
    small, _ = bounds(path, s, t)
    return small * (v * (log_range(path, s, t) / 2)).exp()


def divergence(path: Path, s: Tensor, t: Tensor, error: Tensor, v: Tensor) -> Tensor:
    """KL(q(x_s | x_t, x0), p(x_s | x_t)) in nats of each number, as v [n, ...]; s and t are [n].

    The term of the variational bound for one step (Nichol and Dhariwal 2021, equation 6); `error`
    is x0 - estimate, as v. With w = v log(large^2 / small^2) it is

        (w + (1 + (snr_s - snr_t) error^2) e^-w - 1) / 2.
    """
    gain = path.snr(s.double()) - path.snr(t.double())
    reach = log_range(path, s, t)
    w = over(reach.to(v.dtype), v) * v
    most = over((MOST * reach.expm1()).to(v.dtype), v)
    apart = torch.minimum((over(gain, v) * error.double().square()).to(v.dtype), most)
    return (w + (1 + apart) * (-w).exp() - 1) / 2


def normal_share(path: Path, s: Tensor, t: Tensor, deviation: float) -> Tensor:
    """The v that is right for normal data of this deviation; float64, shaped as t.

    There x_s | x_t has the variance small^2 (1 + c^2 snr_s) / (1 + c^2 snr_t), c the deviation.
    """
    square = deviation**2
    wanted = torch.log1p(square * path.snr(s.double())) - torch.log1p(square * path.snr(t.double()))
    return wanted / log_range(path, s, t)
