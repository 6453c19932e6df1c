"""One step downhill, the same for whatever is learnt here: gradient, clip, AdamW."""

import torch
from torch import Tensor

from engines.diffusion.flat import FlatWeights
from engines.stuck import Stuck

BETAS = (0.9, 0.99)
"""Of AdamW."""
TINY = 1e-6
"""Added to a norm before it is divided by."""


def adamw(weights: FlatWeights, *, rate: float, decay: float) -> torch.optim.AdamW:
    """AdamW over all `weights` at once."""
    return torch.optim.AdamW([weights.values], lr=rate, betas=BETAS, weight_decay=decay, fused=True)


def descend(
    loss: Tensor,
    weights: FlatWeights,
    optimiser: torch.optim.Optimizer,
    *,
    rate: float,
    clip: float,
    step: int,
) -> float:
    """Make `loss` smaller; the norm of its gradient, before it was clipped to `clip` (0: not).

    Raises Stuck, and changes nothing, where loss or gradient are not finite; `step` is the number
    of this one, from 1.
    """
    loss.backward()
    gradient = weights.take_gradient()
    norm = gradient.norm()
    if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
        raise Stuck(
            f"The loss became non-finite at step {step:,}; the state of step {step - 1:,} is "
            "kept. Lower the learning rate, or check the images"
        )
    if clip:
        gradient *= (clip / (norm + TINY)).clamp(max=1.0)
    for group in optimiser.param_groups:
        group["lr"] = rate
    weights.values.grad = gradient
    optimiser.step()
    return float(norm)
