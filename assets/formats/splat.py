"""The `.splat` of web viewers: 32 bytes a Gaussian, no header, no view-dependent colour.

Layout (antimatter15/splat): three float32 position, three float32 standard deviations, four
bytes RGB and opacity, four bytes wxyz quaternion as 128 + 128 q; all little-endian.
"""

from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.files import atomic_write
from assets.formats.gaussian_ply import keep_finite
from assets.gaussians import SH_C0, GaussianCloud

ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])
_BLOCK_ROWS = 65536


def read_splat(path: Path) -> GaussianCloud:
    """The Gaussians in the `.splat` at `path`, with SH degree 0.

    Raises InputError with a sentence when the file cannot be read or its size is not a
    multiple of 32 bytes.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if not data:
        raise InputError(f"{path.name} is empty; expected 32 bytes for each Gaussian")
    if len(data) % ROW.itemsize:
        raise InputError(
            f"{path.name} is cut off or not a .splat file: its {len(data)} bytes are not a "
            "multiple of 32"
        )
    rows = np.frombuffer(data, dtype=ROW)
    rgba = rows["rgba"].astype(np.float32) / np.float32(255)
    alpha = np.clip(rgba[:, 3], 0.5 / 255, 1 - 0.5 / 255)
    quats = (rows["quat"].astype(np.float32) - 128) / 128
    lengths = np.linalg.norm(quats, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_scales = np.log(rows["scale"])
    return keep_finite(
        GaussianCloud(
            means=rows["mean"].astype(np.float32),
            quats=quats / np.maximum(lengths, 1e-12),
            log_scales=log_scales.astype(np.float32),
            logit_opacities=np.log(alpha / (1 - alpha)),
            sh=((rgba[:, None, :3] - 0.5) / SH_C0).astype(np.float32),
        ),
        path,
    )


def write_splat(cloud: GaussianCloud, path: Path) -> None:
    """Write `cloud` as `.splat`, most important first, whole or not at all.

    Importance is volume times opacity, so that viewers can draw while they load. What the
    format cannot hold is lost: view-dependent colour, and all but 8 bits of colour, opacity
    and rotation. Raises InputError with a sentence when `path` cannot be written.
    """
    importance = cloud.log_scales.sum(axis=1, dtype=np.float64) - np.logaddexp(
        0.0, -cloud.logit_opacities.astype(np.float64)
    )
    order = np.argsort(-importance, kind="stable")
    with atomic_write(path) as file:
        for start in range(0, len(cloud), _BLOCK_ROWS):
            file.write(_pack(cloud.selected(order[start : start + _BLOCK_ROWS])).tobytes())


def _pack(cloud: GaussianCloud) -> np.ndarray:
    rows = np.empty(len(cloud), dtype=ROW)
    rows["mean"] = cloud.means
    limits = np.finfo(np.float32)
    scales = np.exp(cloud.log_scales.astype(np.float64))
    rows["scale"] = np.clip(scales, limits.smallest_normal, limits.max)
    opacities = np.exp(-np.logaddexp(0.0, -cloud.logit_opacities.astype(np.float64)))
    rows["rgba"][:, :3] = _to_bytes(cloud.base_colours * 255)
    rows["rgba"][:, 3] = _to_bytes(opacities * 255)
    quats = cloud.quats.astype(np.float64)
    # q and -q are one rotation; a positive w is the custom and 255 stands for at most 127/128.
    quats = np.where(quats[:, :1] < 0, -quats, quats)
    lengths = np.linalg.norm(quats, axis=1, keepdims=True)
    rows["quat"] = _to_bytes(quats / np.maximum(lengths, 1e-30) * 128 + 128)
    return rows


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
