"""Images of one size with what is said of each: all that training needs to know of its data."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from engines.diffusion.data.regions import Regions
from engines.diffusion.words import Vocabulary, tidy

if TYPE_CHECKING:
    from engines.diffusion.data.source import Source

Said = Literal["nothing", "classes", "captions"]
FEW = 5
"""Of so many images one can be spared to judge the result."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Pictures:
    """n images of one size, in memory as bytes."""

    name: str
    """Short title for people."""
    images: Tensor
    """[n, c, h, w] uint8, sRGB."""
    texts: tuple[str, ...]
    """Per image its caption or the name of its class; empty where nothing is said."""
    said: Said = "nothing"
    names: tuple[str, ...] = ()
    """Per image its file, as seen from the folder; empty where there are no files."""
    notes: tuple[str, ...] = field(default=())
    """Sentences on what was left out or assumed."""
    regions: Regions | None = None
    """Where on each image the things are that its words name; None where that is not known."""
    source: "Source | None" = None
    """Where they come from; None for those that were made by hand."""

    @property
    def points(self) -> bool:
        """These are images."""
        return False

    def __len__(self) -> int:
        return len(self.images)

    @property
    def megabytes(self) -> float:
        """Of the images in memory, in units of 10**6 bytes."""
        return self.images.numel() / 1e6

    def batch(self, rows: Tensor | slice) -> Tensor:
        """[b, c, h, w] float32 in [-1, 1] of these rows, as networks want them."""
        return to_network(self.images[rows])

    def part(self, rows: Tensor) -> "Pictures":
        """These rows alone."""
        chosen = rows.tolist()
        return replace(
            self,
            images=self.images[rows],
            texts=tuple(self.texts[i] for i in chosen),
            names=tuple(self.names[i] for i in chosen) if self.names else (),
            regions=self.regions.part(rows) if self.regions else None,
        )

    def split(self, share: float, generator: torch.Generator) -> "tuple[Pictures, Pictures]":
        """What to learn from and a random `share` held out, see `held_out_of`."""
        held = held_out_of(len(self), share)
        order = torch.randperm(len(self), generator=generator)
        return self.part(order[held:].sort().values), self.part(order[:held].sort().values)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that images belong to; none where there are no classes."""
        vocabulary = self.vocabulary()
        return vocabulary.words if vocabulary is not None and vocabulary.classes else ()

    def numbers_of(self, classes: tuple[str, ...]) -> Tensor:
        """[n] int64 place of each image's class in `classes`, -1 where it has none of them."""
        places = {name: i for i, name in enumerate(classes)}
        return torch.tensor([places.get(tidy(text), -1) for text in self.texts])

    def vocabulary(self) -> Vocabulary | None:
        """The words or classes of these images; None where nothing is said."""
        match self.said:
            case "classes":
                return Vocabulary.of_classes(self.texts)
            case "captions":
                return Vocabulary.of_captions(self.texts)
        return None


def held_out_of(count: int, share: float) -> int:
    """How many of `count` images are held out: at least one of `FEW`, and never all of them."""
    least = 1 if share and count >= FEW else 0
    return min(max(round(count * share), least), count - 1)


def to_network(images: Tensor) -> Tensor:
    """Bytes as float32 in [-1, 1]."""
    return images.float() / 127.5 - 1


def to_bytes(images: Tensor) -> Tensor:
    """The inverse of `to_network`; what lies outside [-1, 1] is cut off."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
