"""What was given to the viewport, kept as data: for its size and for what is under the cursor."""

import numpy as np

from assets.camera import Camera
from assets.mesh import Mesh
from assets.pointcloud import PointCloud
from renderers.bounds import Bounds, bounds_of, resemble
from renderers.frusta import CameraMark, natural_size
from renderers.picking import camera_under, gaussian_under, mesh_under, point_under
from renderers.projection import Lens
from renderers.scene import Scene
from renderers.splatsort import PreparedCloud

REACH = 7.0
"""Nominal pixels around points and lines that count as on them."""


class Contents:
    """Keeps a scene's layers and the data they were made from together."""

    def __init__(self, scene: Scene) -> None:
        self.bounds: Bounds | None = None
        """Of everything, None when there is nothing."""
        self.marks: list[CameraMark] = []
        self._scene = scene
        self._meshes: list[Mesh] = []
        self._points: PointCloud | None = None
        self._clouds: list[PointCloud] = []
        self._means = np.zeros((0, 3), dtype=np.float32)
        self._gone = True

    def set_gaussians(self, means: np.ndarray | None, up: np.ndarray) -> None:
        """Where Gaussians are now, None for none.

        While they learn, the ground must keep still: bounds change only when the cloud is
        quite another. Without any, the last ones count on until something else comes: they
        may still be on show as a picture.
        """
        if means is None:
            self._gone = True
            return
        if self._gone or not resemble(means, self._means):
            self._means, self._gone = means, False
            self.measure(up)

    def set_points(self, points: PointCloud | None, up: np.ndarray) -> None:
        """The points of a data set."""
        self._forget_gone()
        self._points = points
        self._scene.points.set_clouds([] if points is None else [points])
        self.measure(up)

    def set_clouds(self, clouds: list[PointCloud], up: np.ndarray) -> None:
        """Point clouds that were opened by themselves."""
        self._forget_gone()
        self._clouds = list(clouds)
        self._scene.cloud_points.set_clouds(self._clouds)
        self.measure(up)

    def set_meshes(self, meshes: list[Mesh], up: np.ndarray) -> None:
        """Meshes that were opened."""
        self._forget_gone()
        self._meshes = list(meshes)
        self._scene.meshes.set_meshes(self._meshes)
        self.measure(up)

    def set_marks(self, marks: list[CameraMark], up: np.ndarray) -> None:
        """The cameras of the photos."""
        self._forget_gone()
        self.marks = list(marks)
        self._scene.frusta.set_marks(self.marks)
        self.measure(up)

    def _forget_gone(self) -> None:
        if self._gone:
            self._means = np.zeros((0, 3), dtype=np.float32)

    def measure(self, up: np.ndarray) -> None:
        """Look again at how large everything is, and set the ground and the frusta to it."""
        clouds = [self._means, *(c.positions for c in (self._points, *self._clouds) if c)]
        solids = [mesh.vertices for mesh in self._meshes]
        cameras = [mark.camera for mark in self.marks]
        self.bounds = bounds_of(clouds, solids, cameras, up)
        if self.bounds is not None:
            self._scene.grid.height = self.bounds.ground
            self._scene.frusta.size = natural_size(cameras, self.bounds.radius)

    def lens(self, camera: Camera, distance: float) -> Lens:
        """Depth planes for `camera`, whose pivot lies at `distance`, that hold everything."""
        if self.bounds is None:
            return Lens(camera, 2e-3 * distance, 100.0 * distance)
        away = float(np.linalg.norm(camera.centre - self.bounds.centre))
        near = max(2e-3 * min(away, distance), 1e-4 * self.bounds.radius)
        return Lens(camera, near, max(away + 20.0 * self.bounds.radius, 100.0 * distance))

    def camera_at(self, viewer: Camera, x: float, y: float) -> int | None:
        """Index of the camera mark at pixel (x, y)."""
        cameras = [mark.camera for mark in self.marks]
        reach = REACH * self._scene.pixel_ratio
        return camera_under(cameras, self._scene.frusta.size, viewer, x, y, radius=reach)

    def point_at(
        self, gaussians: PreparedCloud | None, lens: Lens, x: float, y: float
    ) -> tuple[np.ndarray, int] | None:
        """Position [3] nearest to the eye at pixel (x, y), and its Gaussian's index or -1."""
        viewer, reach = lens.camera, REACH * self._scene.pixel_ratio
        hits: list[tuple[np.ndarray | None, int]] = []
        if self._scene.meshes_visible:
            hits += [(mesh_under(mesh, viewer, x, y), -1) for mesh in self._meshes]
        if self._scene.learnt_visible:
            hits.append((self._scene.rendered.position_at(viewer, x, y), -1))
        if gaussians is not None and len(gaussians):
            found = gaussian_under(gaussians, viewer, x, y, near=lens.near)
            if found is not None:
                hits.append((found[1], found[0]))
        for cloud in (self._points, *self._clouds):
            if cloud is not None and len(cloud):
                hits.append((point_under(cloud.positions, viewer, x, y, radius=reach), -1))
        found = [(position, index) for position, index in hits if position is not None]
        if not found:
            return None
        return min(found, key=lambda hit: float(np.linalg.norm(hit[0] - viewer.centre)))
