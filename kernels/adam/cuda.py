"""Adam on the GPU with torch's own fused kernel; unverified on a GPU, checked on the CPU.

gsplat's selective Adam is not used: it leaves out the bias correction.
"""

import torch
from torch import Tensor
from torch.optim.adam import adam


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
    rows: Tensor | None = None,
) -> None:
    """One step in place; see `kernels.adam.adam_step`."""
    state = (parameter.detach(), gradient, first_moment, second_moment)
    p, g, m, v = state if rows is None else (tensor[rows] for tensor in state)
    adam(
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
        weight_decay=0.0,
        eps=eps,
        maximize=False,
    )
    if rows is not None:
        parameter.detach()[rows] = p
        first_moment[rows] = m
        second_moment[rows] = v


def all_finite(*tensors: Tensor) -> bool:
    """Whether no value is NaN or infinite; see `kernels.adam.all_finite`."""
    if not tensors:
        return True
    # One wait for the device, not one for each tensor.
    return bool(torch.stack([torch.isfinite(tensor).all() for tensor in tensors]).all())
