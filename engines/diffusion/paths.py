"""From data to noise: the one convention that targets, samplers and networks share.

Every path mixes data x0 and noise eps ~ N(0, I) as

    x_t = a(t) x0 + s(t) eps,    t in [0, 1],    t = 0 data,    t = 1 noise.

Ho et al. 2020 write sqrt(alpha-bar) for a and sqrt(1 - alpha-bar) for s; Karras et al. 2022
write sigma for s / a.
"""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

STEPS = 1000
"""Levels of the discrete chain of Ho et al.; level i lies at t = (i + 1) / STEPS."""
FIRST = 1 / STEPS
"""Rates are held below this t, where s grows like a square root and its slope is unbounded."""


class Path(ABC):
    """How much of data and of noise there is at each t; has no state."""

    name: ClassVar[str]
    vanishes: ClassVar[bool]
    """Whether (next to) no data is left at t = 1, so that nothing may be divided by a there."""

    @abstractmethod
    def _at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """a and s for float64 t."""

    @abstractmethod
    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """da/dt and ds/dt for float64 t that is at least FIRST."""

    def at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """a(t) and s(t), shaped and typed as t."""
        a, s = self._at(t.double())
        return a.to(t.dtype), s.to(t.dtype)

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """da/dt and ds/dt, shaped and typed as t; those of t = FIRST for any smaller t."""
        a, s = self._rates(t.double().clamp_min(FIRST))
        return a.to(t.dtype), s.to(t.dtype)

    def snr(self, t: Tensor) -> Tensor:
        """Signal to noise a^2 / s^2, shaped and typed as t; infinite at t = 0."""
        a, s = self.at(t)
        return (a / s).square()

    def noised(self, x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """x_t for data and noise [n, ...] at t, [n] or a scalar."""
        a, s = (over(part, x0) for part in self.at(t))
        return a * x0 + s * eps

    def transition(self, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """ratio and spread of x_t ~ N(ratio x_s, spread^2 I) given x_s alone, for s < t.

        The forward kernel of a Markov chain with these marginals (Kingma et al. 2021, app. A).
        """
        (a_s, s_s), (a_t, s_t) = self.at(s), self.at(t)
        ratio = a_t / a_s
        return ratio, ((s_t - ratio * s_s) * (s_t + ratio * s_s)).clamp_min(0).sqrt()


class VariancePreserving(Path):
    """a^2 + s^2 = 1: data of unit variance keep it (Song et al. 2021, SDE, section 3.4)."""

    @abstractmethod
    def _signal(self, t: Tensor) -> Tensor:
        """a for float64 t."""

    @abstractmethod
    def _signal_rate(self, t: Tensor) -> Tensor:
        """da/dt for float64 t."""

    def _at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        a = self._signal(t)
        return a, ((1 - a) * (1 + a)).sqrt()

    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        a, s = self._at(t)
        rate = self._signal_rate(t)
        return rate, -a * rate / s


class Linear(VariancePreserving):
    """Betas that grow evenly from 1e-4 to 0.02 in 1000 steps (Ho et al. 2020, section 4).

    The chain has a^2 = prod (1 - beta_k) over the first n = 1000 t of its steps. As 1 - beta_k
    = d (c - k) for some c and d, that product is d^n Gamma(c + 1) / Gamma(c + 1 - n): equal
    to the chain at each of its levels and smooth between them.
    """

    name = "linear"
    vanishes = False
    _d = (0.02 - 1e-4) / (STEPS - 1)
    _c = (1 - 1e-4) / _d

    def _signal(self, t: Tensor) -> Tensor:
        n = STEPS * t
        whole = torch.full_like(t, self._c + 1)
        log_product = n * math.log(self._d) + torch.lgamma(whole) - torch.lgamma(whole - n)
        return (log_product / 2).exp()

    def _signal_rate(self, t: Tensor) -> Tensor:
        growth = math.log(self._d) + torch.digamma(self._c + 1 - STEPS * t)
        return self._signal(t) * STEPS * growth / 2


class Cosine(VariancePreserving):
    """a = cos(angle), slow at both ends (Nichol and Dhariwal 2021, equation 17).

    Their cap of beta at 0.999 in the last of 1000 steps keeps a little data at t = 1.
    """

    name = "cosine"
    vanishes = True
    _offset = 0.008
    _turn = math.pi / 2 / (1 + _offset)
    _start = math.cos(_offset * _turn)
    _least = math.sqrt(1 - 0.999) * math.cos((1 - FIRST + _offset) * _turn) / _start

    def _signal(self, t: Tensor) -> Tensor:
        a = torch.cos((t + self._offset) * self._turn) / self._start
        return a.clamp(self._least, 1)

    def _signal_rate(self, t: Tensor) -> Tensor:
        return -self._turn * torch.sin((t + self._offset) * self._turn) / self._start


class Flow(Path):
    """The straight line from data to noise of rectified flow and optimal transport.

    a = 1 - t, s = t (Liu et al. 2023, equation 1; Lipman et al. 2023, section 4.1, with
    sigma_min = 0; in both t runs the other way).
    """

    name = "flow"
    vanishes = True

    def _at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, t.clone()

    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return -torch.ones_like(t), torch.ones_like(t)


PATHS: dict[str, type[Path]] = {path.name: path for path in (Linear, Cosine, Flow)}


def levels(steps: int, *, start: float = 1.0) -> Tensor:
    """[steps + 1] float64: even noise levels from `start` down to 0.

    For a `steps` that divides 1000 these are levels of the discrete chain, spaced "trailing"
    (Lin et al. 2024, table 2), so that sampling does begin at pure noise.
    """
    if steps < 1:
        raise ValueError(f"There must be at least 1 sampling step, not {steps}")
    return torch.linspace(start, 0, steps + 1, dtype=torch.float64)


def over(coefficient: Tensor, x: Tensor) -> Tensor:
    """A coefficient for each sample, [n], shaped to multiply x [n, ...]; scalars as they are."""
    if coefficient.ndim == 0:
        return coefficient
    return coefficient.reshape(-1, *[1] * (x.ndim - 1))
