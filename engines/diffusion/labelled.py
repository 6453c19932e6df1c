"""Pictures side by side with words above and below, so that a file says by itself what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LEAST_PX = 384
"""A picture is enlarged by whole numbers until its longer side has at least this many pixels."""
GAP_PX, GROUND = 8, 24
INK, QUIET = (240, 240, 240), (190, 190, 190)
TEXT_PX, LINE_PX = 17, 24
MOST_COLUMNS = 4
_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "Arial Unicode.ttf"),
    *("Arial.ttf", "arial.ttf"),
)
"""Found by their names on most machines; Pillow's own has Latin letters alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """One picture and what stands below it."""

    pixels: np.ndarray
    """[h, w, 3] uint8."""
    words: str = ""


def composed(pictures: Sequence[Labelled], heading: str = "") -> Image.Image:
    """`pictures`, all of one size, in rows below `heading`, enlarged without blur.

    The heading goes on in further lines; words below a picture end in an ellipsis where they
    are wider than it. Raises ValueError where there is no picture.
    """
    if not pictures:
        raise ValueError("There is no picture to be labelled")
    height, width = pictures[0].pixels.shape[:2]
    factor = max(1, -(-LEAST_PX // max(height, width)))
    wide, high = factor * width, factor * height
    columns = min(len(pictures), MOST_COLUMNS)
    whole = columns * (wide + GAP_PX) + GAP_PX
    lines = _wrapped(heading, whole - 2 * GAP_PX)
    top = GAP_PX + LINE_PX * len(lines) + (GAP_PX // 2 if lines else 0)
    below = LINE_PX if any(picture.words for picture in pictures) else 0
    pitch = high + below + GAP_PX
    size = (whole, top + pitch * -(-len(pictures) // columns))
    sheet = Image.new("RGB", size, (GROUND, GROUND, GROUND))
    draw, font = ImageDraw.Draw(sheet), _font()
    for row, line in enumerate(lines):
        draw.text((GAP_PX, GAP_PX + LINE_PX * row), line, fill=INK, font=font)
    for place, picture in enumerate(pictures):
        down, across = divmod(place, columns)
        left, upper = GAP_PX + across * (wide + GAP_PX), top + down * pitch
        sheet.paste(Image.fromarray(enlarged(picture.pixels, factor)), (left, upper))
        words = _elided(picture.words, wide)
        draw.text((left, upper + high + 3), words, fill=QUIET, font=font)
    return sheet


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Every pixel of [h, w, ...] as `factor` x `factor` of them."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels; a longer word is cut off."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _font().getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_elided(word, width))
    return lines


def _elided(text: str, width: int) -> str:
    if _font().getlength(text) <= width:
        return text
    while text and _font().getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, TEXT_PX)
        except OSError:
            continue
    return ImageFont.load_default(TEXT_PX)
