"""SuperSplat's `.compressed.ply`: about 16 bytes a Gaussian, in chunks that share their ranges.

Layout as published by PlayCanvas ("Compressing Gaussian Splats", 2024): every 256 vertices
share one row of `chunk` with the least and greatest position, log scale and (newer files)
colour. A vertex is four 32-bit words. `sh`, where present, has one byte per `f_rest_*`.
"""

from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.formats.gaussian_ply import keep_finite, rest_names
from assets.formats.ply_header import PlyElement, PlyHeader, read_header
from assets.formats.ply_table import columns, read_tables
from assets.gaussians import SH_C0, GaussianCloud

CHUNK_ROWS = 256
SH_RANGE = 8.0
"""Bytes of `sh` span the values -4 to 4."""

_WORDS = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_POSITION_STEPS = np.array([2047, 1023, 2047], dtype=np.float32)
_QUAT_ORDERS = np.array([[0, 1, 2, 3], [1, 0, 2, 3], [2, 0, 1, 3], [3, 0, 1, 2]])
"""Places in wxyz of (the largest, a, b, c) for each value of the two top bits."""


def read_compressed_ply(path: Path) -> GaussianCloud:
    """The Gaussians in the compressed `.ply` at `path`, unpacked.

    Raises InputError with a sentence for anything that cannot be read.
    """
    path = Path(path)
    header = read_header(path)
    chunk, vertex = _checked(header, path)
    tables = read_tables(path, header, ("chunk", "vertex", "sh"))
    chunks, words = tables["chunk"], tables["vertex"]
    of = np.arange(vertex.count) // CHUNK_ROWS

    means = _between(chunks, of, "{}_x {}_y {}_z", _unpack_11_10_11(words["packed_position"]))
    scales = _between(
        chunks, of, "{}_scale_x {}_scale_y {}_scale_z", _unpack_11_10_11(words["packed_scale"])
    )
    rgba = _unpack_8888(words["packed_color"])
    rgb = rgba[:, :3]
    if "min_r" in chunk.names:
        rgb = _between(chunks, of, "{}_r {}_g {}_b", rgb)
    base = (rgb - 0.5) / SH_C0
    higher = _higher_sh(tables.get("sh"), header, path)
    # A byte cannot tell 1 from almost 1: half a step keeps the logit finite.
    alpha = np.clip(rgba[:, 3], 0.5 / 255, 1 - 0.5 / 255)
    return keep_finite(
        GaussianCloud(
            means=means,
            quats=_unpack_rotation(words["packed_rotation"]),
            log_scales=scales,
            logit_opacities=np.log(alpha / (1 - alpha)),
            sh=np.concatenate([base[:, None, :], higher], axis=1),
        ),
        path,
    )


def _checked(header: PlyHeader, path: Path) -> tuple[PlyElement, PlyElement]:
    chunk, vertex, sh = (header.element(name) for name in ("chunk", "vertex", "sh"))
    if chunk is None or vertex is None or not set(_WORDS) <= set(vertex.names):
        raise InputError(
            f'{path.name} is not a compressed splat: expected "chunk" rows and vertices with '
            f"{', '.join(_WORDS)}"
        )
    ranges = [f"{end}_{axis}" for end in ("min", "max") for axis in ("x", "y", "z")]
    ranges += [f"{end}_scale_{axis}" for end in ("min", "max") for axis in ("x", "y", "z")]
    if any(name in chunk.names for name in ("min_r", "max_b")):
        ranges += [f"{end}_{channel}" for end in ("min", "max") for channel in "rgb"]
    missing = [name for name in ranges if name not in chunk.names]
    if missing:
        raise InputError(f"The chunks of {path.name} lack {', '.join(missing)}")
    if chunk.count * CHUNK_ROWS < vertex.count:
        raise InputError(
            f"{path.name} has {chunk.count} chunks of {CHUNK_ROWS} for {vertex.count} Gaussians; "
            "the file is broken"
        )
    if sh is not None and sh.count != vertex.count:
        raise InputError(
            f'{path.name} has {sh.count} rows of "sh" for {vertex.count} Gaussians; '
            "the file is broken"
        )
    return chunk, vertex


def _between(chunks: np.ndarray, of: np.ndarray, names: str, share: np.ndarray) -> np.ndarray:
    """[n, 3] float32 at `share` of the way from least to greatest of each row's chunk."""
    least = columns(chunks, [name.format("min") for name in names.split()])
    greatest = columns(chunks, [name.format("max") for name in names.split()])
    with np.errstate(over="ignore", invalid="ignore"):
        return least[of] * (1 - share) + greatest[of] * share


def _unpack_11_10_11(words: np.ndarray) -> np.ndarray:
    """[n, 3] float32 in [0, 1]: 11, 10 and 11 bits from the top."""
    words = _as_bits(words)
    parts = (words >> 21, (words >> 11) & 1023, words & 2047)
    return np.stack(parts, axis=1).astype(np.float32) / _POSITION_STEPS


def _unpack_8888(words: np.ndarray) -> np.ndarray:
    """[n, 4] float32 in [0, 1]: red in the top byte, opacity in the lowest."""
    words = _as_bits(words)
    parts = [(words >> shift) & 255 for shift in (24, 16, 8, 0)]
    return np.stack(parts, axis=1).astype(np.float32) / np.float32(255)


def _unpack_rotation(words: np.ndarray) -> np.ndarray:
    """[n, 4] float32 unit wxyz: which component is largest, then the three others.

    The three lie within ±1/sqrt(2), ten bits each; the largest is what is left of length 1.
    """
    words = _as_bits(words)
    parts = np.stack([(words >> shift) & 1023 for shift in (20, 10, 0)], axis=1)
    small = (parts.astype(np.float32) / np.float32(1023) - np.float32(0.5)) * np.float32(2**0.5)
    largest = np.sqrt(np.maximum(1 - np.square(small).sum(axis=1, keepdims=True), 0))
    quats = np.empty((len(words), 4), dtype=np.float32)
    order = _QUAT_ORDERS[words >> 30]
    np.put_along_axis(quats, order, np.concatenate([largest, small], axis=1), axis=1)
    return quats


def _higher_sh(table: np.ndarray | None, header: PlyHeader, path: Path) -> np.ndarray:
    """[n, k - 1, 3] float32; a byte stands for the middle of its 1/256 of the range."""
    sh, vertex = header.element("sh"), header.element("vertex")
    count = vertex.count if vertex else 0
    if table is None or sh is None:
        return np.zeros((count, 0, 3), dtype=np.float32)
    names = rest_names(sh.names, path)
    if not names:
        return np.zeros((count, 0, 3), dtype=np.float32)
    values = columns(table, names)
    share = np.where(values <= 0, 0, np.where(values >= 255, 1, (values + 0.5) / 256))
    higher = ((share - 0.5) * SH_RANGE).astype(np.float32)
    return higher.reshape(count, 3, -1).transpose(0, 2, 1)


def _as_bits(words: np.ndarray) -> np.ndarray:
    """Native uint32 from whatever type and byte order the file has."""
    return words.astype(np.int64).astype(np.uint32)
