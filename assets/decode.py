"""From an image file to an array, whatever its mode, and never a crash on a broken file."""

import math
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from assets.errors import InputError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".ppm", ".pgm", ".gif", ".jp2"}
)
"""Endings, in lower case, of the files that are taken for photos."""

_QUARTER_TURNS = {5, 6, 7, 8}
"""EXIF orientations that swap width and height."""
_TRANSPOSES = {
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PIL_ERRORS = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow's decoders raise on files that are cut off, wrong or absurdly large."""


def photo_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels as stored, from the file's header alone.

    Raises InputError with a sentence when the file is missing, empty or no image.
    """
    with _opened(path) as image:
        return image.size


def decode(path: Path, width: int, height: int, *, full: tuple[int, int]) -> np.ndarray:
    """The photo at `path` as [height, width, 3 or 4] float32 sRGB in [0, 1].

    `full` is the (width, height) that the photo's camera was calibrated for; a rotation in
    the EXIF data is honoured only where the photo has that shape with it and not without.
    A fourth channel is alpha and only kept where something is not opaque. Shrinks with an
    area filter for whole factors and a smooth antialiasing filter for others, in sRGB, as
    is the custom for benchmarks. Raises InputError with a sentence naming the file.
    """
    with _opened(path) as image:
        turn = _turn_to_fit(image, path, full)
        stored = (width, height) if turn is None else (height, width)
        try:
            # JPEG decodes at 1/2, 1/4, 1/8 at a fraction of the cost; keep twice what is needed.
            image.draft(None, (2 * stored[0], 2 * stored[1]))
            image.load()
            pixels = _resized(_in_known_mode(image), *stored)
        except _PIL_ERRORS as error:
            raise InputError(
                f"{path} cannot be read to its end ({_reason(error)}); "
                "the file is damaged, copy it again"
            ) from error
    if turn is not None:
        pixels = pixels.transpose(turn)
    array = np.asarray(pixels, dtype=np.float32)
    if pixels.mode == "F":
        return np.repeat(np.clip(array, 0.0, 1.0)[..., None], 3, axis=2)
    array = array / 255.0
    if array.shape[2] == 4 and array[..., 3].min() >= 1.0:
        array = np.ascontiguousarray(array[..., :3])
    return array


def _opened(path: Path) -> Image.Image:
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes); expected a photo, copy it again")
        return Image.open(path)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check where the photos are") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is not a photo in a known format; save it as PNG or JPEG") from (
            error
        )
    except _PIL_ERRORS as error:
        raise InputError(f"{path} cannot be opened: {_reason(error)}; check the file") from error


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _turn_to_fit(image: Image.Image, path: Path, full: tuple[int, int]) -> Image.Transpose | None:
    """The EXIF quarter turn that the photo needs to have the shape of its camera, if any."""
    width, height = image.size
    if _same_shape(width, height, *full):
        return None
    orientation = _exif_orientation(image)
    if orientation in _QUARTER_TURNS and _same_shape(height, width, *full):
        return _TRANSPOSES[orientation]
    raise InputError(
        f"{path} has {width}x{height} pixels, but its camera was calibrated for "
        f"{full[0]}x{full[1]}; use the photos that the cameras were computed from"
    )


def _same_shape(width: int, height: int, full_width: int, full_height: int) -> bool:
    """Whether one is the other, resized, give or take the rounding of sizes."""
    scale = math.sqrt(width * height / (full_width * full_height))
    slack_x, slack_y = 2.0 + 0.005 * width, 2.0 + 0.005 * height
    return (
        abs(full_width * scale - width) <= slack_x and abs(full_height * scale - height) <= slack_y
    )


def _exif_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*_PIL_ERRORS, TypeError, KeyError):  # broken EXIF in a photo that is otherwise fine
        return 1


def _in_known_mode(image: Image.Image) -> Image.Image:
    """The photo as 8-bit RGB or RGBA, or as one float channel in [0, 1] where it is deeper."""
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.nan_to_num(np.asarray(image, dtype=np.float32))
        return Image.fromarray(deep if image.mode == "F" else deep / 65535.0)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    """Pillow weighs colours by alpha here, so that what is transparent does not bleed."""
    if image.size == (width, height):
        return image
    if image.width < width or image.height < height:
        return image.resize((width, height), Image.Resampling.BICUBIC)
    if image.width % width == 0 and image.height % height == 0:
        # One pass; `resize` rounds twice and so brightens by up to half a level.
        return image.reduce((image.width // width, image.height // height))
    return image.resize((width, height), Image.Resampling.HAMMING)
