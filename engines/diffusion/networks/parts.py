"""Layers that start at zero, how all others start, and what bends between two of them."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ZeroLinear(nn.Linear):
    """A linear layer that at first adds nothing."""


class ZeroConv2d(nn.Conv2d):
    """A convolution that at first adds nothing."""


class Modulation(ZeroLinear):
    """From what a stream of tokens is told to all its shifts, factors and gates, in one product.

    The adaLN-Zero of DiT (Peebles and Xie 2023, section 3.2).
    """

    factors: Tensor

    def __init__(self, width: int, parts: int) -> None:
        """They come in threes, the last two being a shift and a factor alone."""
        super().__init__(width, parts * width)
        factors = torch.zeros(parts, 1, 1)
        factors[1::3] = 1.0
        self.register_buffer("factors", factors, persistent=False)

    def parts(self, told: Tensor) -> tuple[Tensor, ...]:
        """`parts` times [n, 1, width] of `told` [n, width]; factors begin at 1, others at 0."""
        change = self(F.silu(told)).view(len(told), -1, 1, self.in_features)
        return (change + self.factors).unbind(1)


def changed(x: Tensor, shift: Tensor, factor: Tensor) -> Tensor:
    """`x` [n, tokens, width] made even, then changed as it was told."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), factor)


class Near(nn.Conv2d):
    """What the patches around a patch add to it, feature by feature; at first next to nothing.

    A patch that sees the edge go on next door need not find out by attention where that is.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 3, padding=1, groups=width)

    def mixed(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """[n, tokens, width] as `x`, whose tokens are patches on a `grid`, row by row."""
        side_by_side = x.view(len(x), *grid, -1).permute(0, 3, 1, 2)
        return self(side_by_side).permute(0, 2, 3, 1).reshape(x.shape)


class _SquaredReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        squares = F.relu(x)
        squares.mul_(squares)
        ctx.save_for_backward(squares)
        return squares

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # pyright: ignore
        (squares,) = ctx.saved_tensors
        return squares.sqrt().mul_(grads[0]).mul_(2)


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)^2, shape as `x` (So et al. 2021, Primer).

    Its slope is written out and found from the result, which the next layer keeps anyway: torch's
    own goes over the numbers three more times and keeps two more copies of them.
    """
    return _SquaredReLU.apply(x)  # pyright: ignore[reportReturnType]


def start(network: nn.Module, generator: torch.Generator) -> None:
    """Give every weight of `network` its first value, from `generator` alone.

    Linear layers are Xavier uniform (as in DiT, Peebles and Xie 2023), convolutions uniform
    by their inputs, embeddings normal of deviation 0.5, biases zero. Norms keep their ones. `Near`
    begins near what leaves every patch as it is.
    """
    for module in network.modules():
        if isinstance(module, ZeroLinear | ZeroConv2d):
            nn.init.zeros_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(3), generator=generator)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.5, generator=generator)
        if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, Near):
            with torch.no_grad():
                module.weight[:, 0, 1, 1] += 1


def groups_of(width: int) -> int:
    """Into how many groups a norm divides `width` channels: up to 32, of at least 4 each."""
    return next(
        groups for groups in (32, 16, 8, 4, 2, 1) if not width % (4 * groups) or groups == 1
    )
