"""Density control as sampling: move the faint onto the visible, and shake (Kheradmand et al.
2024, "3D Gaussian Splatting as Markov Chain Monte Carlo")."""

import math

import torch
from torch import Tensor

from engines.events import Refined
from engines.splats.config import Schedule
from engines.splats.density import rotation_matrices
from engines.splats.lineage import Birth, Death, Lineage
from engines.splats.model import PARAMETERS, GaussianModel

GROWTH = 1.05
"""The population grows by this factor at each refinement until the cap."""
NOISE = 5e5
"""Strength of the positional noise in units of the positions' learning rate (section 3.3)."""
REGULARISATION = 0.01
"""Weight of the mean opacity and of the mean scale in the loss (equation 10)."""
MOST_COPIES = 51
"""Copies of one Gaussian that equation 9 is evaluated for; more count as this many."""


class MonteCarlo:
    """Relocates faint Gaussians, adds some, and adds noise to uncertain positions."""

    start_opacity = 0.5
    start_scale = 0.1

    def __init__(
        self, model: GaussianModel, lineage: Lineage, schedule: Schedule, generator: torch.Generator
    ) -> None:
        self.model, self.lineage, self.schedule = model, lineage, schedule
        self.generator = generator

    def penalty(self) -> Tensor | None:
        """Pull opacities and scales down, so that what is not needed dies (equation 10)."""
        return REGULARISATION * (self.model.opacities().mean() + self.model.scales().mean())

    def observe(self, probe_gradient: Tensor, radii: Tensor, width: int, height: int) -> None:
        """View-space gradients play no part."""

    def gradients(self) -> Tensor:
        """[n] NaN: there is no gradient rule."""
        return torch.full((len(self.model),), math.nan)

    @torch.no_grad()
    def after_step(self, step: int, lr_means: float) -> None:  # noqa: ARG002 (same call for all)
        """Shake positions along each Gaussian's own shape, the faint ones most (equation 8)."""
        model = self.model
        noise = torch.randn(len(model), 3, generator=self.generator).to(model.device)
        faintness = torch.sigmoid(-100.0 * (model.opacities().detach() - 0.005))
        rotation, scales = rotation_matrices(model["quats"].detach()), model.scales().detach()
        local = (
            rotation.transpose(1, 2) @ (noise * (faintness * lr_means * NOISE)[:, None])[..., None]
        )
        shaken = rotation @ (scales.square()[..., None] * local)
        model["means"].detach().add_(shaken.squeeze(2))

    @torch.no_grad()
    def refine(self, step: int) -> Refined:
        """Relocate what is fainter than the threshold, then sample new ones."""
        config, model = self.schedule.config, self.model
        opacities = model.opacities().detach()
        dead = torch.nonzero(opacities <= config.prune_opacity).squeeze(1)
        if len(dead) == len(model):
            dead = dead[:0]
        if len(dead):
            self._relocate(dead, opacities, step)
        room = config.max_gaussians - len(model)
        wanted = int(len(model) * (GROWTH - 1)) + 1
        added = max(0, min(room, wanted))
        if added:
            self._add(added, step)
        return Refined(
            step=step, relocated=len(dead), added=added, total=len(model), capped=wanted > room
        )

    def reset_opacities(self) -> None:
        """Never needed: the penalty on opacity does this work."""

    def _relocate(self, dead: Tensor, opacities: Tensor, step: int) -> None:
        model = self.model
        weights = opacities.clone()
        weights[dead] = 0
        sources = self._sample(weights, len(dead))
        self.lineage.bury(
            model.rows["id"][dead].cpu().numpy(),
            step=step,
            cause=Death.RELOCATION,
            values=opacities[dead].cpu().numpy(),
        )
        ids = self._bear(sources, step, Birth.RELOCATION)
        self._share(sources)
        for name in PARAMETERS:
            model[name].detach()[dead] = model[name].detach()[sources]
        model.forget_moments(index=sources)
        model.forget_moments(index=dead)
        model.rows["id"][dead] = ids

    def _add(self, count: int, step: int) -> None:
        model = self.model
        sources = self._sample(model.opacities().detach(), count)
        ids = self._bear(sources, step, Birth.SAMPLE)
        self._share(sources)
        model.forget_moments(index=sources)
        model.append({name: model[name].detach()[sources] for name in PARAMETERS}, {"id": ids})

    def _sample(self, weights: Tensor, count: int) -> Tensor:
        """[count] indices drawn in proportion to `weights` [n]."""
        edges = torch.cumsum(weights.double().cpu(), dim=0)
        draws = torch.rand(count, generator=self.generator, dtype=torch.float64) * edges[-1]
        drawn = torch.searchsorted(edges, draws, right=True)
        return drawn.clamp_max(len(weights) - 1).to(self.model.device)

    def _share(self, sources: Tensor) -> None:
        """Divide each source's contribution among itself and its copies (equation 9)."""
        model = self.model
        unique, copies = torch.unique(sources, return_counts=True)
        opacity = model.opacities().detach()[unique]
        scales = model.scales().detach()[unique]
        shared, factor = shared_opacity_and_scale(opacity, (copies + 1).clamp_max(MOST_COPIES))
        shared = shared.clamp(self.schedule.config.prune_opacity, 1 - 1e-6)
        model["logit_opacities"].detach()[unique] = torch.logit(shared)
        model["log_scales"].detach()[unique] = torch.log(scales * factor[:, None])

    def _bear(self, sources: Tensor, step: int, cause: Birth) -> Tensor:
        model = self.model
        ids = self.lineage.bear(
            len(sources),
            step=step,
            cause=cause,
            parents=model.rows["id"][sources].cpu().numpy(),
            scales=model.largest_scales()[sources].cpu().numpy(),
            opacities=model.opacities().detach()[sources].cpu().numpy(),
        )
        return torch.from_numpy(ids).to(model.device)


def shared_opacity_and_scale(opacity: Tensor, copies: Tensor) -> tuple[Tensor, Tensor]:
    """Opacity [n] and scale factor [n] with which `copies` [n] (at least 1, at most
    `MOST_COPIES`) Gaussians at one place look like a single one of `opacity` (equation 9)."""
    shared = 1 - (1 - opacity.double()) ** (1 / copies)
    denominator = torch.zeros_like(shared)
    for i in range(1, int(copies.max()) + 1):
        term = sum(
            (-1) ** k * math.comb(i - 1, k) / math.sqrt(k + 1) * shared ** (k + 1) for k in range(i)
        )
        denominator += torch.where(copies >= i, term, torch.zeros_like(shared))
    factor = opacity.double() / denominator
    return shared.float(), factor.float()
