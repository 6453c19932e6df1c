"""Shapes as pixels with smooth edges, and which pixels belong to which word."""

import numpy as np

from engines.diffusion.data.shapes.scenes import SIZE, Scene, Thing
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
    picture = np.full((SIZE, SIZE, 3), scene.ground)
    for thing in scene.things:
        share = _covered(thing)[..., None]
        picture = picture * (1 - share) + thing.colour * share
    return (picture * 255 + 0.5).astype(np.uint8)


def word_masks(scene: Scene) -> tuple[tuple[str, np.ndarray | None], ...]:
    """Every word of the caption with the pixels [SIZE, SIZE] bool of its own thing.

    Colours and shapes have one; articles and "left of" belong to no thing: None.
    """
    masks = [_covered(thing) > 0.5 for thing in scene.things]
    found: list[tuple[str, np.ndarray | None]] = []
    waiting = [(thing.kind, mask) for thing, mask in zip(scene.things, masks, strict=True)]
    for word in split(scene.meaning.caption):
        kind, mask = waiting[0] if waiting else (None, None)
        named = kind is not None and word in (kind.colour, kind.shape)
        found.append((word, mask if named else None))
        if kind is not None and word == kind.shape:
            waiting.pop(0)
    return tuple(found)


def _covered(thing: Thing) -> np.ndarray:
    return coverage(thing.kind.shape, thing.x, thing.y, thing.radius)
