"""Samples side by side in one picture, for people who look at files."""

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from assets.files import atomic_write
from engines.diffusion.artist import Stroke
from engines.diffusion.film import pictures_of

GAP_PX = 1
GAP = 24
"""Grey of what lies between the images."""


def sheet_of(images: np.ndarray) -> np.ndarray:
    """One picture [h', w', c] of `images` [n, h, w, c] uint8, row by row, about as wide as high.

    A gap of one pixel lies between them; places of the last row that stay empty have its grey.
    """
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    down, across = height + GAP_PX, width + GAP_PX
    whole = np.full((rows * down - GAP_PX, columns * across - GAP_PX, channels), GAP, np.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * down, (i % columns) * across
        whole[top : top + height, left : left + width] = image
    return whole


def write_sheet(path: Path, end: Stroke) -> None:
    """The samples of a last stroke to `path` as .png: images side by side, or a plane of points.

    Raises InputError when it cannot be written.
    """
    picture = pictures_of(end, 0)[0] if end.x.ndim == 2 else sheet_of(end.bytes_of("x"))
    if picture.shape[2] == 1:
        picture = picture[..., 0]
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    with atomic_write(path) as file:
        file.write(buffer.getvalue())
