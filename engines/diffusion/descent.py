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
    move(gradient, weights, optimiser, rate=rate)
    return float(norm)


def move(
    gradient: Tensor, weights: FlatWeights, optimiser: torch.optim.Optimizer, *, rate: float
) -> None:
    """Change `weights` by a `gradient` that was found before."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    weights.values.grad = gradient
    optimiser.step()


def moments_of(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """What `optimiser` keeps of each weight, by the weight's number and a name."""
    states = optimiser.state_dict()["state"].items()
    return {f"{prefix}{i}/{name}": value for i, state in states for name, value in state.items()}


def give_moments(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Have `optimiser` go on where what it kept was written to `tensors`."""
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": _moments(tensors), "param_groups": groups})


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """What AdamW keeps of each weight, by its number."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, what = name.split("/")
        found.setdefault(int(number), {})[what] = tensor
    return found
