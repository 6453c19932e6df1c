"""The bundled data set of shapes, drawn anew from a number wherever it is asked for."""

from dataclasses import dataclass

import numpy as np
import torch

from engines.diffusion.data.pictures import Pictures
from engines.diffusion.data.shapes.draw import draw, word_masks
from engines.diffusion.data.shapes.scenes import Scene, random_meaning, random_scene

NAME = "shapes"
COUNT = 8_000


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

    The same numbers give the same pictures. 1,000 take about half a second.
    """
    random = np.random.default_rng((seed, held_out))
    scenes = tuple(
        random_scene(random_meaning(random, held_out=held_out), random) for _ in range(count)
    )
    images = np.stack([draw(scene) for scene in scenes])
    pictures = Pictures(
        name=NAME,
        images=torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        texts=tuple(scene.meaning.caption for scene in scenes),
        said="captions",
    )
    return Shapes(pictures, scenes)
