"""Which pixels of a view count, once its mask has gone through all that its photo goes through."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from assets.decode import QUARTER_TURNS, TURNS, opened, orientation_of, resized, same_shape
from assets.errors import InputError
from assets.masks import read_mask
from assets.photos import FilePhoto, Photo
from assets.posed import View
from assets.undistort import UndistortedPhoto

_WHOLE = 0.99
"""A pixel of a shrunk photo counts when this share of what it is made of does."""


@dataclass(frozen=True, eq=False)
class MaskPicture:
    """A mask as if it were a photo: 1 where the photo counts; follows the `Photo` protocol."""

    path: Path
    width: int
    height: int
    photo: Photo
    """The photo that it belongs to, which says how both are turned."""

    def load(self, width: int, height: int) -> np.ndarray:
        """[height, width, 3] float32 in [0, 1]; raises InputError as `Photo.load` does."""
        kept = read_mask(self.path)
        if not same_shape(kept.shape[1], kept.shape[0], self.width, self.height):
            kept = self._turned(kept)
        picture = Image.fromarray(kept.astype(np.uint8) * np.uint8(255))
        share = np.asarray(resized(picture, width, height), dtype=np.float32) / 255
        return np.repeat(share[..., None], 3, axis=2)

    def _turned(self, kept: np.ndarray) -> np.ndarray:
        """The mask turned like the photo where that gives it the shape of the camera."""
        height, width = kept.shape
        if isinstance(self.photo, FilePhoto) and same_shape(height, width, self.width, self.height):
            with opened(self.photo.path) as image:
                orientation = orientation_of(image)
            if orientation in QUARTER_TURNS:
                return np.asarray(Image.fromarray(kept).transpose(TURNS[orientation]))
        raise InputError(
            f"The mask {self.path} has {width}x{height} pixels, but its photo has "
            f"{self.width}x{self.height}; expected a mask of the same shape"
        )


def weights_of(view: View, width: int, height: int) -> np.ndarray | None:
    """[height, width] bool: the pixels of `view` at that size that count; None if it has no mask.

    Pixels that mix what counts with what does not are left out. Raises InputError where the
    mask cannot be read or has another shape than the photo.
    """
    if view.mask is None:
        return None
    photo = view.photo
    if isinstance(photo, UndistortedPhoto):
        lens, source = photo.lens, photo.source
        mask = MaskPicture(view.mask, lens.width, lens.height, source)
        shares = UndistortedPhoto(mask, lens, photo.pinhole).load(width, height)
    else:
        mask = MaskPicture(view.mask, photo.width, photo.height, photo)
        shares = mask.load(width, height)
    return shares[..., 0] > _WHOLE
