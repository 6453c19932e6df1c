"""Attention maps taken out: all that was recorded as arrays, or one map as a picture."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from assets.errors import InputError
from assets.files import atomic_write
from engines.diffusion.capture import Capture

SUFFIXES = (".npz", ".png")
LEAST_PX = 512
"""A picture is enlarged by whole numbers until its longer side has at least this many pixels."""


def write_arrays(path: Path, capture: Capture, *, rows: int | None = None) -> None:
    """Everything in `capture` of its first `rows` samples as .npz, whole or not at all.

    One array [samples, heads, queries, keys] float32 for each call, layer and stage, named
    "call 3/block 1 self/softmax"; "calls" holds the calls, "t" the noise level of each, and
    "grid/block 1 self" the (rows, columns) of the queries. Raises InputError.
    """
    if not capture.kept:
        raise InputError("Nothing was recorded; draw with attention recorded, then save again")
    arrays: dict[str, np.ndarray] = {}
    levels: dict[int, float] = {}
    for item in capture.kept:
        levels[item.call] = item.t
        arrays[f"call {item.call}/{item.layer}/{item.stage}"] = item.values[:rows].numpy()
        arrays[f"grid/{item.layer}"] = np.array(item.grid)
    arrays["calls"] = np.array(list(levels), np.int64)
    arrays["t"] = np.array(list(levels.values()), np.float64)
    with atomic_write(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """[h, w, 3] uint8 as .png, enlarged without blur, whole or not at all. Raises InputError."""
    factor = max(1, -(-LEAST_PX // max(pixels.shape[:2])))
    buffer = io.BytesIO()
    Image.fromarray(enlarged(pixels, factor)).save(buffer, "png")
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Every pixel of [h, w, ...] as `factor` x `factor` of them."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
