"""The photos as one long row of pixels from which each step draws some."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.nerf.rays import Lenses, Rays
from engines.scene import Scene

EXCHANGE_EVERY = 50
"""Steps after which other photos are taken in where not all of them fit into memory."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rays of one step and the colours that photos have there."""

    rays: Rays
    colours: Tensor
    """[n, 3 or 4] float32 sRGB in [0, 1], with alpha where photos have it."""
    photos: Tensor
    """[n] int64 which of the training photos each ray belongs to."""


class PixelPool:
    """Pixels of the training photos that count, as 8-bit numbers on the training device."""

    def __init__(self, scene: Scene, *, budget_bytes: int, seed: int) -> None:
        self._scene, self._seed = scene, seed
        self._lenses = Lenses([scene.cameras[i] for i in scene.train], scene.device)
        sizes = [scene.cameras[i].width * scene.cameras[i].height for i in scene.train]
        channels = 4 if scene.has_alpha else 3
        # A pixel is kept together with its place: the photo and the number in it.
        self._room = max(1, int(budget_bytes // (max(sizes) * (channels + 8))))
        self._round = -1
        self._colours = torch.empty(0, channels, dtype=torch.uint8)
        self._places = torch.empty(0, 2, dtype=torch.int32)

    def batch(self, step: int, count: int, generator: torch.Generator) -> Batch:
        """`count` pixels at random, all equally likely, for training step `step`."""
        self._take_in(step)
        device = self._scene.device
        chosen = torch.randint(len(self._places), (count,), generator=generator).to(device)
        photo, pixel = self._places[chosen].long().unbind(dim=1)
        widths = self._widths[photo]
        x, y = pixel % widths, torch.div(pixel, widths, rounding_mode="floor")
        rays = self._lenses.rays(photo, torch.stack([x, y], dim=1) + 0.5)
        return Batch(rays, self._colours[chosen].float() / 255.0, photo)

    def _take_in(self, step: int) -> None:
        """Have the photos of this step's round in memory; which they are follows from the seed."""
        train = self._scene.train
        fits = len(train) <= self._room
        wanted = 0 if fits else step // EXCHANGE_EVERY
        if wanted == self._round:
            return
        self._round = wanted
        order = np.random.default_rng((self._seed, wanted)).permutation(len(train))
        chosen = range(len(train)) if fits else sorted(order[: self._room].tolist())
        colours, places = [], []
        for photo in chosen:
            index = train[photo]
            pixels = self._scene.pixels(index)
            if self._scene.has_alpha and pixels.shape[1] == 3:
                pixels = torch.nn.functional.pad(pixels, (0, 1), value=255)
            place = torch.stack(
                [torch.full((len(pixels),), photo), torch.arange(len(pixels))], dim=1
            ).int()
            kept = self._scene.weights(index)
            if kept is not None:
                inside = kept.flatten() > 0
                pixels, place = pixels[inside], place[inside.cpu()]
            colours.append(pixels)
            places.append(place)
        device = self._scene.device
        self._colours = torch.cat(colours).to(device)
        self._places = torch.cat(places).to(device)
        self._widths = torch.tensor([self._scene.cameras[i].width for i in train], device=device)
