"""What compositing gives, and the numbers that all its twins share."""

from dataclasses import dataclass

from torch import Tensor

ACCUMULATION_MIN = 1e-6
"""A ray that is stopped less than this has no depth."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Composited:
    """What n rays see of the samples along them; differentiable."""

    colour: Tensor
    """[n, c] sum of weight times colour, nothing behind it."""
    depth: Tensor
    """[n] sum of weight times middle of the sample, divided by the accumulation; 0 for none."""
    accumulation: Tensor
    """[n] sum of weights, 0 to 1: how much of the ray is stopped."""
    weights: Tensor
    """[m] share of each sample in its ray's colour."""
