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
