"""Attention maps taken out: all that was recorded as arrays, or one map as a picture."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.files import atomic_write
from engines.diffusion.capture import Capture
from engines.diffusion.labelled import Labelled, composed

SUFFIXES = (".npz", ".png")


def write_arrays(
    path: Path,
    capture: Capture,
    *,
    rows: int | None = None,
    places: np.ndarray | None = None,
) -> None:
    """Everything in `capture` of its first `rows` samples as .npz, whole or not at all.

    One array [samples, heads, queries, keys] float32 for each call, layer and stage, named
    "call 3/block 1 self/softmax"; "calls" holds the calls, "t" the noise level of each, and
    "grid/block 1 self" the (rows, columns) of the queries. Those of "block 1 joint", and its keys,
    are the places of that grid, row by row, then the words, then padding. `places`
    [rows, columns, rows, columns] are kept under that name, see `placing`. Raises InputError.
    """
    if not capture.kept:
        raise InputError("Nothing was recorded; draw with attention recorded, then save again")
    arrays: dict[str, np.ndarray] = {}
    levels: dict[int, float] = {}
    for item in capture.kept:
        levels[item.call] = item.t
        arrays[f"call {item.call}/{item.layer}/{item.stage}"] = item.values[:rows].numpy()
        arrays[f"grid/{item.layer}"] = np.array(item.grid)
    if places is not None:
        arrays["places"] = places
    arrays["calls"] = np.array(list(levels), np.int64)
    arrays["t"] = np.array(list(levels.values()), np.float64)
    with atomic_write(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def write_pictures(path: Path, pictures: Sequence[Labelled], heading: str) -> None:
    """Some pictures of one size side by side as .png, with what they show written beside them.

    Written whole or not at all; raises InputError.
    """
    if not pictures:
        raise InputError("There is no map to save; choose one first")
    buffer = io.BytesIO()
    composed(pictures, heading).save(buffer, "png")
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def write_maps(
    path: Path,
    capture: Capture,
    *,
    rows: int | None,
    places: np.ndarray | None = None,
    pictures: Sequence[Labelled],
    heading: str,
) -> None:
    """Arrays, or pictures below `heading`, as the end of `path` says.

    Raises InputError for any other end.
    """
    match path.suffix.lower():
        case ".npz":
            write_arrays(path, capture, rows=rows, places=places)
        case ".png":
            write_pictures(path, pictures, heading)
        case _:
            raise InputError(
                f"{path.name} cannot be written: the format is told by the name's end, so use one "
                f"of {', '.join(SUFFIXES)}"
            )
