"""The bundled data set of shapes, drawn anew from a number wherever it is asked for."""

from dataclasses import dataclass

import numpy as np
import torch

from engines.diffusion.data.pictures import Pictures
from engines.diffusion.data.regions import Regions
from engines.diffusion.data.shapes.draw import drawn, named, word_masks
from engines.diffusion.data.shapes.scenes import Scene, random_meaning, random_scene

NAME = "shapes"
COUNT = 16_000
AT_ONCE = 256
"""Scenes that are drawn together: more would not fit into the caches."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Pictures with captions, and the scenes that they show."""

    pictures: Pictures
    scenes: tuple[Scene, ...]

    def word_masks(self, row: int) -> tuple[tuple[str, np.ndarray | None], ...]:
        """Of picture `row`, see `draw.word_masks`."""
        return word_masks(self.scenes[row])


def make_shapes(count: int = COUNT, *, seed: int = 0, held_out: bool = False) -> Shapes:
    """`count` pictures to learn from, or with captions that none of those has.

    The same numbers give the same pictures. 1,000 take about a tenth of a second.
    """
    random = np.random.default_rng((seed, held_out))
    scenes = tuple(
        random_scene(random_meaning(random, held_out=held_out), random) for _ in range(count)
    )
    parts = [drawn(scenes[first : first + AT_ONCE]) for first in range(0, count, AT_ONCE)]
    images, things = (np.concatenate(part) for part in zip(*parts, strict=True))
    words = [named(scene.meaning) for scene in scenes]
    longest = max(len(numbers) for numbers in words)
    regions = Regions(
        torch.from_numpy(things),
        torch.tensor([row + [0] * (longest - len(row)) for row in words], dtype=torch.uint8),
    )
    pictures = Pictures(
        name=NAME,
        images=torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        texts=tuple(scene.meaning.caption for scene in scenes),
        said="captions",
        regions=regions,
    )
    return Shapes(pictures, scenes)
