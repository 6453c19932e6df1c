"""What somebody would like to have drawn."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Wish:
    """What is to be drawn, and how."""

    count: int = 16
    texts: tuple[str, ...] = ()
    """Captions, classes or mixes of them (see `mix_of`), taken in turn; none for anything."""
    literal: bool = False
    """Texts come from data and are no mixes, whatever they look like."""
    sampler: str = "dpmpp_2m"
    steps: int = 20
    guidance: float = 0.0
    """w of (1 + w) conditional - w unconditional."""
    classifier_guidance: float = 0.0
    """s of p(x) p(class | x)^s, by a classifier that the model has; see `steering`."""
    eta: float = 0.0
    """How much noise DDIM adds anew, 0 to 1; other samplers do not read it."""
    noise: str = "auto"
    """How much noise ddpm adds: small, large, or auto for what the model learnt, or small; other
    samplers do not read it."""
    seed: int = 0
    """The same number begins at the same noise, whatever else is asked for."""
    averaged: bool = True
    """Draw with the average of the weights, else with the weights as they are."""
    image: np.ndarray | None = None
    """[h, w, c] uint8 to start from (SDEdit), or to fill where `hole` is; None for noise."""
    strength: float = 0.6
    """How much of `image` is forgotten, 0 to 1; not read where there is a `hole`."""
    hole: np.ndarray | None = None
    """[h, w] bool, True where `image` is to be drawn anew."""
    repeats: int = 1
    """How often each step of filling a hole is gone through, so that it agrees with the rest."""
