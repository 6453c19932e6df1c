"""Adam on the CPU: one fused pass over memory, which is what its speed hangs on.

Every number is computed by itself, so the result does not depend on the number of threads.
"""

import math

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from kernels.threads import parallel_region

MODE = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

BLOCK = 1 << 13
"""Numbers in one piece of work: large enough to vectorise, small enough to share out."""
EXPONENT = np.int32(0x7F800000)
"""The bits that are all set in a float32 that is infinite or NaN, and in no other."""
ZERO = np.float32(0.0)


@njit(parallel=True, **MODE)
def _update(parameter, gradient, first, second, gain1, beta2, gain2, rate, scale, eps, kept):
    for i in prange(parameter.size):
        g = gradient[i]
        m = first[i] + gain1 * (g - first[i])
        v = beta2 * second[i] + gain2 * (g * g)
        first[i], second[i] = m, v
        parameter[i] = kept * parameter[i] - rate * m / (np.sqrt(v) * scale + eps)


@njit(parallel=True, **MODE)
def _update_touched(
    parameter, gradient, first, second, gain1, beta2, gain2, rate, scale, eps, kept
):
    """As above where the gradient is not 0."""
    for i in prange(parameter.size):
        g = gradient[i]
        m = first[i] + gain1 * (g - first[i])
        v = beta2 * second[i] + gain2 * (g * g)
        moved = kept * parameter[i] - rate * m / (np.sqrt(v) * scale + eps)
        touched = g != ZERO
        parameter[i] = moved if touched else parameter[i]
        first[i] = m if touched else first[i]
        second[i] = v if touched else second[i]


@njit(parallel=True, **MODE)
def _update_rows(
    parameter, gradient, first, second, rows, gain1, beta2, gain2, rate, scale, eps, kept
):
    """As above where `rows` [n] is set; flat arrays of n rows of equal length."""
    n = rows.size
    width = parameter.size // n
    rows_at_once = max(1, BLOCK // width)
    for block in prange((n + rows_at_once - 1) // rows_at_once):
        begin, end = block * rows_at_once, min((block + 1) * rows_at_once, n)
        # Spread over the numbers of each row, the marks let the loop below run in one piece.
        marks = np.empty((end - begin, width), np.int32)
        for row in range(end - begin):
            for column in range(width):
                marks[row, column] = rows[begin + row]
        marks = marks.reshape(-1)
        p, g = parameter[begin * width : end * width], gradient[begin * width : end * width]
        ms, vs = first[begin * width : end * width], second[begin * width : end * width]
        for i in range(marks.size):
            m = ms[i] + gain1 * (g[i] - ms[i])
            v = beta2 * vs[i] + gain2 * (g[i] * g[i])
            moved = kept * p[i] - rate * m / (np.sqrt(v) * scale + eps)
            p[i] = moved if marks[i] else p[i]
            ms[i] = m if marks[i] else ms[i]
            vs[i] = v if marks[i] else vs[i]


@njit(parallel=True, **MODE)
def _largest_exponent(bits):
    """Largest exponent, still in its place, of the float32 whose `bits` are given as int32."""
    blocks = (bits.size + BLOCK - 1) // BLOCK
    largest = np.zeros(blocks, np.int32)
    for block in prange(blocks):
        part = bits[block * BLOCK : min((block + 1) * BLOCK, bits.size)]
        here = np.int32(0)
        for i in range(part.size):
            here = max(here, part[i] & EXPONENT)
        largest[block] = here
    return largest


def _flat(tensor: Tensor) -> np.ndarray:
    if tensor.dtype != torch.float32 or not tensor.is_contiguous():
        raise ValueError(
            f"expected a contiguous float32 tensor, got {tensor.dtype} with shape "
            f"{list(tensor.shape)} and strides {list(tensor.stride())}"
        )
    return tensor.detach().numpy().reshape(-1)


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
    state = (parameter, gradient.contiguous(), first_moment, second_moment)
    if any(tensor.shape != parameter.shape for tensor in state):
        raise ValueError("parameter, gradient and moments must have one shape")
    p, g, m, v = (_flat(tensor) for tensor in state)
    # 1 - beta in float64 first: in float32 it would be wrong in the fifth digit.
    gain1, b2, gain2 = np.float32(1 - beta1), np.float32(beta2), np.float32(1 - beta2)
    e = np.float32(eps)
    rate = np.float32(learning_rate / (1 - beta1**step))
    scale = np.float32(1 / math.sqrt(1 - beta2**step))
    kept = np.float32(1 - learning_rate * decay)
    if not p.size:
        return
    with parallel_region():
        if rows is None and skip_zero:
            _update_touched(p, g, m, v, gain1, b2, gain2, rate, scale, e, kept)
        elif rows is None:
            _update(p, g, m, v, gain1, b2, gain2, rate, scale, e, kept)
        else:
            _update_rows(p, g, m, v, rows.numpy(), gain1, b2, gain2, rate, scale, e, kept)


def all_finite(*tensors: Tensor) -> bool:
    """Whether no value is NaN or infinite; see `kernels.adam.all_finite`."""
    with parallel_region():
        exponents = (_largest_exponent(_flat(t.contiguous()).view(np.int32)) for t in tensors)
        return all(bool((largest < EXPONENT).all()) for largest in exponents)
