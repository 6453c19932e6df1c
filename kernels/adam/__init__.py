"""The optimiser's step, in place and in one pass over memory, and the guard before it."""

from types import ModuleType

import torch
from torch import Tensor

from kernels.adam import cpu, cuda

__all__ = ["adam_step", "all_finite", "warm_up"]


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
    """Move `parameter` one Adam step, in place (Kingma and Ba 2015, algorithm 1).

    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2 and
    p -= learning_rate * m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps),
    as torch.optim.Adam does. The same numbers come out for any number of threads.

    Args:
        parameter, gradient, first_moment, second_moment: contiguous float32 of one shape on
            one device; all but the gradient are changed.
        step: number of this step, from 1.
        decay: `learning_rate * decay` of what moves is taken from it first (Loshchilov and Hutter
            2019, "Decoupled weight decay regularization", algorithm 2).
        rows: bool [n], n = len(parameter): only these rows of parameter and moments change
            ("sparse Adam" of Mallick et al. 2024, Taming 3DGS, 4.2), or all if None. It
            changes what is learnt and is no faster on the CPU.
        skip_zero: numbers whose gradient is exactly 0 keep their value and moments, as Mueller
            et al. 2022, section 4, do with hash tables: what no sample touched is not moved on by
            what it was taught long ago. Not together with `rows`.

    Non-finite gradients are not hidden; ask `all_finite` first.
    Raises ValueError for shapes that differ tensors that are not contiguous float32, or rows
    that do not fit.
    """
    if rows is not None and (rows.dtype != torch.bool or rows.shape != parameter.shape[:1]):
        raise ValueError(
            f"rows must be bool [{len(parameter)}], got {rows.dtype} {list(rows.shape)}"
        )
    if rows is not None and skip_zero:
        raise ValueError("give rows or skip_zero, not both")
    _twin(parameter).adam_step(
        parameter,
        gradient,
        first_moment,
        second_moment,
        step=step,
        learning_rate=learning_rate,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        decay=decay,
        rows=rows,
        skip_zero=skip_zero,
    )


def all_finite(*tensors: Tensor) -> bool:
    """Whether no value of the float32 `tensors`, all on one device, is NaN or infinite."""
    return not tensors or _twin(tensors[0]).all_finite(*tensors)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    state = [torch.zeros(4, 2) for _ in range(4)]
    cpu.adam_step(*state, step=1, learning_rate=0.0)
    cpu.adam_step(*state, step=1, learning_rate=0.0, skip_zero=True)
    cpu.adam_step(*state, step=1, learning_rate=0.0, rows=torch.ones(4, dtype=torch.bool))
    cpu.all_finite(*state)


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
