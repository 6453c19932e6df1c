"""From our cameras (OpenCV, pixels) to what OpenGL wants (clip space) and back."""

from dataclasses import dataclass, replace

import numpy as np

from assets.camera import Camera


@dataclass(frozen=True, eq=False)
class Lens:
    """A camera made ready for drawing: its matrices and depth planes."""

    camera: Camera
    near: float
    far: float

    @property
    def view(self) -> np.ndarray:
        """[4, 4] float32 world to camera, transposed as OpenGL stores it."""
        return self.camera.world_to_camera.T.astype(np.float32)

    @property
    def clip(self) -> np.ndarray:
        """[4, 4] float32 camera to clip space, transposed as OpenGL stores it."""
        return clip_matrix(self.camera, self.near, self.far).T.astype(np.float32)

    def scaled(self, scale: float) -> "Lens":
        """The same view on a target of `scale` times the size, at least one pixel."""
        width = max(1, round(self.camera.width * scale))
        height = max(1, round(self.camera.height * scale))
        return replace(self, camera=self.camera.resized(width, height))


def clip_matrix(camera: Camera, near: float, far: float) -> np.ndarray:
    """[4, 4] that takes camera coordinates (OpenCV) to OpenGL's clip space.

    Exact for any principal point: pixel (0, 0) is the upper left corner of the target.
    """
    width, height = camera.width, camera.height
    return np.array(
        [
            [2.0 * camera.fx / width, 0.0, 2.0 * camera.cx / width - 1.0, 0.0],
            [0.0, -2.0 * camera.fy / height, 1.0 - 2.0 * camera.cy / height, 0.0],
            [0.0, 0.0, (far + near) / (far - near), -2.0 * far * near / (far - near)],
            [0.0, 0.0, 1.0, 0.0],
        ]
    )


def letterboxed(camera: Camera, width: int, height: int) -> Camera:
    """`camera` on a target of another shape, its whole field of view inside and centred."""
    scale = min(width / camera.width, height / camera.height)
    return replace(
        camera,
        width=width,
        height=height,
        fx=camera.fx * scale,
        fy=camera.fy * scale,
        cx=camera.cx * scale + 0.5 * (width - camera.width * scale),
        cy=camera.cy * scale + 0.5 * (height - camera.height * scale),
    )


def letterbox(camera: Camera, width: int, height: int) -> tuple[float, float, float, float]:
    """Where the photo of `camera` lies on the target: left, top, right, bottom in pixels."""
    scale = min(width / camera.width, height / camera.height)
    left = 0.5 * (width - camera.width * scale)
    top = 0.5 * (height - camera.height * scale)
    return left, top, width - left, height - top


def rays(camera: Camera, pixels: np.ndarray) -> np.ndarray:
    """Directions in the world [n, 3], of depth 1 along z, through `pixels` [n, 2]."""
    local = np.ones((len(pixels), 3))
    local[:, :2] = (pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    return local @ camera.camera_to_world[:3, :3].T


def neighbours(first: Camera, second: Camera, depth: float) -> bool:
    """Whether one view may stand in for the other for a moment: they see much the same.

    `depth` is how far most things are.
    """
    turned = float(first.forward @ second.forward) < np.cos(np.radians(20.0))
    moved = float(np.linalg.norm(first.centre - second.centre)) > 0.4 * depth
    zoomed = not 0.6 < (first.fx / first.width) / (second.fx / second.width) < 1.6
    return not (turned or moved or zoomed)


def plane_homography(source: Camera, target: Camera, depth: float) -> np.ndarray:
    """[3, 3] that takes pixels of `target` to pixels of `source`, homogeneous.

    Exact for what lies on the plane at `depth` in front of `source`, parallel to its
    image, and for a pure rotation at any depth (Hartley and Zisserman 2004, section 13.1).
    """
    relative = target.world_to_camera @ source.camera_to_world
    rotation, shift = relative[:3, :3], relative[:3, 3]
    forth = rotation + np.outer(shift, (0.0, 0.0, 1.0 / depth))
    return source.intrinsics @ np.linalg.inv(forth) @ np.linalg.inv(target.intrinsics)
