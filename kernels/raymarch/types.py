"""What marching gives, and the numbers that all its twins share."""

from dataclasses import dataclass

from torch import Tensor

STEPS_LIMIT = 1 << 22
"""No ray is followed for more steps, empty ones counted: float32 could not tell them apart."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Samples:
    """Pieces of n rays, packed: ray by ray, near to far."""

    offsets: Tensor
    """[n + 1] int64: ray i has the samples offsets[i] to offsets[i + 1] - 1."""
    rays: Tensor
    """[m] int64, the ray of each sample."""
    t_start: Tensor
    """[m] where each sample begins along its ray, in lengths of the ray's direction."""
    t_end: Tensor
    """[m] where it ends; the field is to be looked at halfway."""
