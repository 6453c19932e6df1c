"""The definition of an Adam step, in short readable torch (Kingma and Ba 2015, algorithm 1)."""

import torch
from torch import Tensor


def adam_step(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    *,
    step: int,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-15,
    decay: float = 0.0,
    rows: Tensor | None = None,
    skip_zero: bool = False,
) -> None:
    """One step in place; see `kernels.adam.adam_step`."""
    first = torch.lerp(first_moment, gradient, 1 - beta1)
    second = beta2 * second_moment + (1 - beta2) * gradient**2
    unbiased_first = first / (1 - beta1**step)
    unbiased_second = second / (1 - beta2**step)
    moved = (1 - learning_rate * decay) * parameter
    moved = moved - learning_rate * unbiased_first / (unbiased_second.sqrt() + eps)

    chosen = gradient != 0 if skip_zero else slice(None) if rows is None else rows
    with torch.no_grad():
        for old, new in ((parameter, moved), (first_moment, first), (second_moment, second)):
            old[chosen] = new[chosen]


def all_finite(*tensors: Tensor) -> bool:
    """Whether no value is NaN or infinite; see `kernels.adam.all_finite`."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
