"""The Gaussians that are being learnt, with everything that must follow each of them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from kernels.adam import adam_step

PARAMETERS = ("means", "quats", "log_scales", "logit_opacities", "sh0", "sh_rest")


class GaussianModel:
    """n Gaussians: parameters, their Adam moments, and the rows that density control keeps.

    `parameters[name]` are leaf tensors [n, ...] with gradient; `first[name]` and
    `second[name]` are Adam's moments of the same shape. `rows[name]` are further tensors
    [n, ...] that are re-indexed with the Gaussians, such as `id` or `gradient_sum`.
    """

    def __init__(self, parameters: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> None:
        self.parameters = {name: parameters[name].detach().requires_grad_() for name in PARAMETERS}
        self.first = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.second = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.rows = dict(rows)

    def __len__(self) -> int:
        return len(self.parameters["means"])

    def __getitem__(self, name: str) -> Tensor:
        return self.parameters[name]

    @property
    def device(self) -> torch.device:
        return self.parameters["means"].device

    def opacities(self) -> Tensor:
        """[n] in (0, 1), with gradient."""
        return torch.sigmoid(self.parameters["logit_opacities"])

    def scales(self) -> Tensor:
        """[n, 3] standard deviations in the normalised frame, with gradient."""
        return torch.exp(self.parameters["log_scales"])

    @torch.no_grad()
    def largest_scales(self) -> Tensor:
        """[n] the longest standard deviation of each."""
        return torch.exp(self.parameters["log_scales"].amax(dim=1))

    @torch.no_grad()
    def select(self, index: Tensor) -> None:
        """Keep the Gaussians of `index` (mask or indices) in its order; the others go."""
        for name, parameter in self.parameters.items():
            self.parameters[name] = parameter.detach()[index].requires_grad_()
            self.first[name] = self.first[name][index]
            self.second[name] = self.second[name][index]
        for name, row in self.rows.items():
            self.rows[name] = row[index]

    @torch.no_grad()
    def append(self, parameters: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> None:
        """Add Gaussians at the end, with zero moments."""
        for name, parameter in self.parameters.items():
            new = parameters[name]
            self.parameters[name] = torch.cat([parameter.detach(), new]).requires_grad_()
            self.first[name] = torch.cat([self.first[name], torch.zeros_like(new)])
            self.second[name] = torch.cat([self.second[name], torch.zeros_like(new)])
        for name, row in self.rows.items():
            self.rows[name] = torch.cat([row, rows[name]])

    @torch.no_grad()
    def forget_moments(self, name: str | None = None, index: Tensor | None = None) -> None:
        """Zero Adam's moments of one parameter or all, of the Gaussians of `index` or all."""
        for key in PARAMETERS if name is None else (name,):
            for moment in (self.first[key], self.second[key]):
                if index is None:
                    moment.zero_()
                else:
                    moment[index] = 0

    @torch.no_grad()
    def optimise(self, step: int, rates: Mapping[str, float], sh_degree: int) -> None:
        """One Adam step with the gradients at hand, which are dropped afterwards.

        Colour bands above `sh_degree` have had no gradient yet and are left alone.
        """
        for name, parameter in self.parameters.items():
            if parameter.grad is not None and (name != "sh_rest" or sh_degree > 0):
                adam_step(
                    parameter.detach(),
                    parameter.grad,
                    self.first[name],
                    self.second[name],
                    step=step,
                    learning_rate=rates[name],
                )
            parameter.grad = None

    @torch.no_grad()
    def cloud(self, frame: Normalisation) -> GaussianCloud:
        """A copy of the present state in the input's frame, safe to keep."""
        host = {name: p.detach().cpu() for name, p in self.parameters.items()}
        normalised = GaussianCloud(
            means=host["means"].numpy(),
            quats=host["quats"].numpy().copy(),
            log_scales=host["log_scales"].numpy(),
            logit_opacities=host["logit_opacities"].numpy().copy(),
            sh=torch.cat([host["sh0"], host["sh_rest"]], dim=1).numpy(),
            ids=self.rows["id"].cpu().numpy().copy(),
        )
        return normalised.in_input_frame(frame)
