"""What stands on a picture of shapes, and the caption that says so."""

import zlib
from dataclasses import dataclass, field

import numpy as np

SIZE = 32
"""Pixels along each side."""
COLOURS = {
    "red": (0.88, 0.14, 0.12),
    "green": (0.16, 0.66, 0.24),
    "blue": (0.10, 0.42, 0.94),
    "yellow": (0.97, 0.82, 0.10),
    "purple": (0.64, 0.16, 0.72),
}
"""sRGB; far apart from each other, seen from light grey."""
SHAPES = ("circle", "square", "triangle", "cross")
MIRRORED = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
RELATIONS = tuple(MIRRORED)
_ALONE = 0.25
"""Share of pictures with one thing only."""
_HELD_OUT = 5
"""One in so many arrangements is kept for captions that were never seen."""


@dataclass(frozen=True)
class Kind:
    """What a thing is called."""

    colour: str
    shape: str

    def __str__(self) -> str:
        return f"a {self.colour} {self.shape}"


@dataclass(frozen=True)
class Meaning:
    """What a caption says: one thing, or two and how the first lies to the second."""

    first: Kind
    relation: str = ""
    second: Kind | None = None

    @property
    def caption(self) -> str:
        """Such as "a red circle left of a blue square"."""
        return str(self.first) if self.second is None else self._both()

    def _both(self) -> str:
        return f"{self.first} {self.relation} {self.second}"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of all things, as the caption names them."""
        return (self.first,) if self.second is None else (self.first, self.second)

    @property
    def plain(self) -> "Meaning":
        """The same said with "left of" or "above"; equal for captions that mean the same."""
        if self.second is None or self.relation in ("left of", "above"):
            return self
        return Meaning(self.second, MIRRORED[self.relation], self.first)

    @property
    def held_out(self) -> bool:
        """Whether captions of this meaning are kept from training."""
        number = zlib.crc32(self.plain.caption.encode())
        return self.second is not None and number % _HELD_OUT == 0


@dataclass(frozen=True, eq=False)
class Thing:
    """A shape at a place, in pixels; it fills at most `radius` to each side."""

    kind: Kind
    x: float
    y: float
    radius: float
    colour: np.ndarray = field(repr=False)
    """[3] sRGB, a little off the colour it is called by."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What one picture shows."""

    meaning: Meaning
    things: tuple[Thing, ...]
    """As the caption names them."""
    ground: float
    """Grey of what lies behind, sRGB."""


def meant(caption: str) -> Meaning | None:
    """What a caption of `Meaning.caption`'s form says; None for any other text."""
    words = caption.lower().split()
    first = _kind(words[:3])
    if first is None or len(words) == 3:
        return Meaning(first) if first is not None else None
    relation, second = " ".join(words[3:-3]), _kind(words[-3:])
    if second is None or relation not in MIRRORED:
        return None
    return Meaning(first, relation, second)


def kinds() -> tuple[Kind, ...]:
    """Every colour in every shape."""
    return tuple(Kind(colour, shape) for colour in COLOURS for shape in SHAPES)


def random_meaning(random: np.random.Generator, *, held_out: bool) -> Meaning:
    """A caption to learn from, or one that is kept from training."""
    every = kinds()
    if not held_out and random.random() < _ALONE:
        return Meaning(every[random.integers(len(every))])
    while True:
        first, second = random.choice(len(every), 2, replace=False)
        relation = RELATIONS[random.integers(len(RELATIONS))]
        meaning = Meaning(every[first], relation, every[second])
        if meaning.held_out is held_out:
            return meaning


def random_scene(meaning: Meaning, random: np.random.Generator) -> Scene:
    """A picture of which `meaning` is true, and clearly so."""
    radii = random.uniform(4.2, 6.2, len(meaning.kinds))
    edge = radii + 1.0
    x, y = random.uniform(edge, SIZE - edge), random.uniform(edge, SIZE - edge)
    if meaning.second is not None:
        upright = meaning.relation in ("above", "below")
        along, across = (y, x) if upright else (x, y)
        gap = radii.sum() + 2.0
        before, behind = (0, 1) if meaning.relation in ("left of", "above") else (1, 0)
        along[before] = random.uniform(edge[before], SIZE - edge[behind] - gap)
        along[behind] = random.uniform(along[before] + gap, SIZE - edge[behind])
        near = np.clip(across[0] + random.uniform(-4, 4), edge[1], SIZE - edge[1])
        across[1] = near
    things = []
    for i, kind in enumerate(meaning.kinds):
        colour = np.array(COLOURS[kind.colour]) + random.uniform(-0.04, 0.04, 3)
        place = float(x[i]), float(y[i]), float(radii[i])
        things.append(Thing(kind, *place, np.clip(colour, 0, 1)))
    return Scene(meaning, tuple(things), float(random.uniform(0.88, 0.97)))


def _kind(words: list[str]) -> Kind | None:
    if len(words) != 3 or words[0] not in ("a", "an"):
        return None
    return Kind(words[1], words[2]) if words[1] in COLOURS and words[2] in SHAPES else None
