"""Points in the plane as something to learn from, as images are."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engines.diffusion import toys
from engines.diffusion.data.pictures import held_out_of

if TYPE_CHECKING:
    from engines.diffusion.data.source import Source

COUNT = 20_000


@dataclass(frozen=True, eq=False, kw_only=True)
class ToyPoints:
    """n points of a toy; the same interface as `Pictures`, for what needs no pixels."""

    name: str
    places: Tensor
    """[n, 2] float32."""
    said: str = "nothing"
    notes: tuple[str, ...] = ()
    source: "Source | None" = None

    @property
    def points(self) -> bool:
        """These are points in the plane."""
        return True

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, rows: Tensor | slice) -> Tensor:
        """[b, 2] these rows."""
        return self.places[rows]

    @property
    def texts(self) -> tuple[str, ...]:
        """Nothing is said of points."""
        return ("",) * len(self)

    def split(self, share: float, generator: torch.Generator) -> "tuple[ToyPoints, ToyPoints]":
        """What to learn from and a `share` held out; all are drawn alike, so the last ones."""
        del generator
        kept = len(self) - held_out_of(len(self), share)
        return replace(self, places=self.places[:kept]), replace(self, places=self.places[kept:])

    def vocabulary(self) -> None:
        """None: points have no words."""
        return


def make_toy(name: str, count: int = COUNT, *, seed: int = 0) -> ToyPoints:
    """`count` points of the toy `name`; KeyError where there is none of that name."""
    generator = torch.Generator().manual_seed(seed)
    return ToyPoints(name=name, places=toys.TOYS[name](count, generator).places)
