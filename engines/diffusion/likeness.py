"""Whether a sample was learnt by heart: the training image nearest to it, and how near that is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from assets.errors import InputError
from engines.diffusion.data.pictures import Pictures, to_network
from engines.diffusion.data.source import SHAPES, Source
from engines.diffusion.labelled import Labelled
from engines.diffusion.mapfiles import write_pictures
from engines.diffusion.memory import check_images
from engines.diffusion.saved import SavedModel
from engines.diffusion.sheet import GAP, GAP_PX

LOOKED_AT = 200
"""Training images from which it is told how far apart they are as a rule."""
BY_HEART = 0.5
"""A sample so much nearer to an image than images are to each other was learnt by heart."""
MOST_PAIRS = 64
"""Pairs in one picture."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Likeness:
    """What the training image nearest to a sample tells."""

    row: int
    """Of the nearest image among those learnt from."""
    image: np.ndarray
    """[h, w, c] uint8; mirrored where the mirrored one is nearer."""
    distance: float
    """Root mean square difference of the pixels, in [0, 2]."""
    usual: float
    """Median of the same from a training image to the nearest other one; NaN for a single one."""

    @property
    def by_heart(self) -> bool:
        """The sample is so near that it was memorised."""
        return self.distance <= BY_HEART * self.usual  # never for NaN

    @property
    def sentence(self) -> str:
        """The same in words."""
        if math.isnan(self.usual):
            return f"{self.distance:.3f} apart (RMS); there is no other image to compare with"
        if self.by_heart:
            return (
                f"Memorised: {self.distance:.3f} apart (RMS), while training images are "
                f"{self.usual:.3f} from the nearest other one"
            )
        return (
            f"Not memorised: {self.distance:.3f} apart (RMS), and training images are "
            f"{self.usual:.3f} from the nearest other one"
        )


def nearest(samples: Tensor, images: Tensor, *, batch: int = 1_024) -> tuple[Tensor, Tensor]:
    """Row [n] of the image nearest to each of `samples` [n, ...], and its distance [n].

    The distance is the root mean square difference of the pixels, in [0, 2]: a sample that was
    learnt by heart is far closer to one image than images are to each other.
    """
    flat = samples.flatten(1)
    best = torch.full((len(flat),), torch.inf)
    rows = torch.zeros(len(flat), dtype=torch.int64)
    for first in range(0, len(images), batch):
        part = images[first : first + batch]
        part = (to_network(part) if part.dtype == torch.uint8 else part).flatten(1)
        distance, row = torch.cdist(flat, part).min(dim=1)
        closer = distance < best
        best = torch.where(closer, distance, best)
        rows = torch.where(closer, row + first, rows)
    return rows, best / flat.shape[1] ** 0.5


def usual_distance(images: Tensor) -> float:
    """Median distance of an image [n, c, h, w] uint8 to the nearest other; NaN for one alone."""
    if len(images) < 2:
        return float("nan")
    rows = torch.linspace(0, len(images) - 1, min(LOOKED_AT, len(images))).long()
    chosen = to_network(images[rows]).flatten(1)
    best = torch.full((len(rows),), torch.inf)
    for first in range(0, len(images), 1_024):
        part = to_network(images[first : first + 1_024]).flatten(1)
        distances = torch.cdist(chosen, part)
        own = (rows >= first) & (rows < first + len(part))
        distances[own, rows[own] - first] = torch.inf
        best = torch.minimum(best, distances.min(dim=1).values)
    return float(best.median()) / chosen.shape[1] ** 0.5


def likenesses(
    samples: np.ndarray, images: Tensor, usual: float, *, flip: bool = False
) -> list[Likeness]:
    """Of each of `samples` [n, h, w, c] uint8 to training `images` [m, c, h, w] uint8.

    `flip` where mirrored images were learnt from as well.
    """
    asked = to_network(torch.from_numpy(np.ascontiguousarray(samples)).permute(0, 3, 1, 2))
    rows, distances = nearest(asked, images)
    mirrored = torch.zeros(len(asked), dtype=torch.bool)
    if flip:
        others, further = nearest(asked.flip(3), images)
        mirrored = further < distances
        rows = torch.where(mirrored, others, rows)
        distances = torch.minimum(distances, further)
    found = []
    for i, row in enumerate(rows.tolist()):
        image = images[row].flip(2) if mirrored[i] else images[row]
        found.append(
            Likeness(
                row=row,
                image=image.permute(1, 2, 0).contiguous().numpy(),
                distance=float(distances[i]),
                usual=usual,
            )
        )
    return found


def images_like(
    saved: SavedModel, source: Source, *, progress: Callable[[int, int], None] | None = None
) -> Pictures:
    """The images of `source` made as those that `saved` learnt from: of its size, cut or padded.

    A card of an older file does not say which, and they are cut then. Raises InputError where
    nothing there can be compared with what the model draws.
    """
    shape = saved.shape
    if len(shape) != 3:
        raise InputError(f"{saved.name} draws points, and none is learnt by heart; name images")
    channels, height, width = shape
    if channels != 3 or height != width:
        raise InputError(f"{saved.name} draws no square images in colour to compare with")
    if source.bundled == SHAPES and height == 32:
        from engines.diffusion.data.shapes.source import make_shapes

        return make_shapes().pictures
    if source.folder is None:
        raise InputError(
            f"{source.bundled or 'A teacher'} has no images of {width}x{height} pixels; name the "
            f"folder of images that {saved.name} learnt from"
        )
    from engines.diffusion.data.folder import read_listing
    from engines.diffusion.data.listing import list_images

    listing = list_images(source.folder)
    check_images(len(listing.files), height)
    fit = "pad" if saved.trained.get("fit") == "pad" else "crop"
    return read_listing(listing, height, fit=fit, progress=progress)


def write_pairs(path: Path, samples: np.ndarray, found: list[Likeness], heading: str) -> None:
    """Each of `samples` [n, h, w, c] uint8 above the image nearest to it, as .png.

    No more than `MOST_PAIRS`. Raises InputError when it cannot be written.
    """
    gap = np.full((GAP_PX, *samples.shape[2:]), GAP, np.uint8)
    pairs = [
        Labelled(
            pixels=np.concatenate([sample, gap, like.image]),
            words=f"{number}: {like.distance:.3f}{', memorised' if like.by_heart else ''}",
        )
        for number, (sample, like) in enumerate(zip(samples, found, strict=True), start=1)
    ]
    write_pictures(path, pairs[:MOST_PAIRS], heading)
