"""One training step of a diffusion model after the other, and what is kept between them."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engines.diffusion.condition import Condition
from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.ema import Ema
from engines.diffusion.guidance import dropped_at_random
from engines.diffusion.health import Levels
from engines.diffusion.networks.choose import Network
from engines.diffusion.networks.config import usual_rate
from engines.diffusion.paths import PATHS
from engines.diffusion.targets import prediction_of
from engines.diffusion.weighting import draw_times, loss_weights
from engines.stuck import Stuck

BETAS = (0.9, 0.99)
"""Of AdamW."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Images or points with what is said of them."""

    x0: Tensor
    """[n, ...]."""
    condition: Condition | None


class Learner:
    """A network that is learnt: its weights, their average, AdamW's moments."""

    def __init__(
        self,
        network: Network,
        config: DiffusionConfig,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        config = replace(config, rate=config.rate or usual_rate(network.config))
        self.config, self.device = config, device
        self.path = PATHS[config.path]()
        self.network = network.to(device).train()
        self.ema = Ema(self.network, decay=config.ema)
        self.levels = Levels()
        """How well each noise level is known."""
        self._schedule = Schedule(config)
        self._generator = generator
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.rate,
            betas=BETAS,
            weight_decay=config.decay,
            fused=True,
        )
        self._mixed = self._schedule.is_mixed(device.type)

    def learn(self, batch: Batch, step: int, *, seconds: float = 0.0) -> dict[str, float]:
        """Make training step number `step` (from 1).

        `seconds` of training lie behind, which count where the run has a time limit. Returns
        figures for the curves. Raises Stuck when the step cannot be made.
        """
        config = self.config
        condition = batch.condition
        if condition is not None:
            condition = dropped_at_random(condition, config.drop, self._generator)
        count = len(batch.x0)
        t = draw_times(config.timing, count, self._generator).to(self.device)
        eps = torch.randn(batch.x0.shape, generator=self._generator).to(self.device)
        errors = self.errors(self.network, batch.x0, eps, t, condition)
        weights = loss_weights(config.weighting, self.path, config.target, t)
        loss = (weights * errors).mean()
        loss.backward()
        longest = config.clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), longest)
        if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
            self.optimiser.zero_grad(set_to_none=True)
            raise Stuck(
                f"The loss became non-finite at step {step:,}; the state of step {step - 1:,} is "
                "kept. Lower the learning rate, or check the images"
            )
        rate = self._schedule.rate(step, seconds)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.ema.update(self.network)
        self.levels.take(t.detach().cpu(), errors.detach().cpu())
        return {"loss": float(loss.detach()), "gradient": float(norm), "lr": rate}

    def errors(
        self,
        network: Network,
        x0: Tensor,
        eps: Tensor,
        t: Tensor,
        condition: Condition | None,
    ) -> Tensor:
        """[n] mean squared error of what `network` predicts for data and noise [n, ...] at t."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._mixed):
            found = network(self.path.noised(x0, eps, t), t, condition)
        wanted = prediction_of(self.config.target, self.path, t, x0, eps)
        return (found.float() - wanted).square().flatten(1).mean(1)
