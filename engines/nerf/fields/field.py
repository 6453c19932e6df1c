"""The small interface behind which all fields stand."""

import contextlib
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from torch import Tensor

from engines.nerf.config import NerfConfig
from engines.nerf.occupancy import Occupancy


class Field(ABC):
    """Density and colour everywhere in the unit cube; places are those of `Space.to_unit`."""

    kind: ClassVar[str]
    """What settings and files call it."""
    samples: ClassVar[dict[str, int]]
    """How many places a step looks at when nobody says, by type of device."""
    judged: ClassVar[dict[str, int]] = {"cpu": 1 << 19, "cuda": 1 << 23}
    """How many pixels of photos a run is judged by: more would take long. By type of device."""
    occupancy: ClassVar[int]
    """Cells along each axis of the grid of occupied space; 0 for a field that has none."""
    local: ClassVar[frozenset[str]] = frozenset()
    """Parameters of which every number belongs to some places only: others do not move it."""
    decay: ClassVar[float] = 0.0
    """Weight decay of those parameters (of AdamW), in shares of the learning rate."""

    def __init__(self, parameters: dict[str, Tensor], rates: dict[str, float]) -> None:
        self.parameters = {name: p.detach().requires_grad_() for name, p in parameters.items()}
        """Leaf tensors by name."""
        self.rates = rates
        """Learning rate of each at the start."""

    @classmethod
    @abstractmethod
    def fresh(cls, config: NerfConfig, generator: torch.Generator) -> "Field":
        """A field that knows nothing yet, on the CPU."""

    @classmethod
    @abstractmethod
    def of(
        cls, parameters: dict[str, Tensor], other: dict[str, Tensor], about: dict[str, Any]
    ) -> "Field":
        """The field that had these `parameters`, and of which `other` and `about` told the rest.

        Raises KeyError or ValueError when they do not make one.
        """

    @property
    def coarse(self) -> "Field | None":
        """The field that finds out where to look, None where occupied space tells."""
        return None

    @abstractmethod
    def density(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Densities [n] per normalised unit of distance at `places` [n, 3], and features [n, k].

        The features are what `colour` needs to know of the same places.
        """

    @abstractmethod
    def colour(
        self, features: Tensor, directions: Tensor, rays: Tensor, codes: Tensor | None
    ) -> Tensor:
        """[n, 3] sRGB in [0, 1] of the places that `features` [n, k] belong to.

        `directions` [r, 3] of length 1 and appearance `codes` [r, e], if there are any, are
        given once for each ray; `rays` [n] says to which each place belongs.
        """

    def prior(self, step: int, config: NerfConfig, generator: torch.Generator) -> Tensor | None:
        """A loss on the field itself in `step`, or None."""
        del step, config, generator
        return None

    def notice(self, places: Tensor, weights: Tensor) -> None:
        """What a step saw: how much places [n, 3] added to their rays, `weights` [n]."""
        del places, weights

    def refine(self, step: int, config: NerfConfig, occupancy: Occupancy | None) -> str:
        """Become finer after `step`; says what was done, "" for nothing.

        The parameters may be other tensors afterwards.
        """
        del step, config, occupancy
        return ""

    def at_work(self) -> AbstractContextManager:
        """To be held around learning, so that whatever the field computes with has the cores."""
        return contextlib.nullcontext()

    def to(self, device: torch.device) -> "Field":
        """The same on another device; this one is not usable afterwards."""
        self.parameters = {
            name: p.detach().to(device).requires_grad_() for name, p in self.parameters.items()
        }
        return self

    def about(self) -> dict[str, Any]:
        """What `of` needs besides the parameters to make the same field again; plain numbers."""
        return {}

    def other(self) -> dict[str, Tensor]:
        """Tensors that are not learnt but belong to the field."""
        return {}


def exponential(x: Tensor) -> Tensor:
    """exp(x) whose gradient stays finite: beyond 15 it grows no more (Mueller et al. 2022)."""
    return _Exponential.apply(x)  # pyright: ignore[reportReturnType]


class _Exponential(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.exp(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # pyright: ignore
        (x,) = ctx.saved_tensors
        return grads[0] * torch.exp(x.clamp(max=15.0))
