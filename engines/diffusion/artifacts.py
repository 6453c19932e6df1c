"""What a diffusion run leaves for whoever looks on; plain numbers, so that no torch is needed."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Sheet:
    """Samples of the present state, from the same noise every time."""

    step: int
    seconds: float
    averaged: np.ndarray
    """[n, h, w, c] uint8 drawn with the average of the weights; [n, 2] float32 for points."""
    raw: np.ndarray
    """The same with the weights as they are."""
    texts: tuple[str, ...]
    """Captions or classes, taken in turn; none where nothing was asked for."""
    pairs: bool = False
    """No samples: each second one is what an autoencoder made of the image before it."""


@dataclass(frozen=True, kw_only=True)
class LearntVariance:
    """What a step of ancestral sampling adds as noise, by noise level; see `variance`."""

    shares: tuple[float, ...]
    """v in each of a number of even parts of [0, 1], NaN where nothing was seen."""
    normal: tuple[float, ...]
    """The v that is right for normal data of the same deviation."""
    small: tuple[float, ...]
    """Deviation of the noise where v is 0, in the middle of each part."""
    large: tuple[float, ...]
    """Deviation of the noise where v is 1."""

    def sigma(self, part: int, share: float) -> float:
        """Deviation of the noise in this part where v is `share`."""
        small, large = self.small[part], self.large[part]
        return small * (large / small) ** share


@dataclass(frozen=True, eq=False, kw_only=True)
class Naming:
    """How well a classifier names classes in each of a number of even parts of [0, 1]."""

    learnt: tuple[float, ...]
    """Share of right names of what was learnt from lately; NaN where nothing was seen."""
    held_out: tuple[float, ...]
    """The same of what was held out, as of the last look at it; empty before there was one."""
    chance: float
    """That of always naming the most frequent class."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Health:
    """What the health panel shows of one moment of a run."""

    step: int
    levels: tuple[float, ...]
    """Mean error in each of a number of even parts of [0, 1], NaN where nothing was seen."""
    untrained: tuple[float, ...]
    """What a network that always answers 0 would have there."""
    gradient: float
    """Norm of the last gradient."""
    lag: float
    """|average - weights| / |weights|."""
    non_finite: float | None
    """Share of numbers that are not finite in the last samples; None before there are any."""
    deviation: float
    """Standard deviation of the data; what the paths are made for is about 0.5 to 1."""
    sentences: tuple[str, ...]
    """What is off and what to do about it; empty when all is well."""
    naming: Naming | None = None
    """None where no classifier learns."""
    variance: LearntVariance | None = None
    """Where the run learns it."""
