"""The viewport: one widget in which everything is seen, and through which it is touched."""

import time
from collections import deque
from typing import Any, get_args

import numpy as np
from psygnal import Signal
from vispy import app

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.pointcloud import PointCloud
from assets.similarity import Similarity
from renderers.bounds import Bounds, bounds_of, home_direction
from renderers.contents import Contents
from renderers.frusta import CameraMark
from renderers.gaussianview import GaussianView, view_key
from renderers.glsl import renderer_name
from renderers.navigation import Navigator
from renderers.offscreen import finished_picture
from renderers.pacing import is_software
from renderers.pointer import Pointer
from renderers.projection import Lens, neighbours
from renderers.ray import RayMark
from renderers.scene import Scene
from renderers.splats import Mode
from renderers.stats import ViewportStats

SETTLED_S = 0.15
"""After this long without a move the view is at rest."""


class Viewport:
    """A widget (`native`) that draws a scene and lets a person walk around in it.

    Call `tick` from one timer, about 30 times a second: only there the camera moves and
    redraws are asked for. All methods belong to the thread of the user interface, and
    `vispy.use(app=..., gl="gl+")` must have chosen a backend before. Sizes and positions
    are in pixels of the framebuffer, of which dense screens have more than the widget.
    """

    camera_changed = Signal()
    """The view moved; emitted from `tick`."""
    camera_picked = Signal(int)
    """Index of the camera mark that was clicked."""
    point_picked = Signal(np.ndarray, int)
    """Position [3] that was double-clicked, and the Gaussian's index or -1."""
    pixel_picked = Signal(float, float)
    """The pixel (x, y) of `camera` that was clicked, where no camera mark is."""
    split_changed = Signal(float)
    """The wipe between view and photo, or between two views, was dragged."""

    def __init__(self, size: tuple[int, int] = (800, 600), *, parent: Any = None) -> None:
        self._canvas = app.Canvas(size=size, autoswap=False, show=False, parent=parent)
        self._canvas.events.ignore_callback_errors = False
        self.software_gl = is_software(renderer_name())
        """Whether OpenGL is emulated on the processor, where drawing takes long."""
        self._navigator = Navigator(*size)
        self._scene = Scene()
        self._contents = Contents(self._scene)
        self._gaussians = GaussianView(self._scene.layer, software=self.software_gl)
        self._cloud: GaussianCloud | None = None
        self._looking_through: Camera | None = None
        self._stamp = 0
        self._dirty = True
        self._drawn_once = False
        self._last_view: tuple | None = None
        self._moved_at = -np.inf
        self._frame_ms = 0.0
        self._redraws: deque[float] = deque(maxlen=200)
        events: Any = self._canvas.events
        events.draw.connect(self._on_draw)
        events.resize.connect(self._on_resize)
        # vispy holds its listeners weakly: this one must be kept.
        self._pointer = Pointer(self._navigator, self, lambda: self._canvas.pixel_scale)
        self._pointer.connect(events)

    @property
    def native(self) -> Any:
        """The backend's widget."""
        return self._canvas.native

    def close(self) -> None:
        """End the worker and give the widget up. Closing twice is fine."""
        self._gaussians.close()
        self._canvas.close()

    # What is shown

    def show_gaussians(self, cloud: GaussianCloud | None) -> None:
        """Show `cloud`, without what is not finite in it; the one before stays until it is sorted.

        Where the ground and the depth planes lie changes only when the cloud is quite another.
        """
        self._cloud = cloud
        self._gaussians.show(cloud if self.learnt_visible else None)
        self._contents.set_gaussians(None if cloud is None else cloud.means, self.up)
        self._content_changed()

    def show_points(self, points: PointCloud | None) -> None:
        """Show the points of a data set, or none."""
        self._contents.set_points(points, self.up)
        self._content_changed()

    def show_point_clouds(self, clouds: list[PointCloud]) -> None:
        """Show exactly these point clouds, besides those of `show_points`."""
        self._contents.set_clouds(clouds, self.up)
        self._content_changed()

    def show_meshes(self, meshes: list[Mesh]) -> None:
        """Show exactly these meshes."""
        self._contents.set_meshes(meshes, self.up)
        self._content_changed()

    def show_box(self, box: np.ndarray | None) -> None:
        """Show the edges of the box with these low and high corners [2, 3], or none."""
        self._scene.box.set_box(box)
        self._touch()

    def show_cameras(self, marks: list[CameraMark]) -> None:
        """Show exactly these cameras; the selection is kept where there still is such an index."""
        self._contents.set_marks(marks, self.up)
        self._content_changed()

    def show_ray(self, ray: RayMark | None) -> None:
        """Show exactly this ray, or none; nothing on it is pointed out."""
        if ray is not None or self._scene.ray.mark is not None:
            self._scene.ray.show(ray, reach=2.0 * self._navigator.distance)
            self._touch()

    def point_out(self, places: np.ndarray | None) -> None:
        """Mark places [n, 3] that have to do with the ray, joined by a line; None for none."""
        self._scene.ray.point_out(places)
        self._dirty = True

    @property
    def ray(self) -> RayMark | None:
        """The ray on show."""
        return self._scene.ray.mark

    def show_rendered(
        self,
        image: np.ndarray | None,
        depth: np.ndarray | None = None,
        camera: Camera | None = None,
        *,
        alpha: np.ndarray | None = None,
    ) -> None:
        """Show a view that was rendered elsewhere, in depth with everything else; None for none.

        Args:
            image: [h, w, 3] sRGB, uint8 or float in [0, 1]; with `alpha` it has been
                multiplied by it, that is, rendered before black.
            depth: [h, w] along the camera's z, world units; 0 where nothing is seen.
            camera: what was rendered; its size need not be the window's.
            alpha: [h, w] uint8 or float in [0, 1].
        """
        if image is None or depth is None or camera is None:
            self._scene.rendered.clear()
        else:
            self._scene.rendered.set_picture(image, depth, camera, alpha)
        self._touch()

    def show_beside(
        self,
        image: np.ndarray | None,
        depth: np.ndarray | None = None,
        camera: Camera | None = None,
        *,
        alpha: np.ndarray | None = None,
    ) -> None:
        """Show another view, as of `show_rendered`, left of a line that can be dragged.

        The one of `show_rendered` keeps the right. None for none: it has all of the window.
        """
        if image is None or depth is None or camera is None:
            self._scene.divided.left.clear()
        else:
            self._scene.divided.left.set_picture(image, depth, camera, alpha)
        self._touch()

    def show_photo(
        self, image: np.ndarray | None, opacity: float = 1.0, split: float = 1.0
    ) -> None:
        """Lay a photo over the view while it is the one of `look_through`; None for none.

        `image` is [h, w, 3 or 4], uint8 or float; `split` is the share of its width, from
        the left, that is shown: strictly between 0 and 1 its edge can be dragged.
        """
        self._scene.photo.opacity, self._scene.photo.split = float(opacity), float(split)
        self._scene.photo.set_photo(image)
        self._dirty = True

    @property
    def mode(self) -> Mode:
        """How Gaussians are drawn: "colour", "depth", "ellipsoids" or "points"."""
        return self._gaussians.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"mode is {mode!r}; expected one of {', '.join(get_args(Mode))}")
        self._gaussians.mode = mode
        self._touch()

    @property
    def background(self) -> tuple[float, float, float]:
        """Colour behind everything, sRGB in [0, 1]."""
        return self._scene.background

    @background.setter
    def background(self, colour: tuple[float, float, float]) -> None:
        self._scene.background = colour
        self._dirty = True

    @property
    def grid_visible(self) -> bool:
        """Whether the ground is drawn."""
        return self._scene.grid_visible

    @grid_visible.setter
    def grid_visible(self, visible: bool) -> None:
        self._scene.grid_visible = bool(visible)
        self._touch()

    @property
    def cameras_visible(self) -> bool:
        """Whether the cameras of the photos are drawn and can be picked."""
        return self._scene.cameras_visible

    @cameras_visible.setter
    def cameras_visible(self, visible: bool) -> None:
        self._scene.cameras_visible = bool(visible)
        self._touch()

    @property
    def learnt_visible(self) -> bool:
        """Whether Gaussians and views that were rendered elsewhere are drawn."""
        return self._scene.learnt_visible

    @learnt_visible.setter
    def learnt_visible(self, visible: bool) -> None:
        if visible != self.learnt_visible:
            self._scene.learnt_visible = bool(visible)
            self._gaussians.show(self._cloud if visible else None)
            self._touch()

    @property
    def meshes_visible(self) -> bool:
        """Whether meshes are drawn."""
        return self._scene.meshes_visible

    @meshes_visible.setter
    def meshes_visible(self, visible: bool) -> None:
        self._scene.meshes_visible = bool(visible)
        self._touch()

    @property
    def selected_camera(self) -> int | None:
        """Index of the highlighted camera mark."""
        return self._scene.frusta.selected

    @selected_camera.setter
    def selected_camera(self, index: int | None) -> None:
        self._scene.frusta.selected = index
        self._touch()

    @property
    def up(self) -> np.ndarray:
        """[3] unit direction that is up in the world."""
        return self._navigator.up

    @up.setter
    def up(self, up: np.ndarray) -> None:
        up = np.asarray(up, dtype=np.float64)
        length = float(np.linalg.norm(up))
        if not (np.isfinite(length) and length > 0.0):
            raise ValueError(f"up is {up}; expected a direction")
        self._navigator.up = self._scene.grid.up = up / length
        self._contents.measure(self.up)
        self._content_changed()

    # Where it is seen from

    @property
    def camera(self) -> Camera:
        """The present view, at the size of the framebuffer."""
        return self._navigator.camera

    def set_camera(self, camera: Camera) -> None:
        """Show exactly this view at once, letterboxed if the window has another shape."""
        self.look_through(camera, animate=False)

    def look_through(self, camera: Camera, animate: bool = True) -> None:
        """Move to the place of `camera`, its photo's whole field of view in the window."""
        before = self.camera
        self._navigator.look_through(camera, animate=animate)
        if not animate and not neighbours(before, self.camera, self._navigator.distance):
            self._gaussians.jump()
        self._looking_through = camera
        self._dirty = True

    def frame(self, content: np.ndarray | Bounds | None = None, animate: bool = True) -> None:
        """Show all of `content`: points [n, 3], bounds, or None for everything there is."""
        if isinstance(content, np.ndarray):
            content = bounds_of([content], [], [], self.up)
        bounds = content if content is not None else self._contents.bounds
        if bounds is not None:
            self._navigator.frame(bounds.centre, bounds.radius, animate=animate)
            self._dirty = True

    def reframe(self, change: Similarity) -> None:
        """What is shown is about to be described in another frame: see the same of it."""
        self._navigator.reframe(change)
        self._dirty = True

    def reset_view(self, animate: bool = True) -> None:
        """Show everything from a little above; where there are cameras, from their side."""
        bounds = self._contents.bounds
        if bounds is not None:
            forward = home_direction([mark.camera for mark in self._contents.marks], self.up)
            self._navigator.home(bounds.centre, bounds.radius, forward, animate=animate)
            self._dirty = True

    def focus(self, point: np.ndarray) -> None:
        """Turn to `point` [3], come nearer and orbit about it from now on."""
        self._navigator.focus(point)
        self._dirty = True

    def orbit(self, dx: float, dy: float) -> None:
        """Turn about the pivot as a drag of (dx, dy) pixels does."""
        self._navigator.orbit(dx, dy)

    def release_keys(self) -> None:
        """Stop flying: the widget lost the keyboard."""
        self._navigator.release_all()

    # Time

    def tick(self, dt: float) -> None:
        """Let `dt` seconds pass: move, take what the worker sorted, ask for a redraw if due."""
        self._navigator.tick(dt)
        lens = self._lens()
        view = view_key(lens.camera)
        if view != self._last_view:
            self._last_view, self._moved_at = view, time.perf_counter()
            self._dirty = True
            self.camera_changed.emit()
        comparing = self._scene.photo.shown and self._photo_camera() is not None
        if self._scene.comparing != comparing:
            self._scene.comparing = comparing
            self._touch()
        fresh = self._gaussians.follow(lens, self._scene.grid.plane)
        if self._dirty or fresh or self._gaussians.due(lens, self._stamp, moving=self._moving):
            self._dirty = False
            self._canvas.update()

    @property
    def busy(self) -> bool:
        """Whether the picture will still change by itself."""
        return (
            self._dirty
            or self._navigator.moving
            or self._gaussians.busy
            or self._gaussians.due(self._lens(), self._stamp, moving=False)
        )

    @property
    def fps(self) -> float:
        """Redraws in the last second."""
        now = time.perf_counter()
        return float(sum(1 for at in self._redraws if now - at <= 1.0))

    @property
    def stats(self) -> ViewportStats:
        """What the last redraw took."""
        return self._gaussians.stats(frame_ms=self._frame_ms, fps=self.fps)

    def grab(self) -> np.ndarray:
        """[h, w, 4] uint8 of the present view, finished and at full size, however long it takes.

        Raises RuntimeError before the widget was shown for the first time.
        """
        if not self._drawn_once:
            raise RuntimeError("the viewport was never shown; show its window first")
        self._canvas.set_current()
        lens, scene = self._lens(), self._scene
        return finished_picture(
            self._canvas,
            scene,
            self._gaussians.finished(lens, scene.grid.plane, pixel_ratio=scene.pixel_ratio),
            lens,
            shade_depth=self.mode == "depth",
            photo_camera=self._photo_camera(),
        )

    # What the pointer asks for

    def clicked(self, x: float, y: float) -> None:
        """Pick the camera at pixel (x, y), or the pixel where there is none."""
        index = self._contents.camera_at(self.camera, x, y) if self.cameras_visible else None
        if index is not None:
            self.camera_picked.emit(index)
        else:
            self.pixel_picked.emit(x, y)

    def double_clicked(self, x: float, y: float) -> None:
        """Focus on what is seen at pixel (x, y)."""
        hit = self._contents.point_at(self._gaussians.ready(), self._lens(), x, y)
        if hit is not None:
            self.focus(hit[0])
            self.point_picked.emit(*hit)

    @property
    def divide(self) -> float:
        """Where the line between two views stands, as a share of the width."""
        return self._scene.divided.split

    def wipe_edge(self) -> float | None:
        """Column of the wipe's edge, where it can be dragged."""
        photo, photo_camera = self._scene.photo, self._photo_camera()
        width, height = self.camera.width, self.camera.height
        edge = None if photo_camera is None else photo.edge(photo_camera, width, height)
        return self._scene.divided.edge(width) if edge is None else edge

    def wipe_to(self, x: float) -> None:
        """Move the wipe's edge to column `x`."""
        wipe, photo_camera = self._scene.photo, self._photo_camera()
        width, height = self.camera.width, self.camera.height
        if photo_camera is not None and wipe.edge(photo_camera, width, height) is not None:
            wipe.move_edge(x, photo_camera, width, height)
        else:
            wipe = self._scene.divided
            wipe.move_edge(x, width)
        self._dirty = True
        self.split_changed.emit(wipe.split)

    # Inside

    @property
    def _moving(self) -> bool:
        return self._navigator.moving or time.perf_counter() - self._moved_at < SETTLED_S

    def _lens(self) -> Lens:
        return self._contents.lens(self._navigator.camera, self._navigator.distance)

    def _touch(self) -> None:
        """Something that may hide Gaussians changed: their layer is to be drawn anew."""
        self._stamp += 1
        self._dirty = True

    def _content_changed(self) -> None:
        bounds = self._contents.bounds
        if bounds is not None:
            self._navigator.scene_size = bounds.radius
            self._navigator.scene_centre = bounds.centre
        self._touch()

    def _photo_camera(self) -> Camera | None:
        """The camera looked through, while the view is still exactly its own."""
        camera = self._looking_through
        if camera is None or self._navigator.moving:
            return None
        if not np.array_equal(camera.camera_to_world, self._navigator.pose):
            self._looking_through = None
            return None
        return camera

    def _on_resize(self, event: Any) -> None:
        self._navigator.resize(*(event.physical_size or event.size))
        self._scene.pixel_ratio = float(self._canvas.pixel_scale)
        self._touch()

    def _on_draw(self, _event: Any) -> None:
        start = time.perf_counter()
        self._drawn_once = True
        scene, moving, lens = self._scene, self._moving, self._lens()
        scene.pivot = self._navigator.pivot
        self._gaussians.plan(lens, self._stamp, scene.pixel_ratio, moving=moving)
        scene.layer.advance(
            self._gaussians.budget_ms(moving=moving),
            opaque=scene.draw_opaque,
            grid=scene.draw_grid,
            finish=self._canvas.context.finish,
        )
        scene.draw(lens, shade_depth=self.mode == "depth", photo_camera=self._photo_camera())
        now = time.perf_counter()
        self._frame_ms = 1e3 * (now - start)
        self._redraws.append(now)
