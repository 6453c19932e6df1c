"""What lies behind everything: one colour, noise, or a colour learnt for every direction."""

import torch
from torch import Tensor

from kernels.sphericalharmonics import basis

DEGREE = 3


class Backdrop:
    """One of "black", "white", "random" and "learned"."""

    def __init__(self, kind: str, device: torch.device) -> None:
        self.kind, self._device = kind, device
        self.parameters: dict[str, Tensor] = {}
        if kind == "learned":
            bands = torch.zeros((DEGREE + 1) ** 2, 3, device=device)
            self.parameters = {"bands": bands.requires_grad_()}

    def colours(self, directions: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """[n, 3] sRGB in `directions` [n, 3] of length 1.

        Noise is drawn from the `generator` of training; to look at, it is white.
        """
        n = len(directions)
        if self.kind == "learned":
            return torch.sigmoid(basis(directions, DEGREE) @ self.parameters["bands"])
        if self.kind == "random" and generator is not None:
            return torch.rand(n, 3, generator=generator).to(self._device)
        return torch.full((n, 3), float(self.kind in ("white", "random")), device=self._device)
