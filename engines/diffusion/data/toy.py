"""Points in the plane as something to learn from, as images are."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engines.diffusion import toys
from engines.diffusion.data.pictures import Said, held_out_of
from engines.diffusion.words import Vocabulary

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
    """What can be told apart. A classifier learns it, a model only where it is said."""
    said: Said = "nothing"
    """"classes" where each point is learnt together with its class."""
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
        """Per point the name of its class; empty where nothing is said."""
        if self.said == "nothing" or self.labels is None:
            return ("",) * len(self)
        return tuple(self.classes[label] for label in self.labels.tolist())

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

    def vocabulary(self) -> Vocabulary | None:
        """The classes; None where they are not said."""
        return None if self.said == "nothing" else Vocabulary.of_classes(self.classes)


def make_toy(name: str, count: int = COUNT, *, seed: int = 0, told: bool = False) -> ToyPoints:
    """`count` points of the toy `name`, each with its class if that is to be `told`.

    Raises KeyError where there is none of that name.
    """
    generator = torch.Generator().manual_seed(seed)
    points = toys.TOYS[name](count, generator)
    classes = toys.CLASSES.get(name, ())
    labels = points.labels if classes else None
    notes = ()
    if told and not classes:
        notes = (f"The points of {name} belong to no classes, so none are learnt",)
    return ToyPoints(
        name=name,
        places=points.places,
        labels=labels,
        classes=classes,
        said="classes" if told and classes else "nothing",
        notes=notes,
    )
