"""Teaching a classifier what belongs to which class at every noise level, beside the diffusion.

Cross-entropy on data noised to random levels, which the classifier is told (Dhariwal and Nichol
2021, section 4). It has random numbers of its own, so the diffusion learns bit for bit what it
learns without.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from assets.errors import InputError
from engines.diffusion.artifacts import Naming
from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.data.pairs import Pairs
from engines.diffusion.data.pictures import Pictures
from engines.diffusion.data.toy import ToyPoints
from engines.diffusion.descent import adamw, move
from engines.diffusion.flat import FlatWeights
from engines.diffusion.health import BINS, Levels
from engines.diffusion.networks.classifier import Classifier, ClassifierConfig
from engines.stuck import Stuck

RATES = {"images": 1e-3, "points": 3e-3}
"""At their height; the schedule is that of the run."""
DECAY = 0.05
"""Of AdamW."""
LONGEST = 1.0
"""A longer gradient is shortened to this."""
SEED = 1_000_003
"""Added to the run's, so that both do not see the same noise."""
LOOKED_AT = 128
"""Held-out images or points that are judged at each part of the noise levels."""
NONE = -1
"""The number of what belongs to no class; nothing is learnt from it."""


class Looked(NamedTuple):
    """What a step found, before anything is changed by it."""

    gradient: Tensor
    t: Tensor
    right: Tensor
    """[n] bool."""
    scalars: dict[str, float]


class ClassifierLearner:
    """A classifier that is learnt: its weights, AdamW's moments, how well it names classes."""

    def __init__(
        self,
        config: ClassifierConfig,
        run: DiffusionConfig,
        device: torch.device,
        numbers: Tensor,
    ) -> None:
        """`numbers` [n] of the classes of all there is to learn from tell how frequent each is."""
        count = len(config.classes)
        self.device = device
        self.generator = torch.Generator().manual_seed(run.seed + SEED)
        network = Classifier(config, self.generator)
        # A class that is only held out is rare, not impossible.
        seen = torch.bincount(numbers[numbers != NONE], minlength=count).clamp(min=1)
        network.set_shares(seen / seen.sum())
        self.network = network.to(device).train()
        self.weights = FlatWeights(self.network)
        self.accuracy = Levels()
        """Share of right names at each noise level, of what was learnt from lately."""
        self.optimiser = adamw(self.weights, rate=RATES[config.kind], decay=DECAY)
        self._schedule = Schedule(replace(run, rate=RATES[config.kind]))

    @property
    def chance(self) -> float:
        """Share of right names of always naming the most frequent class."""
        return float(self.network.prior.exp().max())

    def naming(self, held_out: tuple[float, ...]) -> Naming:
        """How well it names classes; `held_out` is what `judged` found last."""
        return Naming(
            learnt=tuple(self.accuracy.errors.tolist()), held_out=held_out, chance=self.chance
        )

    def look(self, x0: Tensor, numbers: Tensor, step: int) -> Looked:
        """Find out what to change by `x0` [n, ...] and the `numbers` [n] of its classes.

        Nothing is changed yet. Raises Stuck where the gradient is not finite.
        """
        known = numbers != NONE
        t = torch.rand(len(x0), generator=self.generator)
        eps = torch.randn(x0.shape, generator=self.generator).to(self.device)
        x = self.network.path.noised(x0, eps, t.to(self.device))
        says = self.network(x, t.to(self.device))
        wanted = numbers.clamp_min(0).to(self.device)
        each = F.nll_loss(says, wanted, reduction="none") * known.to(self.device)
        loss = each.sum() / max(1, int(known.sum()))
        loss.backward()
        gradient = self.weights.take_gradient()
        norm = gradient.norm()
        if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
            raise Stuck(
                f"The loss of the classifier became non-finite at step {step:,}; the state of "
                f"step {step - 1:,} is kept. Check the images, or learn without a classifier"
            )
        gradient *= LONGEST / norm.clamp_min(LONGEST)
        right = (says.detach().argmax(1) == wanted).cpu()[known]
        scalars = {"classifier/loss": float(loss.detach())}
        if len(right):
            scalars["classifier/accuracy"] = float(right.float().mean())
        return Looked(gradient, t[known], right, scalars)

    def move(self, looked: Looked, step: int, *, seconds: float = 0.0) -> None:
        """Change the weights by what was found in step number `step` (from 1)."""
        rate = self._schedule.rate(step, seconds)
        move(looked.gradient, self.weights, self.optimiser, rate=rate)
        self.accuracy.take(looked.t, looked.right.float())

    @torch.no_grad()
    def judged(self, x0: Tensor, numbers: Tensor, seed: int) -> tuple[float, ...]:
        """[BINS] share of right names of `x0` [n, ...] in the middle of each part of the levels.

        Always by the same noise; NaN where none has a class.
        """
        generator = torch.Generator().manual_seed(seed)
        known = numbers != NONE
        x0, numbers = x0[known.to(x0.device)], numbers[known].to(self.device)
        found = []
        for part in range(BINS):
            t = torch.full((len(x0),), (part + 0.5) / BINS, device=self.device)
            eps = torch.randn(x0.shape, generator=generator).to(self.device)
            names = self.network(self.network.path.noised(x0, eps, t), t).argmax(1)
            found.append(float((names == numbers).float().mean()))
        return tuple(found)


def classifier_of(
    data: Pictures | ToyPoints | Pairs, path: str, shape: tuple[int, ...] | None
) -> ClassifierConfig:
    """A classifier for the classes of `data`; `shape` (c, h, w) is that of latents, if any.

    Raises InputError where there are no classes.
    """
    if len(data.classes) < 2:
        raise InputError(
            f"A classifier is asked for, but {data.name} has no classes; sort the images into "
            "a folder for each class, or learn without a classifier"
        )
    if isinstance(data, ToyPoints):
        return ClassifierConfig(classes=data.classes, path=path, kind="points")
    channels, height, width = shape or data.images.shape[1:]
    return ClassifierConfig(
        classes=data.classes, path=path, height=height, width=width, channels=channels
    )
