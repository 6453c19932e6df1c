"""The average of a network's weights over the last steps, which draws better than the last."""

import copy
import math

import torch

from engines.diffusion.flat import FlatWeights
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
        self._averaged = FlatWeights(self.network).values

    @torch.no_grad()
    def update(self, weights: FlatWeights) -> None:
        """Take in the present `weights` of the network that learns."""
        self.step += 1
        self._averaged.lerp_(weights.values, 1 - self._present_decay)

    @torch.no_grad()
    def lag(self, weights: FlatWeights) -> float:
        """How far the average is behind: |average - weights| / |weights|, over all weights.

        Large while learning is fast or not settled; near 0 when nothing moves any more.
        """
        away, size = (self._averaged - weights.values).norm(), weights.values.norm()
        return float(away / size.clamp(min=1e-12))

    @property
    def steps_behind(self) -> float:
        """Mean age of what is averaged, in steps: decay / (1 - decay) of the present decay."""
        decay = self._present_decay
        return decay / (1 - decay) if decay < 1 else math.inf

    @property
    def _present_decay(self) -> float:
        return min(self.decay, (1 + self.step) / (10 + self.step))
