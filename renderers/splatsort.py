"""Gaussians made ready for drawing: the ones in view, back to front, coloured for the eye.

Everything here runs in a worker thread on plain arrays; nothing touches OpenGL.
"""

from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from kernels.depthsort import depth_order
from kernels.sphericalharmonics import colours_of_view

DIMMEST = 1.0 / 255.0
"""Alpha below which a Gaussian leaves no trace."""
MARGIN = 0.25
"""Gaussians this far (in image sizes) outside the view are kept: the camera may turn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedCloud:
    """What does not depend on the view; non-finite and invisible Gaussians are left out."""

    mean_opacity: np.ndarray
    """[m, 4] float32."""
    covariance_a: np.ndarray
    """[m, 3] float32: xx, xy, xz."""
    covariance_b: np.ndarray
    """[m, 4] float32: yy, yz, zz, 0."""
    quats: np.ndarray
    """[m, 4] float32 wxyz of unit length."""
    scales: np.ndarray
    """[m, 3] float32 standard deviations."""
    longest: np.ndarray
    """[m] float32, the largest standard deviation."""
    middle: np.ndarray
    """[m] float32, the second largest."""
    sh: np.ndarray
    """[m, k, 3] float32."""
    source: np.ndarray
    """[m] index of each in the cloud it came from."""

    def __len__(self) -> int:
        return len(self.mean_opacity)

    @property
    def means(self) -> np.ndarray:
        """[m, 3] float32."""
        return self.mean_opacity[:, :3]

    @property
    def opacities(self) -> np.ndarray:
        """[m] float32."""
        return self.mean_opacity[:, 3]


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

    @property
    def middle_depth(self) -> float:
        """A depth that stands for all, greater than 0."""
        low, high = self.depth_range
        return max(float(np.sqrt(max(low, 0.0) * high)), 1e-9)


def prepared(cloud: GaussianCloud) -> PreparedCloud:
    """The drawable part of `cloud`."""
    with np.errstate(over="ignore", invalid="ignore"):
        scales = cloud.scales
        opacities = cloud.opacities
        norms = np.linalg.norm(cloud.quats, axis=1)
        # One sum is finite only if all its parts are.
        numbers = norms + cloud.means.sum(axis=1) + (scales**2).sum(axis=1)
        numbers = numbers + cloud.sh.sum(axis=(1, 2))
        keep = (norms > 1e-12) & np.isfinite(numbers) & (opacities >= DIMMEST)
    source = np.flatnonzero(keep)
    quats = (cloud.quats[source] / norms[source, None]).astype(np.float32)
    scales = scales[source].astype(np.float32)
    by_size = np.sort(scales, axis=1)
    covariances = _covariances(quats, scales)
    return PreparedCloud(
        mean_opacity=np.column_stack([cloud.means[source], opacities[source]]).astype(np.float32),
        covariance_a=np.ascontiguousarray(covariances[:, :3]),
        covariance_b=np.pad(covariances[:, 3:], ((0, 0), (0, 1))),
        quats=quats,
        scales=scales,
        longest=np.ascontiguousarray(by_size[:, 2]),
        middle=np.ascontiguousarray(by_size[:, 1]),
        sh=np.ascontiguousarray(cloud.sh[source], dtype=np.float32),
        source=source,
    )


def draft(cloud: PreparedCloud, limit: int) -> PreparedCloud:
    """At most `limit` Gaussians that make up most of the picture, grown a little to fill gaps."""
    if len(cloud) <= limit:
        return cloud
    weight = cloud.opacities * cloud.longest * cloud.middle
    kept = np.sort(np.argpartition(weight, -limit)[-limit:])
    missing = float(weight.sum(dtype=np.float64) / max(weight[kept].sum(dtype=np.float64), 1e-30))
    growth = np.float32(min(np.sqrt(missing), 1.5))
    return PreparedCloud(
        mean_opacity=cloud.mean_opacity[kept],
        covariance_a=cloud.covariance_a[kept] * growth**2,
        covariance_b=cloud.covariance_b[kept] * growth**2,
        quats=cloud.quats[kept],
        scales=cloud.scales[kept] * growth,
        longest=cloud.longest[kept] * growth,
        middle=cloud.middle[kept] * growth,
        sh=cloud.sh[kept],
        source=cloud.source[kept],
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
    depth = cloud.means @ view[2, :3] + view[2, 3]
    keep = depth > near
    reach = 3.4 * cloud.longest
    for axis, focal, principal, size in (
        (0, camera.fx, camera.cx, camera.width),
        (1, camera.fy, camera.cy, camera.height),
    ):
        # The slanted sides of the view's pyramid are farther than the distance along the axis.
        slack = reach * np.float32(np.hypot(1.0, (1.0 + MARGIN) * size / focal))
        along = cloud.means @ view[axis, :3] + view[axis, 3]
        keep &= along + slack > depth * np.float32(-(principal + MARGIN * size) / focal)
        keep &= along - slack < depth * np.float32((size - principal + MARGIN * size) / focal)
    index = np.flatnonzero(keep)
    depth = depth[index]
    by_depth = depth_order(depth)
    order, depth = index[by_depth], depth[by_depth]
    beyond = len(order)
    if plane is not None:
        normal, offset = plane
        side = float(camera.centre @ normal) - offset
        far_side = ((cloud.means @ normal.astype(np.float32))[order] - offset) * side < 0.0
        parted = np.concatenate([np.flatnonzero(far_side), np.flatnonzero(~far_side)])
        order, depth = order[parted], depth[parted]
        beyond = int(far_side.sum())
    colours = colours_of_view(cloud.sh, cloud.means, camera.centre)
    shape_a, shape_b = (
        (cloud.scales, cloud.quats) if ellipsoids else (cloud.covariance_a, cloud.covariance_b)
    )
    return SplatBatch(
        mean_opacity=np.take(cloud.mean_opacity, order, axis=0),
        shape_a=np.take(shape_a, order, axis=0),
        shape_b=np.take(shape_b, order, axis=0),
        colour=np.take(colours, order, axis=0),
        pixels=_fragments(cloud, order, depth, camera),
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
    cloud: PreparedCloud, order: np.ndarray, depth: np.ndarray, camera: Camera
) -> np.ndarray:
    """[n + 1] cumulative, generous count of the fragments of each Gaussian's quad."""
    focal = np.float32(max(camera.fx, camera.fy)) / np.maximum(depth, np.float32(1e-12))
    area = 8.0 * np.log(255.0 * cloud.opacities[order])
    area *= (cloud.longest[order] * focal + 0.55) * (cloud.middle[order] * focal + 0.55)
    total = np.zeros(len(order) + 1)
    np.cumsum(np.minimum(area, camera.width * camera.height), out=total[1:])
    return total


def _depth_range(depth: np.ndarray) -> tuple[float, float]:
    if len(depth) == 0:
        return 0.0, 1.0
    low, high = np.percentile(depth[:: max(1, len(depth) // 20_000)], (2.0, 98.0))
    return float(low), float(max(high, low * (1.0 + 1e-6) + 1e-9))
