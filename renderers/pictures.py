"""Pictures that others made: an engine's view with its depth, and the photo to compare with."""

import numpy as np
from vispy import gloo

from assets.camera import Camera
from renderers.colours import ACCENT, depth_colours
from renderers.glsl import program
from renderers.projection import Lens, letterbox, plane_homography, rays
from renderers.quad import CORNERS
from renderers.textures import LateTexture, as_bytes


def depth_map_texture() -> gloo.Texture2D:
    """The colours of depth, near first, as a texture of one row."""
    row = (depth_colours()[None] * 255.0 + 0.5).astype(np.uint8)
    return gloo.Texture2D(row, interpolation="linear", wrapping="clamp_to_edge")


class RenderedPicture:
    """A view with depth that was drawn elsewhere; everything else is tested against it.

    While the viewer's camera is ahead of the picture's, the picture is moved along as if
    it lay on one plane, which is right for turning and nearly so for small steps.
    """

    def __init__(self) -> None:
        self._program = program("screen.vert", "picture.frag")
        self._depth_program = program("screen.vert", "picture.frag", define="SHADE_DEPTH")
        for drawn in (self._program, self._depth_program):
            drawn["a_corner"] = gloo.VertexBuffer(CORNERS)
        self._depth_program["u_depth_map"] = depth_map_texture()
        self._image = LateTexture()
        self._depths = LateTexture(
            interpolation="nearest", format="luminance", internalformat="r32f"
        )
        self._camera: Camera | None = None
        self._depth = np.zeros((0, 0), dtype=np.float32)
        self._range = (0.0, 1.0)

    @property
    def shown(self) -> bool:
        """Whether there is a picture."""
        return self._camera is not None

    def set_picture(
        self, image: np.ndarray, depth: np.ndarray, camera: Camera, alpha: np.ndarray | None
    ) -> None:
        """Show `image` [h, w, 3] with `depth` [h, w] seen by `camera`; see Viewport."""
        height, width = depth.shape
        texels = np.empty((height, width, 4), dtype=np.uint8)
        texels[..., :3] = as_bytes(image)
        texels[..., 3] = 255 if alpha is None else as_bytes(alpha)
        depth = np.nan_to_num(np.asarray(depth, dtype=np.float32), posinf=0.0, neginf=0.0)
        self._image.set(texels)
        self._depths.set(depth[..., None])
        self._camera = camera.resized(width, height)
        self._depth = depth
        seen = depth[:: max(1, height // 100), :: max(1, width // 100)]
        seen = seen[seen > 0.0]
        if len(seen):
            low, high = np.percentile(seen, (2.0, 98.0))
            self._range = (float(low), float(max(high, low * (1.0 + 1e-6))))

    def clear(self) -> None:
        """Show none."""
        self._camera = None
        self._depth = np.zeros((0, 0), dtype=np.float32)

    def position_at(self, viewer: Camera, x: float, y: float) -> np.ndarray | None:
        """[3] what the picture shows at pixel (x, y) of `viewer`, or None."""
        if self._camera is None:
            return None
        there = self._to_picture(viewer) @ (x, y, 1.0)
        if there[2] <= 0.0:
            return None
        column, row = there[:2] / there[2]
        height, width = self._depth.shape
        if not (0 <= column < width and 0 <= row < height):
            return None
        depth = float(self._depth[int(row), int(column)])
        if depth <= 0.0:
            return None
        return self._camera.centre + depth * rays(self._camera, np.array([[column, row]]))[0]

    def draw(self, lens: Lens, *, shade_depth: bool) -> None:
        """Draw with depth. Blending is premultiplied."""
        if self._camera is None:
            return
        source, target = self._camera, lens.camera
        low, high = self._range
        relative = target.world_to_camera @ source.camera_to_world
        drawn = self._depth_program if shade_depth else self._program
        drawn["u_image"], drawn["u_depth"] = self._image.uploaded(), self._depths.uploaded()
        drawn["u_size"] = (target.width, target.height)
        drawn["u_to_picture"] = self._to_picture(target).T.astype(np.float32)
        drawn["u_picture_size"] = (source.width, source.height)
        drawn["u_ray_z"] = relative[2, :3] @ np.linalg.inv(source.intrinsics)
        drawn["u_shift_z"] = float(relative[2, 3])
        drawn["u_depth_range"] = (lens.near, lens.far)
        if shade_depth:
            drawn["u_shade_depth"] = (low, 1.0 / max(high - low, 1e-9))
        drawn.draw("triangle_strip")

    def _to_picture(self, target: Camera) -> np.ndarray:
        """[3, 3] pixels of `target` to pixels of the picture."""
        assert self._camera is not None
        low, high = self._range
        return plane_homography(self._camera, target, max(float(np.sqrt(low * high)), 1e-9))


class PhotoOverlay:
    """A photo exactly over the view that was taken through the same camera."""

    def __init__(self) -> None:
        self.opacity = 1.0
        self.split = 1.0
        self._program = program("screen.vert", "photo.frag")
        self._program["a_corner"] = gloo.VertexBuffer(CORNERS)
        self._program["u_edge"] = ACCENT
        self._image = LateTexture()
        self.shown = False

    def set_photo(self, image: np.ndarray | None) -> None:
        """Show `image` [h, w, 3 or 4] uint8 or float in [0, 1], or none."""
        self.shown = image is not None
        if image is None:
            return
        texels = np.full((*image.shape[:2], 4), 255, dtype=np.uint8)
        texels[..., : image.shape[2]] = as_bytes(image)
        self._image.set(texels)

    def edge(self, photo_camera: Camera, width: int, height: int) -> float | None:
        """Column of the wipe's edge on a target of this size, None where there is none."""
        if not self.shown or not 0.0 < self.split < 1.0:
            return None
        left, _, right, _ = letterbox(photo_camera, width, height)
        return left + self.split * (right - left)

    def move_edge(self, x: float, photo_camera: Camera, width: int, height: int) -> None:
        """Put the wipe's edge at column `x`, or at the photo's side if that is outside."""
        left, _, right, _ = letterbox(photo_camera, width, height)
        self.split = float(np.clip((x - left) / (right - left), 0.005, 0.995))

    def draw(self, photo_camera: Camera, width: int, height: int) -> None:
        """Draw where the photo of `photo_camera` lies on the target. Premultiplied."""
        if not self.shown:
            return
        self._program["u_size"] = (width, height)
        self._program["u_image"] = self._image.uploaded()
        self._program["u_rectangle"] = letterbox(photo_camera, width, height)
        self._program["u_opacity"] = self.opacity
        self._program["u_split"] = self.split
        self._program.draw("triangle_strip")
