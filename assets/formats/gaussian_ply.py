"""The `.ply` of Gaussian splatting, the form in which splats travel between programs.

One vertex a Gaussian with `x y z`, `f_dc_*`, `f_rest_*`, `opacity`, `scale_*` and `rot_*`, all
raw (before sigmoid, exponential and normalisation), as written by the reference code of
Kerbl et al. 2023. `f_rest_*` is channel by channel: all of red, then green, then blue.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.files import atomic_write
from assets.formats.ply_header import read_header
from assets.formats.ply_table import columns, read_tables
from assets.gaussians import GaussianCloud

REST_COUNTS = (0, 9, 24, 45)
"""Numbers of `f_rest_*` for SH degrees 0 to 3, three channels together."""

_POSITION = ["x", "y", "z"]
_NORMAL = ["nx", "ny", "nz"]
_BASE = ["f_dc_0", "f_dc_1", "f_dc_2"]
_SCALE = ["scale_0", "scale_1", "scale_2"]
_ROTATION = ["rot_0", "rot_1", "rot_2", "rot_3"]
_BLOCK_ROWS = 65536


def read_gaussian_ply(path: Path) -> GaussianCloud:
    """The Gaussians in the `.ply` at `path`, binary of either byte order or text.

    Properties may come in any order; unknown ones are ignored. Gaussians with values that
    are not finite, or with a zero quaternion, are left out and counted in the notes. Raises
    InputError with a sentence for anything that cannot be read.
    """
    path = Path(path)
    header = read_header(path)
    rest = rest_names(header.properties, path)
    required = [*_POSITION, *_BASE, "opacity", *_SCALE, *_ROTATION]
    missing = [name for name in required if name not in header.properties]
    if missing:
        raise InputError(
            f"{path.name} lacks {', '.join(missing)}; expected a Gaussian splat with "
            "positions, colours, opacities, scales and rotations"
        )
    table = read_tables(path, header, ("vertex",))["vertex"]
    count, each = len(table), len(rest) // 3
    sh = np.empty((count, 1 + each, 3), dtype=np.float32)
    sh[:, 0] = columns(table, _BASE)
    for channel in range(3 if rest else 0):
        sh[:, 1:, channel] = columns(table, rest[channel * each : (channel + 1) * each])
    return keep_finite(
        GaussianCloud(
            means=columns(table, _POSITION),
            quats=columns(table, _ROTATION),
            log_scales=columns(table, _SCALE),
            logit_opacities=columns(table, ["opacity"])[:, 0],
            sh=sh,
        ),
        path,
    )


def write_gaussian_ply(cloud: GaussianCloud, path: Path) -> None:
    """Write `cloud` as binary little-endian float32 with zero normals, whole or not at all.

    Raises InputError with a sentence when `path` cannot be written.
    """
    count, coefficients = cloud.sh.shape[:2]
    rest = [f"f_rest_{i}" for i in range(3 * (coefficients - 1))]
    names = [*_POSITION, *_NORMAL, *_BASE, *rest, "opacity", *_SCALE, *_ROTATION]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property float {name}" for name in names]
    with atomic_write(path) as file:
        file.write(("\n".join([*lines, "end_header"]) + "\n").encode("ascii"))
        for start in range(0, count, _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            means = cloud.means[rows]
            block = np.concatenate(
                [
                    means,
                    np.zeros_like(means),
                    cloud.sh[rows, 0],
                    cloud.sh[rows, 1:].transpose(0, 2, 1).reshape(len(means), -1),
                    cloud.logit_opacities[rows, None],
                    cloud.log_scales[rows],
                    cloud.quats[rows],
                ],
                axis=1,
            )
            file.write(block.astype("<f4", copy=False).data)


def rest_names(names: tuple[str, ...], path: Path) -> list[str]:
    """The `f_rest_*` among `names` in numeric order; InputError unless 0, 9, 24 or 45."""
    found = {name for name in names if name.startswith("f_rest_")}
    expected = [f"f_rest_{i}" for i in range(len(found))]
    if len(found) not in REST_COUNTS or found != set(expected):
        raise InputError(
            f"{path.name} has {len(found)} properties f_rest_*; expected f_rest_0 onwards, "
            "0, 9, 24 or 45 of them for spherical harmonics of degree 0 to 3"
        )
    return expected


def keep_finite(cloud: GaussianCloud, path: Path) -> GaussianCloud:
    """`cloud` without Gaussians that cannot be drawn, which are counted in its notes.

    Raises InputError when none is left.
    """
    if len(cloud) == 0:
        raise InputError(f"{path.name} holds no Gaussians")
    good = np.isfinite(cloud.means).all(axis=1) & np.isfinite(cloud.quats).all(axis=1)
    good &= np.isfinite(cloud.log_scales).all(axis=1) & np.isfinite(cloud.logit_opacities)
    good &= np.isfinite(cloud.sh).all(axis=(1, 2)) & (np.abs(cloud.quats).max(axis=1) > 0)
    bad = len(cloud) - int(good.sum())
    if bad == 0:
        return cloud
    if bad == len(cloud):
        raise InputError(f"None of the {bad} Gaussians in {path.name} has finite values")
    note = f"{bad} of {len(cloud)} Gaussians in {path.name} were left out: not finite"
    return replace(cloud.selected(good), notes=(*cloud.notes, note))
