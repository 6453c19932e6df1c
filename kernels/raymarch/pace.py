"""Where the samples of a ray begin when they grow with distance.

All that takes exp or log is worked out here, once for a ray and once for a table that the rays
share, so that every twin multiplies the same numbers and comes to the same bits.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.raymarch.types import STEPS_LIMIT

NEVER = STEPS_LIMIT + 2
"""A bend that no ray reaches."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Pace:
    """Edges of the samples of n rays: sample k lies between edges k and k + 1.

    Edge k is enter + (k + jitter) * step before the bend, and base * factors[k - bend] from it on.
    """

    bend: Tensor
    """[n] int64: the first edge from which on samples grow, or `NEVER`."""
    base: Tensor
    """[n] t of this edge."""
    factors: Tensor
    """[m] by which the edges from the bend on lie farther than it, m >= 2. The last is infinite:
    no edge so far on is in the box. Later edges count as the last."""
    most: int
    """No ray has more samples, kept or not, in the box; at most `STEPS_LIMIT`."""


def plan_pace(enter: Tensor, leave: Tensor, jitter: Tensor, *, step: float, growth: float) -> Pace:
    """The pace of rays that enter the box at `enter` [n] and leave it at `leave` [n].

    With s the real-valued number of a step, t(s) = s * step until t is step / growth, and
    t(s) = step / growth * exp(growth * s - 1) beyond; its slope there is growth * t. A ray's first
    edge is `jitter` [n] of a step after `enter`: its edge k is t(s(enter) + jitter + k).
    """
    if not growth:
        most = float(((leave - enter) / step).max()) if len(enter) else 0.0
        return Pace(
            bend=torch.full(enter.shape, NEVER, device=enter.device),
            base=torch.full_like(enter, torch.inf),
            factors=torch.tensor([1.0, torch.inf], dtype=enter.dtype, device=enter.device),
            most=min(int(most) + 1, STEPS_LIMIT),
        )
    turn, far = 1 / growth, step / growth  # s and t at which lengths begin to grow

    def number(t: Tensor) -> Tensor:
        return torch.where(t <= far, t / step, turn + (t.clamp(min=far) / far).log() / growth)

    first = number(enter.double()) + jitter.double()
    bend = (turn - first).ceil().clamp(0, NEVER)
    base = far * torch.exp(growth * (first + bend) - 1)
    last = number(leave.double())
    spare = 3  # for rounding, and for the edge after the last sample's beginning
    most = float((last - first).max()) + spare if len(enter) else 0.0
    grown = float((last - first - bend).max()) + spare if len(enter) else 0.0
    powers = torch.arange(_whole(grown, 1, NEVER), device=enter.device, dtype=torch.float64)
    factors = (powers * growth).exp().to(enter.dtype)
    return Pace(
        bend=bend.long(),
        base=base.to(enter.dtype),
        factors=torch.nn.functional.pad(factors, (0, 1), value=math.inf),
        most=_whole(most, 0, STEPS_LIMIT),
    )


def _whole(number: float, least: int, most: int) -> int:
    return math.ceil(min(max(number, least), most))
