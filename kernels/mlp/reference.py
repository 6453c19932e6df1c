"""The definition of the small multilayer perceptron, in short readable torch.

Müller et al. 2022, "Instant Neural Graphics Primitives with a Multiresolution Hash Encoding",
section 4, whose networks have no biases. Autograd gives the gradients, in float32 or float64.
"""

from collections.abc import Sequence

from torch import Tensor


def mlp(inputs: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """[n, d_last] outputs; see `kernels.mlp.mlp`."""
    *hidden, last = weights
    for weight in hidden:
        inputs = (inputs @ weight.T).relu()
    return inputs @ last.T
