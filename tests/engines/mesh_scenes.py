"""Scenes whose surface is known: a ball drawn by formula, and Gaussians laid on a mesh."""

import numpy as np

from assets.camera import Camera
from assets.gaussians import SH_C0, GaussianCloud
from assets.mesh import Mesh
from engines.engine import RenderedView
from engines.mesh.clean import areas
from engines.mesh.compare import surface_points


class Ball:
    """A ball of radius 1 around `centre`, exact to the pixel; red above its middle, blue below."""

    def __init__(self, centre: tuple[float, float, float] = (0.0, 0.0, 0.0), alpha: float = 1.0):
        self.centre, self.alpha = np.array(centre), alpha
        self.drawn = 0

    def render(self, camera: Camera, budget_ms: float | None = None) -> RenderedView:
        self.drawn += 1
        x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
        y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
        local = np.stack(np.broadcast_arrays(x, y[:, None], 1.0), axis=-1)
        rays = local @ camera.camera_to_world[:3, :3].T
        eye = camera.centre - self.centre
        a, b, c = (rays**2).sum(axis=-1), rays @ eye, eye @ eye - 1
        root = b * b - a * c
        hit = root > 0
        depth = np.where(hit, (-b - np.sqrt(np.maximum(root, 0))) / a, 0)
        above = (camera.centre + rays * depth[..., None] - self.centre)[..., 2] > 0
        image = np.where(above[..., None], (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)) * hit[..., None]
        return RenderedView(
            camera=camera,
            image=image.astype(np.float32),
            depth=depth.astype(np.float32),
            alpha=hit.astype(np.float32) * np.float32(self.alpha),
        )


def cloud_on(mesh: Mesh, count: int) -> GaussianCloud:
    """`count` flat Gaussians that lie on the faces of `mesh` and have its colours."""
    points, face = surface_points(mesh, count)
    a, b, c = (mesh.vertices[mesh.faces[face, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # The turn that takes z to the normal, unnormalised; straight down it is half a turn.
    quats = np.stack([1 + normal[:, 2], -normal[:, 1], normal[:, 0], 0 * normal[:, 0]], axis=1)
    quats[quats[:, 0] < 1e-6] = (0, 1, 0, 0)
    size = 0.6 * np.sqrt(areas(mesh.vertices.astype(np.float64), mesh.faces).sum() / count)
    colours = mesh.colours[mesh.faces[face]].mean(axis=1)
    return GaussianCloud(
        means=points.astype(np.float32),
        quats=quats.astype(np.float32),
        log_scales=np.log(np.tile([size, size, 0.05 * size], (count, 1))).astype(np.float32),
        logit_opacities=np.full(count, 3.0, dtype=np.float32),
        sh=((colours - 0.5) / SH_C0)[:, None].astype(np.float32),
    )


class BallField:
    """A radiance field that is a ball of radius 1; red above its middle, blue below.

    Density rises from 0 to `peak` within about `soft` units on both sides of the surface.
    Views are mixed along their rays as those of any field, at half size if they must be quick.
    """

    def __init__(
        self,
        centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        peak: float = 200.0,
        soft: float = 0.01,
    ) -> None:
        self.centre, self.peak, self.soft = np.array(centre), peak, soft
        self.box = self.centre + np.array([[-1.3], [1.3]]) * np.ones(3)
        self.asked = self.drawn = 0

    def depth_inside(self, points: np.ndarray) -> np.ndarray:
        """[...] how far `points` [..., 3] lie within the surface."""
        return 1 - np.linalg.norm(points - self.centre, axis=-1)

    def density(self, points: np.ndarray) -> np.ndarray:
        self.asked += len(points)
        return self._sigma(points).astype(np.float32)

    def _sigma(self, points: np.ndarray) -> np.ndarray:
        return self.peak / (1 + np.exp(np.clip(-self.depth_inside(points) / self.soft, -50, 50)))

    def colours(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        assert np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-5)
        return self._paint(points).astype(np.float32)

    def _paint(self, points: np.ndarray) -> np.ndarray:
        above = points[..., 2:] > self.centre[2]
        return np.where(above, (0.8, 0.1, 0.1), (0.1, 0.1, 0.8))

    def render(self, camera: Camera, budget_ms: float | None = None) -> RenderedView:
        self.drawn += 1
        if budget_ms is not None:
            camera = camera.resized(camera.width // 2, camera.height // 2)
        x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
        y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
        local = np.stack(np.broadcast_arrays(x, y[:, None], 1.0), axis=-1)
        rays = local @ camera.camera_to_world[:3, :3].T
        middle = float((self.centre - camera.centre) @ camera.forward)
        edges = np.linspace(max(middle - 1.5, 0.01), middle + 1.5, 101)
        lengths = np.linalg.norm(rays, axis=-1) * (edges[1] - edges[0])
        image, left = np.zeros((camera.height, camera.width, 3)), np.ones_like(lengths)
        depth = np.zeros_like(lengths)
        for away in (edges[1:] + edges[:-1]) / 2:
            points = camera.centre + away * rays
            stopped = left * -np.expm1(-self._sigma(points) * lengths)
            image += stopped[..., None] * self._paint(points)
            depth += stopped * away
            left -= stopped
        alpha = 1 - left
        return RenderedView(
            camera=camera,
            image=image.astype(np.float32),
            depth=np.where(alpha > 1e-3, depth / np.maximum(alpha, 1e-3), 0).astype(np.float32),
            alpha=alpha.astype(np.float32),
        )
