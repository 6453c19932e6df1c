"""Finished pictures without a window: for tests, screenshots and the command line."""

from collections.abc import Sequence

import numpy as np
from vispy import app, gloo

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.pointcloud import PointCloud
from renderers.colours import BACKGROUND
from renderers.contents import Contents
from renderers.frusta import CameraMark
from renderers.gaussianview import sharp_frame
from renderers.layer import DEPTH_COMPONENT24, Frame
from renderers.projection import Lens
from renderers.scene import Scene
from renderers.splats import Mode
from renderers.splatsort import prepared


def finished_picture(
    canvas: app.Canvas,
    scene: Scene,
    frame: Frame | None,
    lens: Lens,
    *,
    shade_depth: bool = False,
    photo_camera: Camera | None = None,
) -> np.ndarray:
    """[h, w, 4] uint8 of a scene, drawn to the end; `frame` are its Gaussians.

    The `canvas` must be current.
    """
    finish = canvas.context.finish
    if frame is not None:
        scene.layer.begin(frame)
        while not scene.layer.advance(
            np.inf, opaque=scene.draw_opaque, grid=scene.draw_grid, finish=finish
        ):
            continue
    width, height = lens.camera.width, lens.camera.height
    target = gloo.FrameBuffer(
        color=gloo.RenderBuffer((height, width)),
        depth=gloo.RenderBuffer((height, width), format=DEPTH_COMPONENT24),
    )
    with target:
        scene.draw(lens, shade_depth=shade_depth, photo_camera=photo_camera)
        picture = gloo.read_pixels((0, 0, width, height))
    target.delete()
    return picture


def render(
    camera: Camera,
    *,
    gaussians: GaussianCloud | None = None,
    points: PointCloud | None = None,
    meshes: Sequence[Mesh] = (),
    cameras: Sequence[CameraMark] = (),
    mode: Mode = "colour",
    up: np.ndarray | None = None,
    grid: bool = False,
    background: tuple[float, float, float] = BACKGROUND,
) -> np.ndarray:
    """[h, w, 4] uint8 of what is given, seen by `camera`, in an OpenGL context of its own.

    `vispy.use(app=..., gl="gl+")` must have chosen a backend before. Call it in the thread
    of the user interface.
    """
    up = np.array([0.0, -1.0, 0.0]) if up is None else np.asarray(up, dtype=np.float64)
    canvas = app.Canvas(size=(16, 16), autoswap=False, show=False)
    try:
        canvas.set_current()
        scene = Scene()
        scene.background, scene.grid_visible, scene.grid.up = background, grid, up
        contents = Contents(scene)
        contents.set_points(points, up)
        contents.set_meshes(list(meshes), up)
        contents.set_marks(list(cameras), up)
        if gaussians is not None:
            contents.set_gaussians(gaussians.means, up)
        distance = 1.0
        if contents.bounds is not None:
            scene.pivot = contents.bounds.centre
            distance = float(np.linalg.norm(camera.centre - contents.bounds.centre))
        lens = contents.lens(camera, max(distance, 1e-6))
        frame = None
        if gaussians is not None and len(gaussians):
            frame = sharp_frame(prepared(gaussians), lens, mode, scene.grid.plane)
        return finished_picture(canvas, scene, frame, lens, shade_depth=mode == "depth")
    finally:
        canvas.close()
