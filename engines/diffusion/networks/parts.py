"""Layers that start at zero, and how all others start, alike for every network."""

import math

import torch
from torch import nn


class ZeroLinear(nn.Linear):
    """A linear layer that at first adds nothing."""


class ZeroConv1d(nn.Conv1d):
    """A convolution along one axis that at first adds nothing."""


class ZeroConv2d(nn.Conv2d):
    """A convolution that at first adds nothing."""


def start(network: nn.Module, generator: torch.Generator) -> None:
    """Give every weight of `network` its first value, from `generator` alone.

    Linear layers are Xavier uniform (as in DiT, Peebles and Xie 2023), convolutions uniform
    by their inputs, embeddings normal of deviation 0.5, biases zero. Norms keep their ones.
    """
    for module in network.modules():
        if isinstance(module, ZeroLinear | ZeroConv1d | ZeroConv2d):
            nn.init.zeros_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(3), generator=generator)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.5, generator=generator)
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
