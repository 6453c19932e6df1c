"""From an image file to an array, whatever its mode, and never a crash on a broken file."""

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from assets.errors import InputError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".ppm", ".pgm", ".gif", ".jp2"}
    | {".heic", ".heif", ".avif"}
)
"""Endings, in lower case, of the files that are taken for photos."""

QUARTER_TURNS = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo with an EXIF orientation upright; 1 is upright already."""
_SWAPPING = {TURNS[orientation] for orientation in QUARTER_TURNS}
_HEIF = (".heic", ".heif")
PIL_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError),
    *(TypeError, KeyError, IndexError, ArithmeticError, RuntimeError, struct.error),
)
"""What Pillow's decoders raise on files that are cut off, wrong or absurdly large."""


def photo_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels as stored, from the file's header alone.

    Raises InputError with a sentence when the file is missing, empty or no image.
    """
    with opened(path) as image:
        return image.size


def decode(path: Path, width: int, height: int, *, full: tuple[int, int]) -> np.ndarray:
    """The photo at `path` as [height, width, 3 or 4] float32 sRGB in [0, 1].

    `full` is the (width, height) that the photo's camera was calibrated for; a rotation in
    the EXIF data is honoured only where the photo has that shape with it and not without.
    A fourth channel is alpha and only kept where something is not opaque. Shrinks with an
    area filter for whole factors and a smooth antialiasing filter for others, in sRGB, as
    is the custom for benchmarks. Raises InputError with a sentence naming the file.
    """
    with opened(path) as image:
        return _pixels(image, path, width, height, _turn_to_fit(image, path, full))


def decode_upright(path: Path, width: int, height: int) -> np.ndarray:
    """The photo at `path` as `decode` gives it, turned as its EXIF orientation says.

    `width` and `height` are those of the upright photo, at any scale.
    """
    with opened(path) as image:
        return _pixels(image, path, width, height, TURNS.get(orientation_of(image)))


def _pixels(
    image: Image.Image, path: Path, width: int, height: int, turn: Image.Transpose | None
) -> np.ndarray:
    """[height, width, 3 or 4] float32 after `turn`."""
    stored = (height, width) if turn in _SWAPPING else (width, height)
    try:
        # JPEG decodes at 1/2, 1/4, 1/8 at a fraction of the cost; keep twice what is needed.
        image.draft(None, (2 * stored[0], 2 * stored[1]))
        image.load()
        pixels = resized(_in_known_mode(image), *stored)
    except PIL_ERRORS as error:
        raise damaged(path, error) from error
    if turn is not None:
        pixels = pixels.transpose(turn)
    array = np.asarray(pixels, dtype=np.float32)
    if pixels.mode == "F":
        return np.repeat(np.clip(array, 0.0, 1.0)[..., None], 3, axis=2)
    array = array / 255.0
    if array.shape[2] == 4 and array[..., 3].min() >= 1.0:
        array = np.ascontiguousarray(array[..., :3])
    return array


def damaged(path: Path, error: BaseException) -> InputError:
    """What to say of a file whose header is fine and whose pixels are not."""
    return InputError(
        f"{path} cannot be read to its end ({_reason(error)}); the file is damaged, copy it again"
    )


def opened(path: Path) -> Image.Image:
    """The file at `path` with its header read; raises InputError with a sentence naming it."""
    if path.suffix.lower() in _HEIF:
        _register_heif(path)
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
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        side = math.isqrt(most) // 1_000 * 1_000
        raise InputError(
            f"{path} has more than {most // 10**6} million pixels, too many unless it is scaled "
            f"down to {side:,}x{side:,} or fewer; do so in any image editor"
        ) from error
    except PIL_ERRORS as error:
        raise InputError(f"{path} cannot be opened: {_reason(error)}; check the file") from error


def _register_heif(path: Path) -> None:
    """Teach Pillow the format of iPhones, which it does not know by itself."""
    try:
        import pillow_heif  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(
            f"{path} is a HEIC photo: run pip install pillow-heif to read those, or save them "
            "as JPEG"
        ) from error
    pillow_heif.register_heif_opener()


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _turn_to_fit(image: Image.Image, path: Path, full: tuple[int, int]) -> Image.Transpose | None:
    """The EXIF quarter turn that the photo needs to have the shape of its camera, if any."""
    width, height = image.size
    if same_shape(width, height, *full):
        return None
    orientation = orientation_of(image)
    if orientation in QUARTER_TURNS and same_shape(height, width, *full):
        return TURNS[orientation]
    raise InputError(
        f"{path} has {width}x{height} pixels, but its camera was calibrated for "
        f"{full[0]}x{full[1]}; use the photos that the cameras were computed from"
    )


def same_shape(width: int, height: int, full_width: int, full_height: int) -> bool:
    """Whether one is the other, resized, give or take the rounding of sizes."""
    scale = math.sqrt(width * height / (full_width * full_height))
    slack_x, slack_y = 2.0 + 0.005 * width, 2.0 + 0.005 * height
    return (
        abs(full_width * scale - width) <= slack_x and abs(full_height * scale - height) <= slack_y
    )


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, from 1 (upright) to 8; 1 where there is none."""
    try:
        return int(exif_of(image).get(ExifTags.Base.Orientation, 1))
    except (TypeError, ValueError):
        return 1


def exif_of(image: Image.Image) -> dict[int, Any]:
    """All EXIF tags by number, from the header alone.

    Nothing where there is no EXIF data, or broken data in a photo that is otherwise fine.
    """
    # Pillow would decode a whole PNG to see whether EXIF data comes behind the pixels.
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
        return {}
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except (*PIL_ERRORS, AttributeError):
        return {}


def has_alpha(image: Image.Image) -> bool:
    """Whether some pixels may be transparent."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _in_known_mode(image: Image.Image) -> Image.Image:
    """The photo as 8-bit RGB or RGBA, or as one float channel in [0, 1] where it is deeper."""
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.nan_to_num(np.asarray(image, dtype=np.float32))
        return Image.fromarray(deep if image.mode == "F" else deep / 65535.0)
    return image.convert("RGBA" if has_alpha(image) else "RGB")


def resized(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in another size; colours are weighed by alpha, so that none bleeds."""
    if image.size == (width, height):
        return image
    if image.width < width or image.height < height:
        return image.resize((width, height), Image.Resampling.BICUBIC)
    if image.width % width == 0 and image.height % height == 0:
        # One pass; `resize` rounds twice and so brightens by up to half a level.
        return image.reduce((image.width // width, image.height // height))
    return image.resize((width, height), Image.Resampling.HAMMING)
