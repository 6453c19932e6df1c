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
    labels: Tensor | None = None
    """[n] int64 which of `classes` each belongs to; None where that is not known."""
    classes: tuple[str, ...] = ()
    """What can be told apart; a model learns nothing of it, a classifier does."""
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
        return self._part(slice(kept)), self._part(slice(kept, None))

    def _part(self, rows: slice) -> "ToyPoints":
        labels = None if self.labels is None else self.labels[rows]
        return replace(self, places=self.places[rows], labels=labels)

    def numbers_of(self, classes: tuple[str, ...]) -> Tensor:
        """[n] int64 place of each point's class in `classes`, -1 where it has none."""
        if self.labels is None or classes != self.classes:
            return torch.full((len(self),), -1)
        return self.labels

    def vocabulary(self) -> None:
        """None: points have no words."""
        return


def make_toy(name: str, count: int = COUNT, *, seed: int = 0) -> ToyPoints:
    """`count` points of the toy `name`; KeyError where there is none of that name."""
    generator = torch.Generator().manual_seed(seed)
    points = toys.TOYS[name](count, generator)
    classes = toys.CLASSES.get(name, ())
    labels = points.labels if classes else None
    return ToyPoints(name=name, places=points.places, labels=labels, classes=classes)
