"""What lies under the cursor, found on the processor: exact, and without reading pixels back."""

import numpy as np

from assets.camera import Camera
from assets.mesh import Mesh
from renderers.frusta import EDGES, pyramid
from renderers.projection import rays
from renderers.splatsort import PreparedCloud

CANDIDATES = 4096
"""The nearest Gaussians that are looked at closely."""


def gaussian_under(
    cloud: PreparedCloud, camera: Camera, x: float, y: float, *, near: float
) -> tuple[int, np.ndarray] | None:
    """Index in the original cloud and position [3] of the Gaussian seen at pixel (x, y).

    It is the one at which half of the light is used up, or, where less than half is, the
    one that gives most; None where less than 5 % of the light is. Alpha is that of the
    highest density along the ray, which is what splatting approximates.
    """
    direction = rays(camera, np.array([[x, y]]))[0]
    unit = (direction / np.linalg.norm(direction)).astype(np.float32)
    offset = cloud.means - camera.centre.astype(np.float32)
    along = offset @ unit
    away_squared = np.maximum(np.einsum("nk,nk->n", offset, offset) - along * along, 0.0)
    blur = 0.55 / min(camera.fx, camera.fy) * np.maximum(along, 0.0)
    reach = 3.4 * (cloud.longest + blur)
    depth = along * float(unit @ camera.forward.astype(np.float32))
    index = np.flatnonzero((depth > near) & (away_squared < reach * reach))
    if len(index) == 0:
        return None
    index = index[np.argsort(along[index])][:CANDIDATES]
    alpha, distance = _alphas(cloud, index, offset[index].astype(np.float64), unit, blur[index])
    passed = np.concatenate([[1.0], np.cumprod(1.0 - alpha)])
    if passed[-1] > 0.95:
        return None
    half = np.flatnonzero(passed[1:] <= 0.5)
    chosen = int(half[0]) if len(half) else int(np.argmax(alpha * passed[:-1]))
    return int(cloud.source[index[chosen]]), camera.centre + distance[chosen] * unit


def _alphas(
    cloud: PreparedCloud,
    index: np.ndarray,
    offset: np.ndarray,
    unit: np.ndarray,
    blur: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Highest alpha of each Gaussian along the ray, and the distance where it is reached."""
    packed = np.column_stack([cloud.covariance_a[index], cloud.covariance_b[index]])
    covariance = packed[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3).astype(np.float64)
    covariance = covariance + (blur.astype(np.float64) ** 2 + 1e-18)[:, None, None] * np.eye(3)
    precision = np.linalg.inv(covariance)
    ray = unit.astype(np.float64)
    to_ray = precision @ ray
    distance = np.einsum("nk,nk->n", to_ray, offset) / np.maximum(to_ray @ ray, 1e-300)
    miss = distance[:, None] * ray - offset
    power = -0.5 * np.einsum("ni,nij,nj->n", miss, precision, miss)
    alpha = np.minimum(0.99, cloud.opacities[index] * np.exp(np.minimum(power, 0.0)))
    return np.where((alpha >= 1.0 / 255.0) & (distance > 0.0), alpha, 0.0), distance


def mesh_under(mesh: Mesh, camera: Camera, x: float, y: float) -> np.ndarray | None:
    """Position [3] where the ray through (x, y) first meets the mesh (Möller-Trumbore)."""
    direction = rays(camera, np.array([[x, y]]))[0]
    faces = mesh.faces[np.all((mesh.faces >= 0) & (mesh.faces < len(mesh.vertices)), axis=1)]
    corner = mesh.vertices[faces].astype(np.float64)
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    across = np.cross(direction, second)
    determinant = np.einsum("nk,nk->n", first, across)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / determinant
        start = camera.centre - corner[:, 0]
        u = np.einsum("nk,nk->n", start, across) * inverse
        turned = np.cross(start, first)
        v = (turned @ direction) * inverse
        depth = np.einsum("nk,nk->n", second, turned) * inverse
        hit = (u >= 0.0) & (v >= 0.0) & (u + v <= 1.0) & (depth > 0.0)
    if not hit.any():
        return None
    return camera.centre + float(depth[hit].min()) * direction


def point_under(
    positions: np.ndarray, camera: Camera, x: float, y: float, *, radius: float
) -> np.ndarray | None:
    """The nearest to the eye of `positions` [n, 3] within `radius` pixels of (x, y)."""
    pixels, depth = camera.project(np.asarray(positions, dtype=np.float64))
    with np.errstate(invalid="ignore"):
        close = (np.hypot(pixels[:, 0] - x, pixels[:, 1] - y) <= radius) & (depth > 0.0)
    if not close.any():
        return None
    return np.asarray(positions[np.flatnonzero(close)[np.argmin(depth[close])]], dtype=np.float64)


def camera_under(
    cameras: list[Camera], size: float, viewer: Camera, x: float, y: float, *, radius: float
) -> int | None:
    """Index of the pyramid (of `size`) whose picture or edges are at (x, y), nearest first."""
    best, best_depth = None, np.inf
    for i, camera in enumerate(cameras):
        if np.linalg.norm(camera.centre - viewer.centre) <= 0.8 * size:
            continue
        pixels, depth = viewer.project(pyramid(camera, size))
        if depth.min() <= 0.0:
            continue
        middle = float(depth[1:5].mean())
        hit = _inside(pixels[1:5], x, y) or _near_edges(pixels, x, y, radius)
        if hit and middle < best_depth:
            best, best_depth = i, middle
    return best


def _inside(quad: np.ndarray, x: float, y: float) -> bool:
    side = np.roll(quad, -1, axis=0) - quad
    turn = side[:, 0] * (y - quad[:, 1]) - side[:, 1] * (x - quad[:, 0])
    return bool(np.all(turn >= 0.0) or np.all(turn <= 0.0))


def _near_edges(pixels: np.ndarray, x: float, y: float, radius: float) -> bool:
    edges = np.array(EDGES)
    start, along = pixels[edges[:, 0]], pixels[edges[:, 1]] - pixels[edges[:, 0]]
    offset = np.array([x, y]) - start
    length = np.maximum(np.einsum("nk,nk->n", along, along), 1e-12)
    share = np.clip(np.einsum("nk,nk->n", offset, along) / length, 0.0, 1.0)
    return bool(np.any(np.linalg.norm(offset - share[:, None] * along, axis=1) <= radius))
