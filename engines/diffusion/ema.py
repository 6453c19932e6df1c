"""The average of a network's weights over the last steps, which draws better than the last."""

import copy
import math

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engines.diffusion.networks.choose import Network


class Ema:
    """An exponential moving average of all weights of a network.

    The decay grows with the steps, as min(decay, (1 + step) / (10 + step)), so that the
    average forgets at once that it started from noise.
    """

    def __init__(self, network: Network, *, decay: float = 0.999, step: int = 0) -> None:
        self.decay, self.step = decay, step
        self.network: Network = copy.deepcopy(network).requires_grad_(False).eval()
        """The network with averaged weights, for sampling."""
        self._averaged: list[torch.Tensor] = list(self.network.parameters())

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the present weights of `network` in."""
        self.step += 1
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        get_ema_multi_avg_fn(decay)(self._averaged, list(network.parameters()), self.step)

    @torch.no_grad()
    def lag(self, network: nn.Module) -> float:
        """How far the average is behind: |average - weights| / |weights|, over all weights.

        Large while learning is fast or not settled; near 0 when nothing moves any more.
        """
        away = size = torch.zeros(())
        for average, now in zip(self._averaged, network.parameters(), strict=True):
            away = away + (average - now).square().sum().cpu()
            size = size + now.square().sum().cpu()
        return float((away / size.clamp(min=1e-24)).sqrt())

    @property
    def steps_behind(self) -> float:
        """Mean age of what is averaged, in steps: decay / (1 - decay) of the present decay."""
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        return decay / (1 - decay) if decay < 1 else math.inf
