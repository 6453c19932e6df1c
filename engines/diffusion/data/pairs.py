"""Noise and what a teacher draws from it, as something to learn from: no image without its noise.

Between the two a student learns the straight line (reflow, Liu et al. 2023, "Flow straight and
fast"), which takes a few steps of Euler's, or a single one.
"""

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engines.diffusion.data.pictures import Said, held_out_of, to_bytes

if TYPE_CHECKING:
    from engines.diffusion.data.source import Source
    from engines.diffusion.networks.choose import Network
    from engines.diffusion.saved import SavedModel
    from engines.diffusion.words import Vocabulary


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairs:
    """n samples of a teacher with the noise that each began with; else as `Pictures`."""

    name: str
    teacher: "SavedModel"
    x0: Tensor
    """[n, c, h, w] float32 in [-1, 1] or latents, or points [n, 2]."""
    noise: Tensor
    """As `x0`."""
    texts: tuple[str, ...]
    """What each was drawn for; empty where for nothing."""
    said: Said = "nothing"
    notes: tuple[str, ...] = ()
    source: "Source | None" = None
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Nothing to tell apart: a student is taught no classifier."""
    regions: None = None

    def __len__(self) -> int:
        return len(self.x0)

    @property
    def points(self) -> bool:
        """Whether these are points in the plane."""
        return self.x0.ndim == 2

    @functools.cached_property
    def images(self) -> Tensor:
        """[n, c, h, w] uint8, for looking at; not of points."""
        space = self.teacher.space
        return to_bytes(self.x0 if space is None else space.decode(self.x0))

    @property
    def places(self) -> Tensor | None:
        """[n, 2] of points; None of images."""
        return self.x0 if self.points else None

    def numbers_of(self, classes: tuple[str, ...]) -> Tensor:
        """[n] -1, as none belongs to any of `classes`."""
        del classes
        return torch.full((len(self),), -1)

    def batch(self, rows: Tensor | slice) -> Tensor:
        """[b, ...] the samples of these rows."""
        return self.x0[rows]

    def split(self, share: float, generator: torch.Generator) -> "tuple[Pairs, Pairs]":
        """What to learn from and a `share` held out; all are drawn alike, so the last ones."""
        del generator
        kept = len(self) - held_out_of(len(self), share)
        return self._part(slice(None, kept)), self._part(slice(kept, None))

    def vocabulary(self) -> "Vocabulary | None":
        """The words that the teacher knows."""
        return self.teacher.vocabulary

    def _part(self, rows: slice) -> "Pairs":
        part = {name: getattr(self, name)[rows] for name in ("x0", "noise", "texts")}
        return replace(self, **part)


def begin_with(student: "Network", teacher: "Network") -> None:
    """Give `student` the weights of `teacher`, without what that says of variances."""
    given = teacher.state_dict()
    own = student.state_dict()
    student.load_state_dict({name: given[name][: len(own[name])] for name in own})
