"""A pinhole camera: where a photo was taken from and how it maps space to pixels."""

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Camera:
    """An undistorted pinhole camera in the OpenCV convention (x right, y down, z forward).

    Intrinsics are in pixels of an image of `width` x `height`; pixel centres lie at
    half-integers, so the centre of the image is (width / 2, height / 2).
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_to_world: np.ndarray = field(default_factory=lambda: np.eye(4))
    """[4, 4] float64: rotation and translation only."""

    @property
    def world_to_camera(self) -> np.ndarray:
        """[4, 4] float64, the exact inverse of the rigid `camera_to_world`."""
        rotation = self.camera_to_world[:3, :3].T
        inverse = np.eye(4)
        inverse[:3, :3] = rotation
        inverse[:3, 3] = -rotation @ self.camera_to_world[:3, 3]
        return inverse

    @property
    def centre(self) -> np.ndarray:
        """[3] position of the optical centre in world units."""
        return self.camera_to_world[:3, 3]

    @property
    def forward(self) -> np.ndarray:
        """[3] unit viewing direction in the world."""
        return self.camera_to_world[:3, 2]

    @property
    def up(self) -> np.ndarray:
        """[3] unit direction in the world that points up in the photo."""
        return -self.camera_to_world[:3, 1]

    @property
    def intrinsics(self) -> np.ndarray:
        """[3, 3] float64 matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def resized(self, width: int, height: int) -> "Camera":
        """The same view on an image of another size in pixels."""
        scale_x, scale_y = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * scale_x,
            fy=self.fy * scale_y,
            cx=self.cx * scale_x,
            cy=self.cy * scale_y,
        )

    def moved(self, camera_to_world: np.ndarray) -> "Camera":
        """The same lens at another pose ([4, 4])."""
        return replace(self, camera_to_world=np.asarray(camera_to_world, dtype=np.float64))

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel positions [n, 2] and depths along z [n] of world `points` [n, 3]."""
        view = self.world_to_camera
        local = points @ view[:3, :3].T + view[:3, 3]
        depth = local[:, 2]
        safe = np.where(np.abs(depth) < 1e-12, 1e-12, depth)
        pixels = local[:, :2] / safe[:, None] * (self.fx, self.fy) + (self.cx, self.cy)
        return pixels, depth


def look_at(eye: np.ndarray, target: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Camera-to-world [4, 4] of a camera at `eye` that looks at `target` with `up` upwards."""
    eye, target, up = (np.asarray(v, dtype=np.float64) for v in (eye, target, up))
    forward = target - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9:
        right = np.cross(forward, np.roll(up, 1) + 1e-3)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = (
        right,
        np.cross(forward, right),
        forward,
        eye,
    )
    return pose
