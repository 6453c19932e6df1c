"""Adaptive density control by clone, split and prune (Kerbl et al. 2023, section 5.2)."""

import numpy as np
import torch
from torch import Tensor

from engines.events import Refined
from engines.splats.config import Schedule
from engines.splats.lineage import Birth, Death, Lineage
from engines.splats.model import PARAMETERS, GaussianModel

SHRINK = 1.6
"""Children of a split are this much smaller than their parent."""
RESET_OPACITY = 0.01
"""Opacities are brought down to this now and then, so that what is not needed fades out."""


class CloneAndSplit:
    """Grows where the view-space gradient is high, removes what is faint or too large.

    Gradients are in halves of the image ([-1, 1] units) and averaged over the views that
    saw the Gaussian since the last refinement. Keeps its sums in `model.rows`.
    """

    start_opacity = 0.1
    start_scale = 1.0

    def __init__(
        self, model: GaussianModel, lineage: Lineage, schedule: Schedule, generator: torch.Generator
    ) -> None:
        self.model, self.lineage, self.schedule = model, lineage, schedule
        self.generator = generator
        for name in ("gradient_sum", "seen"):
            model.rows.setdefault(name, torch.zeros(len(model), device=model.device))

    def penalty(self) -> Tensor | None:
        """No term is added to the photometric loss."""
        return None

    @torch.no_grad()
    def observe(self, probe_gradient: Tensor, radii: Tensor, width: int, height: int) -> None:
        """Add a view's gradients by pixel position [n, 2]; it saw what has a radius > 0."""
        scaled = probe_gradient * probe_gradient.new_tensor((width / 2, height / 2))
        visible = radii > 0
        self.model.rows["gradient_sum"] += torch.where(visible, scaled.norm(dim=1), 0.0)
        self.model.rows["seen"] += visible

    def gradients(self) -> Tensor:
        """[n] mean gradient since the last refinement, 0 where never seen."""
        return self.model.rows["gradient_sum"] / self.model.rows["seen"].clamp_min(1)

    def after_step(self, step: int, lr_means: float) -> None:
        """Nothing is done between refinements."""

    @torch.no_grad()
    def refine(self, step: int) -> Refined:
        """Clone, split, then prune; zeroes the sums."""
        config, model = self.schedule.config, self.model
        gradients, sizes = self.gradients(), model.largest_scales()
        chosen = torch.nonzero(gradients > config.grow_gradient).squeeze(1)
        room = config.max_gaussians - len(model)
        capped = len(chosen) > room
        if capped:
            order = torch.argsort(gradients[chosen], descending=True, stable=True)
            chosen = chosen[order[: max(room, 0)]].sort().values
        large = sizes[chosen] > config.split_scale
        clones, parents = chosen[~large], chosen[large]
        self._clone(clones, step, gradients, sizes)
        self._split(parents, step, gradients, sizes)
        faint, big = self._prune(step)
        model.rows["gradient_sum"].zero_()
        model.rows["seen"].zero_()
        return Refined(
            step=step,
            cloned=len(clones),
            split=len(parents),
            pruned_opacity=faint,
            pruned_scale=big,
            total=len(model),
            capped=capped,
        )

    def _clone(self, index: Tensor, step: int, gradients: Tensor, sizes: Tensor) -> None:
        parameters = {name: self.model[name].detach()[index] for name in PARAMETERS}
        self._append(parameters, index, index, step, Birth.CLONE, gradients, sizes)

    def _split(self, index: Tensor, step: int, gradients: Tensor, sizes: Tensor) -> None:
        if len(index) == 0:
            return
        model = self.model
        twice = index.repeat(2)
        parameters = {name: model[name].detach()[twice] for name in PARAMETERS}
        noise = torch.randn(len(twice), 3, generator=self.generator).to(model.device)
        offset = torch.exp(parameters["log_scales"]) * noise
        rotation = rotation_matrices(parameters["quats"])
        parameters["means"] = parameters["means"] + (rotation @ offset[:, :, None]).squeeze(2)
        parameters["log_scales"] = parameters["log_scales"] - float(np.log(SHRINK))
        self.lineage.bury(
            _host(model.rows["id"][index]),
            step=step,
            cause=Death.SPLIT,
            values=_host(gradients[index]),
        )
        self._append(parameters, twice, twice, step, Birth.SPLIT, gradients, sizes)
        keep = torch.ones(len(model), dtype=torch.bool, device=model.device)
        keep[index] = False
        model.select(keep)

    def _append(
        self,
        parameters: dict[str, Tensor],
        index: Tensor,
        parents: Tensor,
        step: int,
        cause: Birth,
        gradients: Tensor,
        sizes: Tensor,
    ) -> None:
        model = self.model
        ids = self.lineage.bear(
            len(index),
            step=step,
            cause=cause,
            parents=_host(model.rows["id"][parents]),
            gradients=_host(gradients[parents]),
            scales=_host(sizes[parents]),
            opacities=_host(torch.sigmoid(model["logit_opacities"].detach()[parents])),
        )
        rows = {name: torch.zeros_like(row[index]) for name, row in model.rows.items()}
        rows["id"] = torch.from_numpy(ids).to(model.device)
        model.append(parameters, rows)

    def _prune(self, step: int) -> tuple[int, int]:
        config, model = self.schedule.config, self.model
        opacities, sizes = model.opacities().detach(), model.largest_scales()
        faint = opacities < config.prune_opacity
        # Only after the first reset can a large Gaussian that is needed have been told apart.
        big = (sizes > config.prune_scale) & ~faint & (step > config.reset_every)
        if int((faint | big).sum()) == len(model):  # an empty scene could never grow again
            best = int(opacities.argmax())
            faint[best] = big[best] = False
        ids = model.rows["id"]
        self.lineage.bury(
            _host(ids[faint]), step=step, cause=Death.OPACITY, values=_host(opacities[faint])
        )
        self.lineage.bury(_host(ids[big]), step=step, cause=Death.SCALE, values=_host(sizes[big]))
        if bool((faint | big).any()):
            model.select(~(faint | big))
        return int(faint.sum()), int(big.sum())

    @torch.no_grad()
    def reset_opacities(self) -> None:
        """Bring every opacity down to `RESET_OPACITY` or less and forget its moments."""
        logits = self.model["logit_opacities"].detach()
        logits.clamp_(max=float(np.log(RESET_OPACITY / (1 - RESET_OPACITY))))
        self.model.forget_moments("logit_opacities")


def rotation_matrices(quats: Tensor) -> Tensor:
    """[n, 3, 3] rotations of wxyz quaternions [n, 4] of any length above 0."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=1).unbind(1)
    return torch.stack(
        [
            1 - 2 * (y * y + z * z),
            2 * (x * y - w * z),
            2 * (x * z + w * y),
            2 * (x * y + w * z),
            1 - 2 * (x * x + z * z),
            2 * (y * z - w * x),
            2 * (x * z - w * y),
            2 * (y * z + w * x),
            1 - 2 * (x * x + y * y),
        ],
        dim=1,
    ).reshape(-1, 3, 3)


def _host(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
