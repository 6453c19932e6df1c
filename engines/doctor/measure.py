"""What is measured of one photo, from a small copy of it, in a few milliseconds."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from assets.colour import srgb_to_linear
from assets.photos import Photo
from engines.doctor.finding import Measured

LOOKED_AT_PX = 480
"""Longer side at which photos are measured; smaller ones are measured as they are."""
_PRINT = 96
_GIST = 16
_CELL = 4
"""Side of the cells whose means are compared for coarse detail, in pixels."""
_BLACK, _WHITE = 0.02, 0.99
_SEEN = 0.02
"""Steps of luma between cells from here on are something that can be seen."""
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_DARKEST = 1e-4


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """One photo as the doctor remembers it."""

    measured: Measured
    stops: float
    """Mean of the light (of the luma, linear) as a power of two; one stop of exposure is 1."""
    white: float
    """Share of pixels that are white through and through."""
    texture: float
    """Share of the photo that has something on it."""
    fingerprint: np.ndarray
    """[n] float16 of length 1: fine structure, equal in copies of a photo at any size."""
    gist: np.ndarray
    """[m] float32 of length 1: rough structure, alike in photos of the same things."""


def look_at(photo: Photo) -> Look:
    """Measure one photo; raises InputError where its file is broken."""
    scale = min(1.0, LOOKED_AT_PX / max(photo.width, photo.height))
    pixels = photo.load(max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    seen = np.ones(pixels.shape[:2], dtype=bool)
    if pixels.shape[2] == 4:
        seen = pixels[..., 3] > 0.99
        pixels = pixels[..., :3]
    if not seen.any():
        return _nothing()
    red, green, blue = (pixels[..., i] for i in range(3))
    luma = pixels @ _LUMA
    kept = luma[seen]
    darkest = np.minimum(np.minimum(red, green), blue)[seen]
    lightest = np.maximum(np.maximum(red, green), blue)[seen]
    white = float((darkest >= _WHITE).mean())
    black = float((lightest <= _BLACK).mean())
    luminance = float(srgb_to_linear(kept).mean())
    whole = np.where(seen, luma, kept.mean())
    small = np.asarray(
        Image.fromarray(whole.astype(np.float32)).resize((_PRINT, _PRINT), Image.Resampling.BOX)
    )
    cells, cells_seen = _cells(luma, seen)
    return Look(
        measured=Measured(
            sharpness=_sharpness(luma, seen, cells, cells_seen),
            brightness=float(kept.mean()),
            clipped=white + black,
        ),
        stops=float(np.log2(max(luminance, _DARKEST))),
        white=white,
        texture=_texture(cells, cells_seen),
        fingerprint=_normalised(small - _blurred(small)).astype(np.float16),
        gist=_normalised(_shrunk(small, _PRINT // _GIST)),
    )


def _nothing() -> Look:
    """Of a photo that is transparent throughout."""
    return Look(
        measured=Measured(sharpness=0.0, brightness=0.0, clipped=0.0),
        stops=float(np.log2(_DARKEST)),
        white=0.0,
        texture=0.0,
        fingerprint=np.zeros(_PRINT * _PRINT, dtype=np.float16),
        gist=np.zeros(_GIST * _GIST, dtype=np.float32),
    )


def _sharpness(
    luma: np.ndarray, seen: np.ndarray, cells: np.ndarray, cells_seen: np.ndarray
) -> float:
    """How steep edges are for what they are: about 1 where they are one pixel wide.

    The strength of steps between pixels over that of steps between cells of pixels, in the
    direction where it is smallest, for motion blurs in one direction only. Fourth powers let
    strong edges count and leave noise and faint texture out, so that it says little about
    what is on the photo.
    """
    ratios = []
    for fine, coarse in zip(_steps(luma, seen), _steps(cells, cells_seen), strict=True):
        if coarse.size == 0 or (below := _fourth_powers(coarse)) < 1e-12:
            return 0.0
        ratios.append(_fourth_powers(fine) / below)
    return float(np.sqrt(min(ratios)))


def _fourth_powers(values: np.ndarray) -> float:
    """Their mean."""
    squares = values * values
    return float(np.vdot(squares, squares)) / values.size


def _steps(luma: np.ndarray, seen: np.ndarray) -> list[np.ndarray]:
    """[k] differences of neighbours along both axes and both diagonals where both are seen."""
    pairs = [
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[1:, 1:], np.s_[:-1, :-1]),
        (np.s_[1:, :-1], np.s_[:-1, 1:]),
    ]
    if seen.all():
        return [(luma[a] - luma[b]).ravel() for a, b in pairs]
    return [(luma[a] - luma[b])[seen[a] & seen[b]] for a, b in pairs]


def _texture(cells: np.ndarray, seen: np.ndarray) -> float:
    if min(cells.shape) < 2:
        return 0.0
    across = np.abs(np.diff(cells, axis=1))[:-1] * (seen[:-1, 1:] & seen[:-1, :-1])
    down = np.abs(np.diff(cells, axis=0))[:, :-1] * (seen[1:, :-1] & seen[:-1, :-1])
    return float((np.maximum(across, down) > _SEEN).mean())


def _cells(luma: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of cells, and which cells are seen in full."""
    return _shrunk(luma, _CELL), _shrunk(seen.astype(np.float32), _CELL) > 0.999


def _shrunk(values: np.ndarray, factor: int) -> np.ndarray:
    height, width = (side // factor for side in values.shape)
    cut = values[: height * factor, : width * factor]
    return cut.reshape(height, factor, width, factor).mean(axis=(1, 3))


def _blurred(values: np.ndarray) -> np.ndarray:
    """Means over 5 x 5 values."""
    for axis in (0, 1):
        padded = np.pad(values, [(2, 2) if k == axis else (0, 0) for k in (0, 1)], mode="edge")
        values = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=axis).mean(axis=-1)
    return values


def _normalised(values: np.ndarray) -> np.ndarray:
    """Flat, with mean 0 and length 1; zeros where there is nothing."""
    flat = (values - values.mean()).ravel()
    length = float(np.linalg.norm(flat))
    return flat / length if length > 1e-4 else np.zeros_like(flat)
