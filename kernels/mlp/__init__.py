"""Small multilayer perceptrons, which turn the features of a point into density and colour."""

from collections.abc import Sequence
from types import ModuleType

import torch
from torch import Tensor

from kernels.mlp import cpu, cuda

__all__ = ["mlp", "warm_up"]


def mlp(inputs: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """W_L relu(... relu(W_2 relu(W_1 x))) for each row x of the inputs, without biases.

    The networks of Müller et al. 2022, "Instant Neural Graphics Primitives", section 4: a few
    layers of at most a few hundred neurons, for very many points.

    Args:
        inputs: [n, d_0] float32.
        weights: one matrix [d_i, d_(i-1)] float32 for each layer, the first layer's first.

    Returns [n, d_L], differentiable once by the inputs and by each weight. The gradients of the
    weights are the same, bit for bit, on any number of threads. NaN in a row of the inputs gives
    NaN in its row of the outputs only. Raises ValueError for shapes or types that do not fit.
    """
    _check(inputs, weights)
    return _twin(inputs).mlp(inputs, weights)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    inputs = torch.zeros(2, 4, requires_grad=True)
    weights = [torch.zeros(4, 4, requires_grad=True) for _ in range(2)]
    cpu.mlp(inputs, weights).sum().backward()


def _check(inputs: Tensor, weights: Sequence[Tensor]) -> None:
    if inputs.ndim != 2 or not inputs.shape[1]:
        raise ValueError(f"expected inputs [n, d], got {list(inputs.shape)}")
    if not weights:
        raise ValueError("expected the weights of at least one layer, got none")
    width = inputs.shape[1]
    for layer, weight in enumerate(weights):
        if weight.ndim != 2 or weight.shape[1] != width or not len(weight):
            raise ValueError(
                f"the weights of layer {layer} are {list(weight.shape)}; expected [d, {width}], "
                "as many columns as the layer has inputs"
            )
        if weight.dtype != inputs.dtype or weight.device != inputs.device:
            raise ValueError(
                f"inputs are {inputs.dtype} on {inputs.device} and the weights of layer {layer} "
                f"{weight.dtype} on {weight.device}; expected the same"
            )
        width = len(weight)


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
