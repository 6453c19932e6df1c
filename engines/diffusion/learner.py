"""One training step of a diffusion model after the other, and what is kept between them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.data.regions import Regions
from engines.diffusion.descent import adamw, descend
from engines.diffusion.ema import Ema
from engines.diffusion.flat import FlatWeights
from engines.diffusion.grounding import Watched, grounding_loss
from engines.diffusion.guidance import dropped_at_random
from engines.diffusion.health import OUTLIER, Levels
from engines.diffusion.networks.choose import Network
from engines.diffusion.networks.config import usual_rate, usual_shift
from engines.diffusion.paths import PATHS
from engines.diffusion.targets import clip_of, estimate_of, prediction_of
from engines.diffusion.variance import CHAIN, SHARE, divergence, earlier, halves
from engines.diffusion.weighting import draw_times, loss_weights, with_noise_end
from engines.diffusion.words import hidden_at_random


@dataclass(frozen=True, eq=False)
class Batch:
    """Images or points with what is said of them."""

    x0: Tensor
    """[n, ...]."""
    condition: Condition | None
    regions: Regions | None = None
    """Where the things are that the words name, if that is known."""
    noise: Tensor | None = None
    """The noise that belongs to each of x0, as those; None for any."""

    def mirrored(self, where: Tensor, others: Tensor | None = None) -> "Batch":
        """The same with left and right exchanged in images where `where` [n] bool is True.

        `others` are what mirrored images are where those of `x0` cannot just be turned round.
        """
        others = self.x0.flip(3) if others is None else others
        x0 = torch.where(where[:, None, None, None], others, self.x0)
        return replace(self, x0=x0, regions=self.regions and self.regions.mirrored(where))


@dataclass(frozen=True, eq=False)
class Judged:
    """What is wrong with one prediction."""

    errors: Tensor
    """[n] mean squared error."""
    bound: Tensor | None
    """[n] terms of the variational bound in nats of each number, where variances are learnt."""
    v: Tensor | None
    """[n] mean v, likewise."""


class Learner:
    """A network that is learnt: its weights, their average, AdamW's moments."""

    def __init__(
        self,
        network: Network,
        config: DiffusionConfig,
        device: torch.device,
        generator: torch.Generator,
        *,
        after: tuple[int, float] = (0, 0.0),
        bound: float | None = None,
    ) -> None:
        """`after` are the steps and seconds of the run in which something else was learnt.

        Data lie within plus or minus `bound`; None for what is usual of data of their shape.
        """
        self._bound = bound
        config = replace(
            config,
            rate=config.rate or usual_rate(network.config),
            shift=config.shift or usual_shift(network.config),
        )
        self.config, self.device = config, device
        self.path = PATHS[config.path]()
        self.network = network.to(device).train()
        self.weights = FlatWeights(self.network)
        self.ema = Ema(self.network, decay=config.ema)
        self.levels = Levels(outlier=OUTLIER)
        """How well each noise level is known."""
        self.shares = Levels() if network.config.variance else None
        """The v of each noise level (see `variance`), where variances are learnt."""
        self._schedule = Schedule(config, *after)
        self._generator = generator
        self.optimiser = adamw(self.weights, rate=config.rate, decay=config.decay)
        self._mixed = self._schedule.is_mixed(device.type)

    def learn(self, batch: Batch, step: int, *, seconds: float = 0.0) -> dict[str, float]:
        """Make training step number `step` (from 1).

        `seconds` of training lie behind, which count where the run has a time limit. Returns
        figures for the curves. Raises Stuck when the step cannot be made.
        """
        config = self.config
        condition = batch.condition
        if condition is not None:
            if batch.noise is None:  # what a teacher drew, it drew of all the words
                condition = hidden_at_random(condition, self._generator)
            condition = dropped_at_random(condition, config.drop, self._generator)
        count = len(batch.x0)
        t = draw_times(config.timing, count, self._generator, shift=config.shift)
        t = (t if batch.noise is None else with_noise_end(t)).to(self.device)
        eps = batch.noise
        if eps is None:
            eps = torch.randn(batch.x0.shape, generator=self._generator).to(self.device)
        watched = Watched() if config.grounding and batch.regions is not None else None
        judged = self.judged(self.network, batch.x0, eps, t, condition, watched)
        errors, bound = judged.errors, None
        weights = loss_weights(config.weighting, self.path, config.target, t)
        loss = (weights * errors).mean()
        if judged.bound is not None:
            # Improved DDPM, equation 16; levels count as often as they are learnt.
            bound = CHAIN * judged.bound.mean()
            loss = loss + SHARE * bound
        grounding = None
        if watched is not None and batch.regions is not None and condition is not None:
            grounding = grounding_loss(watched, batch.regions, condition)
        rate = self._schedule.rate(step, seconds)
        norm = descend(
            loss if grounding is None else loss + config.grounding * grounding,
            self.weights,
            self.optimiser,
            rate=rate,
            clip=config.clip,
            step=step,
        )
        self.ema.update(self.weights)
        self.levels.take(t.detach().cpu(), errors.detach().cpu())
        # Not the weighted loss, which cannot be compared with that of held-out images.
        mean = float(errors.detach().mean())
        scalars = {"loss": mean, "gradient": norm, "lr": rate}
        if bound is not None and judged.v is not None and self.shares is not None:
            self.shares.take(t.detach().cpu(), judged.v.detach().cpu())
            scalars["vlb"] = float(bound.detach())
        return scalars if grounding is None else scalars | {"grounding": float(grounding.detach())}

    def errors(
        self,
        network: Network,
        x0: Tensor,
        eps: Tensor,
        t: Tensor,
        condition: Condition | None,
        capture: Capture | None = None,
    ) -> Tensor:
        """[n] mean squared error of what `network` predicts for data and noise [n, ...] at t."""
        return self.judged(network, x0, eps, t, condition, capture).errors

    def judged(
        self,
        network: Network,
        x0: Tensor,
        eps: Tensor,
        t: Tensor,
        condition: Condition | None,
        capture: Capture | None = None,
    ) -> Judged:
        """As `errors`; where variances are learnt also the bound, whose mean is taken as given.

        That is of a step to `earlier(t)`, as the ancestral sampler makes it with x0 in bounds.
        """
        target, path = self.config.target, self.path
        x = path.noised(x0, eps, t)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._mixed):
            found = network(x, t, condition, capture=capture)
        mean, v = halves(found.float(), x)
        wanted = prediction_of(target, path, t, x0, eps)
        errors = (mean - wanted).square().flatten(1).mean(1)
        if v is None:
            return Judged(errors, None, None)
        clip = self._bound or clip_of(x0.shape[1:])
        seen = estimate_of(target, path, t, x, mean.detach()).x0.clamp(-clip, clip)
        terms = divergence(path, earlier(t), t, x0 - seen, v)
        return Judged(errors, terms.flatten(1).mean(1), v.flatten(1).mean(1))
