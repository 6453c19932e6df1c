"""Adam on the GPU with torch's own fused kernel.

gsplat's selective Adam is not used: it leaves out the bias correction.
"""

import torch
from torch import Tensor
from torch.optim.adamw import adamw


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
    state = (parameter.detach(), gradient, first_moment, second_moment)
    chosen = gradient != 0 if skip_zero else rows
    p, g, m, v = state if chosen is None else (tensor[chosen] for tensor in state)
    adamw(
        [p],
        [g],
        [m],
        [v],
        [],
        [torch.tensor(step - 1.0, device=p.device)],
        fused=True,
        foreach=False,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=learning_rate,
        weight_decay=decay,
        eps=eps,
        maximize=False,
    )
    if chosen is not None:
        parameter.detach()[chosen] = p
        first_moment[chosen] = m
        second_moment[chosen] = v


def all_finite(*tensors: Tensor) -> bool:
    """Whether no value is NaN or infinite; see `kernels.adam.all_finite`."""
    if not tensors:
        return True
    # One wait for the device, not one for each tensor.
    return bool(torch.stack([torch.isfinite(tensor).all() for tensor in tensors]).all())
