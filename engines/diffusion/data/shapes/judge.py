"""Does a picture show what its caption says? By rules, for pictures that a model has drawn.

Pixels are shares of a palette colour laid over the ground; what hangs together in one colour
is a thing; its shape is the one whose drawing comes closest to those shares.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from assets.errors import InputError
from engines.diffusion.data.shapes.draw import coverage
from engines.diffusion.data.shapes.scenes import COLOURS, SHAPES, Kind, Meaning, meant

_SMALLEST = 14
"""Pixels of the smallest thing; less is a speck."""
_OFF = 0.3
"""Distance in RGB up to which a pixel may be a share of a palette colour."""


@dataclass(frozen=True)
class Seen:
    """A thing found in a picture; place in pixels."""

    kind: Kind
    x: float
    y: float


@dataclass(frozen=True)
class Verdict:
    """What is right about a picture."""

    seen: tuple[Seen, ...]
    colours: bool
    """The colours named, each as often as it is named, and no others."""
    shapes: bool
    things: bool
    """Every thing has its colour in its shape."""
    relation: bool
    """They lie to each other as the caption says; true of a thing alone."""

    @property
    def right(self) -> bool:
        """All of it."""
        return self.things and self.relation


def judge(picture: np.ndarray, caption: str) -> Verdict:
    """Whether `picture` [h, w, 3] uint8 shows what `caption` says.

    Raises InputError for captions of another form than those of the bundled shapes.
    """
    meaning = meant(caption)
    if meaning is None:
        raise InputError(
            f"“{caption}” cannot be judged; expected something like “a red circle left of a "
            "blue square”"
        )
    seen = look(picture)
    return Verdict(
        seen=seen,
        colours=_same([s.kind.colour for s in seen], [k.colour for k in meaning.kinds]),
        shapes=_same([s.kind.shape for s in seen], [k.shape for k in meaning.kinds]),
        things=_same([s.kind for s in seen], list(meaning.kinds)),
        relation=_holds(meaning, seen),
    )


def look(picture: np.ndarray) -> tuple[Seen, ...]:
    """The things in `picture` [h, w, 3] uint8, from left to right."""
    pixels = picture.astype(np.float64) / 255
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(edge, axis=0)
    names = list(COLOURS)
    towards = np.array([COLOURS[name] for name in names]) - ground
    away = pixels - ground
    shares = np.clip(away @ towards.T / (towards**2).sum(1), 0, 1)
    off = np.linalg.norm(away[:, :, None] - shares[..., None] * towards, axis=-1)
    nearest = off.argmin(-1)
    solid = (np.take_along_axis(shares, nearest[..., None], -1)[..., 0] > 0.5) & (
        off.min(-1) < _OFF
    )
    seen = []
    for i, name in enumerate(names):
        labels = np.zeros(solid.shape, dtype=np.int32)
        ndimage.label(solid & (nearest == i), output=labels)
        for number in range(1, int(labels.max()) + 1):
            inside = labels == number
            if inside.sum() < _SMALLEST:
                continue
            around = ndimage.binary_dilation(inside, np.ones((3, 3)))
            shape, x, y = _shape(np.where(around, shares[..., i], 0.0), inside)
            seen.append(Seen(Kind(name, shape), x, y))
    return tuple(sorted(seen, key=lambda thing: thing.x))


def _shape(share: np.ndarray, inside: np.ndarray) -> tuple[str, float, float]:
    """The shape whose drawing is closest to `share`, and the middle of what is `inside`."""
    rows, columns = np.nonzero(inside)
    top, left = max(0, rows.min() - 2), max(0, columns.min() - 2)
    share = share[top : rows.max() + 3, left : columns.max() + 3]
    x = (columns.min() + columns.max() + 1) / 2 - left
    y = (rows.min() + rows.max() + 1) / 2 - top
    radius = max(np.ptp(rows) + 1, np.ptp(columns) + 1) / 2
    shifts = np.array([-0.5, 0.0, 0.5])
    grow = np.array([-0.75, -0.4, 0.0, 0.4, 0.75, 1.1])
    dx, dy, more = (part.ravel() for part in np.meshgrid(shifts, shifts, grow))
    size = len(share)
    size = {"rows": share.shape[0], "columns": share.shape[1]}
    errors = {
        shape: ((coverage(shape, x + dx, y + dy, radius + more, **size) - share) ** 2)
        .sum((1, 2))
        .min()
        for shape in SHAPES
    }
    return min(errors, key=lambda shape: errors[shape]), float(x + left), float(y + top)


def _holds(meaning: Meaning, seen: tuple[Seen, ...]) -> bool:
    if len(seen) != len(meaning.kinds):
        return False
    if meaning.second is None:
        return True
    plain = meaning.plain
    assert plain.second is not None
    for first, second in (seen, seen[::-1]):
        if (first.kind, second.kind) != (plain.first, plain.second):
            continue
        right, down = second.x - first.x, second.y - first.y
        if plain.relation == "left of":
            return right > abs(down)
        return down > abs(right)
    return False


def _same(found: list, wanted: list) -> bool:
    return Counter(found) == Counter(wanted)
