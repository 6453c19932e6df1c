"""All weights of a network side by side in one tensor.

A small network has many small tensors, and a step of an optimiser that visits one after the other
spends its time on the way between them. Laid side by side they are clipped, moved and averaged by
one operation each (see `benchmarks`).
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters


class FlatWeights:
    """The weights of `network` in one tensor; the network goes on to use them from there.

    Whoever moves the network to another device or gives it new tensors afterwards parts the two.
    """

    def __init__(self, network: nn.Module) -> None:
        self._each = list(network.parameters())
        self.values: Tensor = parameters_to_vector(self._each).detach()
        """[n] float32; changed in place, the network changes."""
        vector_to_parameters(self.values, self._each)

    @torch.no_grad()
    def take_gradient(self) -> Tensor:
        """[n] what `backward` left at the weights, taken from there; 0 where it left nothing."""
        parts = [weight if weight.grad is None else weight.grad for weight in self._each]
        gradient = torch.cat([part.reshape(-1) for part in parts])
        begin = 0
        for weight in self._each:
            if weight.grad is None:
                gradient[begin : begin + weight.numel()] = 0
            weight.grad = None
            begin += weight.numel()
        return gradient
