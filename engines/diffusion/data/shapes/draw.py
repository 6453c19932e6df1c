"""Shapes as pixels with smooth edges, and which pixels belong to which word."""

from collections.abc import Sequence

import numpy as np

from engines.diffusion.data.shapes.scenes import SHAPES, SIZE, Meaning, Scene, Thing
from engines.diffusion.words import split

_SQUARE = 0.9
"""Half the side of a square over the radius of a circle that looks as large."""
_ARM = 0.38
"""Half the width of a cross' arm."""


def coverage(
    shape: str,
    x: np.ndarray | float,
    y: np.ndarray | float,
    radius: np.ndarray | float,
    *,
    rows: int = SIZE,
    columns: int = SIZE,
) -> np.ndarray:
    """[..., rows, columns] how much of each pixel a shape covers, 0 to 1.

    `x`, `y` and `radius` are in pixels, of shapes that go together; one unit of signed
    distance at the edge is one pixel.
    """
    across = np.arange(columns) + 0.5 - np.asarray(x, dtype=np.float64)[..., None, None]
    down = np.arange(rows)[:, None] + 0.5 - np.asarray(y, dtype=np.float64)[..., None, None]
    radius = np.asarray(radius, dtype=np.float64)[..., None, None]
    match shape:
        case "circle":
            distance = np.hypot(across, down) - radius
        case "square":
            distance = np.maximum(abs(across), abs(down)) - _SQUARE * radius
        case "triangle":
            # Equilateral, point up, as wide as the radius allows; its box is in the middle.
            half = np.sqrt(3) / 2 * radius
            distance = np.maximum(down - half, (np.sqrt(3) * abs(across) - down - half) / 2)
        case "cross":
            upright = np.maximum(abs(across) - _ARM * radius, abs(down) - radius)
            lying = np.maximum(abs(across) - radius, abs(down) - _ARM * radius)
            distance = np.minimum(upright, lying)
        case _:
            raise ValueError(f"No shape is called {shape!r}")
    return np.clip(0.5 - distance, 0.0, 1.0)


def draw(scene: Scene) -> np.ndarray:
    """[SIZE, SIZE, 3] uint8 sRGB."""
    return drawn([scene])[0][0]


def drawn(scenes: Sequence[Scene]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [n, SIZE, SIZE, 3] uint8 sRGB, and which thing each of their pixels shows.

    That is [n, SIZE, SIZE] uint8: things are numbered from 1 as the caption names them, 0 is none.
    """
    pictures = np.empty((len(scenes), SIZE, SIZE, 3))
    pictures[:] = np.array([scene.ground for scene in scenes])[:, None, None, None]
    shown = np.zeros(pictures.shape[:3], dtype=np.uint8)
    for number in range(max((len(scene.things) for scene in scenes), default=0)):
        rows = [row for row, scene in enumerate(scenes) if number < len(scene.things)]
        things = [scenes[row].things[number] for row in rows]
        share = _covered(things)
        shown[rows] = np.where(share > 0.5, number + 1, shown[rows])
        colours = np.stack([thing.colour for thing in things])[:, None, None]
        share = share[..., None]
        pictures[rows] = pictures[rows] * (1 - share) + colours * share
    return (pictures * 255 + 0.5).astype(np.uint8), shown


def word_masks(scene: Scene) -> tuple[tuple[str, np.ndarray | None], ...]:
    """Every word of the caption with the pixels [SIZE, SIZE] bool of its own thing.

    Colours and shapes have one; articles and "left of" belong to no thing: None.
    """
    things = drawn([scene])[1][0]
    words = zip(split(scene.meaning.caption), named(scene.meaning), strict=True)
    return tuple((word, things == number if number else None) for word, number in words)


def named(meaning: Meaning) -> list[int]:
    """For each word of the caption the number of the thing that it names, 0 for none."""
    found, number = [], 1
    for word in split(meaning.caption):
        kind = meaning.kinds[min(number, len(meaning.kinds)) - 1]
        found.append(number if word in (kind.colour, kind.shape) else 0)
        number += word == kind.shape
    return found


def _covered(things: Sequence[Thing]) -> np.ndarray:
    """[n, SIZE, SIZE] how much of each pixel each of them covers."""
    found = np.zeros((len(things), SIZE, SIZE))
    for shape in SHAPES:
        rows = [row for row, thing in enumerate(things) if thing.kind.shape == shape]
        places = np.array([(things[row].x, things[row].y, things[row].radius) for row in rows])
        if rows:
            found[rows] = coverage(shape, *places.T)
    return found
