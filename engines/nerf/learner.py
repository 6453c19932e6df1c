"""One training step of a radiance field after the other, and what is kept between them."""

import threading

import torch
from torch import Tensor

from engines.nerf.config import NerfConfig, Schedule
from engines.nerf.hints import Hints
from engines.nerf.look import Level, levels_of
from engines.nerf.pixels import Batch
from engines.nerf.radiance import Radiance
from engines.stuck import Stuck
from kernels.adam import adam_step, all_finite
from kernels.composite import distortion

UPDATE_EVERY = 16
"""Steps between two looks at the occupied space."""
MOST_RECOVERIES = 3
"""All of space may become empty so often before the run gives up."""
LEAST_RAYS, MOST_RAYS = 64, 1 << 16
FIRST_SAMPLES = 48
"""Samples a ray is expected to have before anything is known."""
BETA1, BETA2 = 0.9, 0.99
"""Of Adam, as Mueller et al. 2022 have them."""


class Learner:
    """A field that is learnt: parameters, Adam's moments, and how many rays a step takes."""

    def __init__(self, radiance: Radiance, config: NerfConfig, generator: torch.Generator) -> None:
        self.radiance, self.config = radiance, config
        self._schedule = Schedule(config)
        self._generator = generator
        self.hints: Hints | None = None
        """What is known of the scene besides its photos; to be set before the first step."""
        self._samples = config.samples or radiance.field.samples[radiance.device.type]
        self.rays = self._rays_for(FIRST_SAMPLES)
        """How many rays the next step takes."""
        self.first = {name: torch.zeros_like(p) for name, p in radiance.parameters.items()}
        self.second = {name: torch.zeros_like(p) for name, p in radiance.parameters.items()}

    def learn(
        self, batch: Batch, step: int, changing: threading.Lock, *, seconds: float = 0.0
    ) -> dict[str, float]:
        """Make training step number `step` (from 1); nothing changes but under `changing`.

        `seconds` of training lie behind, which count where the run has a time limit.

        Returns figures for the curves. Raises Stuck when the step cannot be made.
        """
        radiance, generator = self.radiance, self._generator
        self._look_at_space(step, changing)
        device = batch.rays.origins.device
        behind = radiance.backdrop.colours(batch.rays.directions, generator=generator)
        codes = None if radiance.codes is None else radiance.codes[batch.photos]
        jitter = torch.rand(len(batch.rays), generator=generator).to(device)
        levels = levels_of(radiance, batch.rays, codes, jitter=jitter, generator=generator)
        target = batch.colours[:, :3]
        if batch.colours.shape[1] == 4:
            alpha = batch.colours[:, 3:]
            target = target * alpha + behind.detach() * (1 - alpha)
        errors = [self._error(level, behind, target) for level in levels]
        loss = torch.stack(errors).sum()
        if self.config.distortion and len(levels[-1].sigma):
            loss = loss + self.config.distortion * _spread(levels[-1])
        prior = radiance.field.prior(step, self.config, generator)
        if prior is not None:
            loss = loss + prior
        if self.hints is not None:
            hint = self.hints.loss(radiance.field, step, generator)
            loss = loss if hint is None else loss + hint
        self._backward(loss, step)
        with changing:
            if radiance.occupancy is not None:
                radiance.occupancy.note(levels[-1].places, levels[-1].sigma)
            radiance.field.notice(levels[-1].places, levels[-1].seen.weights.detach())
            share = self._descend(step, seconds)
            if radiance.field.refine(step, self.config, radiance.occupancy):
                self._start_moments()
        samples = sum(len(level.sigma) for level in levels)
        self.rays = self._rays_for(max(1.0, samples / len(batch.rays)))
        return {
            "loss": float(loss.detach()),
            "psnr": -10.0 * float(torch.log10(errors[-1].detach().clamp_min(1e-10))),
            "rays": len(batch.rays),
            "samples": samples,
            "lr": share * max(radiance.field.rates.values()),
        } | ({} if radiance.occupancy is None else {"occupied": radiance.occupancy.share})

    def _error(self, level: Level, behind: Tensor, target: Tensor) -> Tensor:
        left = (1 - level.seen.accumulation)[:, None]
        return torch.mean((level.seen.colour + left * behind - target) ** 2)

    def _look_at_space(self, step: int, changing: threading.Lock) -> None:
        radiance = self.radiance
        if radiance.occupancy is None or (step - 1) % UPDATE_EVERY:
            return
        with changing:
            radiance.occupancy.update(
                lambda places: radiance.field.density(places)[0],
                self._generator,
                everywhere=step == 1,
            )
        if radiance.occupancy.recovered > MOST_RECOVERIES:
            raise Stuck(
                f"Nothing is left in the space of the scene at step {step:,}: every place has "
                "become empty. Check that photos and cameras belong together, or lower the "
                "learning rate and the distortion weight"
            )

    def _backward(self, loss: Tensor, step: int) -> None:
        parameters = self.radiance.parameters
        if loss.requires_grad:
            with self.radiance.field.at_work():
                loss.backward()
        gradients = [p.grad for p in parameters.values() if p.grad is not None]
        if not bool(torch.isfinite(loss)) or not all_finite(*gradients):
            for parameter in parameters.values():
                parameter.grad = None
            raise Stuck(
                f"The loss became non-finite at step {step:,}; the state of step {step - 1:,} is "
                "kept. Lower the learning rate, or check the photos and their cameras"
            )

    @torch.no_grad()
    def _descend(self, step: int, seconds: float) -> float:
        """One step of Adam; returns the share of the first learning rate that is in use."""
        share = self._schedule.rate(1.0, step - 1, seconds)
        field, rates = self.radiance.field, self.radiance.rates
        local = {f"field/{name}" for name in field.local}
        for name, parameter in self.radiance.parameters.items():
            if parameter.grad is not None:
                adam_step(
                    parameter.detach(),
                    parameter.grad,
                    self.first[name],
                    self.second[name],
                    step=step,
                    learning_rate=share * rates[name],
                    beta1=BETA1,
                    beta2=BETA2,
                    skip_zero=name in local,
                    decay=field.decay if name in local else 0.0,
                )
            parameter.grad = None
        return share

    def _start_moments(self) -> None:
        """Parameters that were replaced have no past."""
        for moments in (self.first, self.second):
            for name, parameter in self.radiance.parameters.items():
                if moments[name].shape != parameter.shape:
                    moments[name] = torch.zeros_like(parameter)

    def _rays_for(self, samples_per_ray: float) -> int:
        wanted = round(self._samples / samples_per_ray)
        before = getattr(self, "rays", wanted)
        # Not at once: one odd batch should not shake all that follow.
        return min(MOST_RAYS, max(LEAST_RAYS, min(wanted, 2 * before), before // 2))


def _spread(level: Level) -> Tensor:
    """Mean distortion loss of the rays (Barron et al. 2022, equation 15)."""
    samples = level.samples
    return distortion(level.seen.weights, samples.t_start, samples.t_end, samples.offsets).mean()
