"""Small pictures of photos, quick enough to make for a whole data set."""

import numpy as np

from assets.posed import View
from assets.unposed import Shot


def thumbnail(view: View | Shot, size: int) -> np.ndarray:
    """[h, w, 3] uint8 sRGB, the longer side `size` pixels; what is transparent is black.

    JPEG files are decoded at a fraction of their size: some 15 ms for a phone's photo.
    Raises InputError when the file is broken.
    """
    scale = size / max(view.photo.width, view.photo.height)
    width = max(1, round(view.photo.width * scale))
    height = max(1, round(view.photo.height * scale))
    pixels = view.photo.load(width, height)
    if pixels.shape[2] == 4:
        pixels = pixels[..., :3] * pixels[..., 3:]
    return (pixels * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)
