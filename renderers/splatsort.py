"""Gaussians made ready for drawing: the ones in view, back to front, coloured for the eye.

Everything here runs in a worker thread on plain arrays; nothing touches OpenGL.
"""

from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from renderers.colours import colours_seen_from

DIMMEST = 1.0 / 255.0
"""Alpha below which a Gaussian leaves no trace."""
MARGIN = 0.25
"""Gaussians this far (in image sizes) outside the view are kept: the camera may turn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedCloud:
    """What does not depend on the view; non-finite and invisible Gaussians are left out."""

    means: np.ndarray
    """[m, 3] float32."""
    covariances: np.ndarray
    """[m, 6] float32: xx, xy, xz, yy, yz, zz."""
    opacities: np.ndarray
    """[m] float32."""
    quats: np.ndarray
    """[m, 4] float32 wxyz of unit length."""
    scales: np.ndarray
    """[m, 3] float32 standard deviations."""
    sh: np.ndarray
    """[m, k, 3] float32."""
    source: np.ndarray
    """[m] index of each in the cloud it came from."""

    def __len__(self) -> int:
        return len(self.means)


@dataclass(frozen=True, eq=False, kw_only=True)
class SplatBatch:
    """One view's instances, farthest first, with the cost of drawing them."""

    mean_opacity: np.ndarray
    """[m, 4] float32."""
    shape_a: np.ndarray
    """[m, 3] float32: covariance xx, xy, xz; for ellipsoids the standard deviations."""
    shape_b: np.ndarray
    """[m, 4] float32: covariance yy, yz, zz and 0; for ellipsoids the quaternion wxyz."""
    colour: np.ndarray
    """[m, 3] float32 sRGB."""
    pixels: np.ndarray
    """[m + 1] float64: fragments of all Gaussians before each, on the camera's full target."""
    beyond: int
    """How many lie on the far side of the grid's plane; they come first."""
    depth_range: tuple[float, float]
    """Depths between which nearly all of what is in view lies."""
    ellipsoids: bool
    """Whether the shapes are those of ellipsoids."""

    def __len__(self) -> int:
        return len(self.mean_opacity)


def prepared(cloud: GaussianCloud) -> PreparedCloud:
    """The drawable part of `cloud`."""
    with np.errstate(over="ignore", invalid="ignore"):
        scales = cloud.scales
        opacities = cloud.opacities
        norms = np.linalg.norm(cloud.quats, axis=1)
        numbers = np.column_stack([cloud.means, scales**2, cloud.sh[:, 0]]).sum(axis=1)
        extra = cloud.sh[:, 1:].sum(axis=(1, 2))
        keep = (norms > 1e-12) & np.isfinite(norms + numbers + extra) & (opacities >= DIMMEST)
    source = np.flatnonzero(keep)
    quats = (cloud.quats[source] / norms[source, None]).astype(np.float32)
    scales = scales[source].astype(np.float32)
    return PreparedCloud(
        means=np.ascontiguousarray(cloud.means[source], dtype=np.float32),
        covariances=_covariances(quats, scales),
        opacities=opacities[source].astype(np.float32),
        quats=quats,
        scales=scales,
        sh=np.ascontiguousarray(cloud.sh[source], dtype=np.float32),
        source=source,
    )


def sorted_batch(
    cloud: PreparedCloud,
    camera: Camera,
    *,
    near: float,
    ellipsoids: bool = False,
    plane: tuple[np.ndarray, float] | None = None,
) -> SplatBatch:
    """Instances of `cloud` for `camera`, farthest first.

    With `plane` (unit normal, offset along it), all Gaussians beyond the plane as seen
    from the eye come before all on its near side: something flat drawn between the two
    is then blended where it belongs.
    """
    view = camera.world_to_camera.astype(np.float32)
    local = cloud.means @ view[:3, :3].T + view[:3, 3]
    depth = local[:, 2]
    reach = 3.4 * cloud.scales.max(axis=1, initial=0.0)
    keep = depth > near
    for axis, focal, principal, size in (
        (0, camera.fx, camera.cx, camera.width),
        (1, camera.fy, camera.cy, camera.height),
    ):
        low = depth * (-(principal + MARGIN * size) / focal)
        high = depth * ((size - principal + MARGIN * size) / focal)
        # The slanted sides of the view's pyramid are farther than the distance along the axis.
        slack = reach * np.float32(np.hypot(1.0, (1.0 + MARGIN) * size / focal))
        keep &= (local[:, axis] > low - slack) & (local[:, axis] < high + slack)
    index = np.flatnonzero(keep)
    order = index[np.argsort(-depth[index], kind="stable")]
    beyond = len(order)
    if plane is not None:
        normal, offset = plane
        side = float(camera.centre @ normal) - offset
        far_side = (cloud.means[order] @ normal.astype(np.float32) - offset) * side < 0.0
        order = np.concatenate([order[far_side], order[~far_side]])
        beyond = int(far_side.sum())

    means, opacities, depth = cloud.means[order], cloud.opacities[order], depth[order]
    if ellipsoids:
        shape_a, shape_b = cloud.scales[order], cloud.quats[order]
    else:
        covariances = cloud.covariances[order]
        shape_a = np.ascontiguousarray(covariances[:, :3])
        shape_b = np.zeros((len(order), 4), dtype=np.float32)
        shape_b[:, :3] = covariances[:, 3:]
    return SplatBatch(
        mean_opacity=np.column_stack([means, opacities]),
        shape_a=shape_a,
        shape_b=shape_b,
        colour=colours_seen_from(cloud.sh[order], means, camera.centre),
        pixels=_fragments(cloud.scales[order], opacities, depth, camera),
        beyond=beyond,
        depth_range=_depth_range(depth),
        ellipsoids=ellipsoids,
    )


def _covariances(quats: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """[n, 6] upper triangles of R S S R^T."""
    w, x, y, z = quats.T
    rotation = np.empty((len(quats), 3, 3), dtype=np.float32)
    rotation[:, 0, 0] = 1.0 - 2.0 * (y * y + z * z)
    rotation[:, 0, 1] = 2.0 * (x * y - w * z)
    rotation[:, 0, 2] = 2.0 * (x * z + w * y)
    rotation[:, 1, 0] = 2.0 * (x * y + w * z)
    rotation[:, 1, 1] = 1.0 - 2.0 * (x * x + z * z)
    rotation[:, 1, 2] = 2.0 * (y * z - w * x)
    rotation[:, 2, 0] = 2.0 * (x * z - w * y)
    rotation[:, 2, 1] = 2.0 * (y * z + w * x)
    rotation[:, 2, 2] = 1.0 - 2.0 * (x * x + y * y)
    rotation *= scales[:, None, :]
    rows = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    packed = [np.einsum("nk,nk->n", rotation[:, i], rotation[:, j]) for i, j in rows]
    return np.stack(packed, axis=1)


def _fragments(
    scales: np.ndarray, opacities: np.ndarray, depth: np.ndarray, camera: Camera
) -> np.ndarray:
    """[n + 1] cumulative, generous count of the fragments of each Gaussian's quad."""
    focal = np.float32(max(camera.fx, camera.fy)) / np.maximum(depth, 1e-12)
    extent = 8.0 * np.log(np.maximum(255.0 * opacities, 1.0))
    smallest = scales.min(axis=1, initial=np.inf)
    largest = scales.max(axis=1, initial=0.0)
    middle = scales.sum(axis=1) - smallest - largest
    area = extent * (largest * focal + 0.55) * (middle * focal + 0.55)
    total = np.zeros(len(scales) + 1)
    np.cumsum(np.minimum(area, camera.width * camera.height), out=total[1:])
    return total


def _depth_range(depth: np.ndarray) -> tuple[float, float]:
    if len(depth) == 0:
        return 0.0, 1.0
    low, high = np.percentile(depth[:: max(1, len(depth) // 20_000)], (2.0, 98.0))
    return float(low), float(max(high, low * (1.0 + 1e-6) + 1e-9))
