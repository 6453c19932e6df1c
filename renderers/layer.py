"""The picture of all Gaussians, made portion by portion beside what is on screen."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from vispy import gloo

from renderers.glsl import program
from renderers.pacing import CostModel
from renderers.pictures import depth_map_texture
from renderers.projection import Lens, plane_homography
from renderers.quad import CORNERS
from renderers.splats import Mode, SplatBuffers
from renderers.splatsort import SplatBatch

PORTION_MS = 12.0
"""Between two looks at the clock."""
DEPTH_COMPONENT24 = 0x81A6


@dataclass(eq=False, kw_only=True)
class Frame:
    """One picture of a layer: what it shows, and how far it has come."""

    lens: Lens
    """Of the window's size; the picture itself is `scale` times as large."""
    scale: float
    batch: SplatBatch
    mode: Mode
    costs: CostModel
    """Learns from every portion."""
    stamp: object
    """Whatever else it depends on; compared by the caller."""
    sharp: bool
    """As fine as it gets, not a quick picture on the way."""
    pixel_ratio: float = 1.0
    done: int = 0
    """Gaussians drawn so far."""
    seconds: float = 0.0
    begun: bool = False
    grid_drawn: bool = False


class _Target:
    """A framebuffer with half-float colour, so that hundreds of layers blend without banding."""

    def __init__(self) -> None:
        self.texture = gloo.Texture2D(
            shape=(1, 1, 4),
            format="rgba",
            internalformat="rgba16f",
            interpolation="linear",
            wrapping="clamp_to_edge",
        )
        self._depth = gloo.RenderBuffer((1, 1), format=DEPTH_COMPONENT24)
        self.framebuffer = gloo.FrameBuffer(color=self.texture, depth=self._depth)

    def resize(self, width: int, height: int) -> None:
        if self.texture.shape[:2] != (height, width):
            self.texture.resize((height, width, 4))
            self._depth.resize((height, width))


class GaussianLayer:
    """Two targets: one is shown, in the other the next picture grows."""

    def __init__(self) -> None:
        self.shown: Frame | None = None
        self.growing: Frame | None = None
        self._buffers = SplatBuffers()
        self._front, self._back = _Target(), _Target()
        self._compositor = program("screen.vert", "layer.frag")
        self._compositor["a_corner"] = gloo.VertexBuffer(CORNERS)
        self._depth_compositor = program("screen.vert", "layer.frag", define="SHADE_DEPTH")
        self._depth_compositor["a_corner"] = gloo.VertexBuffer(CORNERS)
        self._depth_compositor["u_depth_map"] = depth_map_texture()

    def begin(self, frame: Frame) -> None:
        """Start a new picture; one that is still growing is given up."""
        self.growing = frame

    def clear(self) -> None:
        """Show nothing."""
        self.shown = self.growing = None

    def advance(
        self,
        budget_ms: float,
        *,
        opaque: Callable[[Lens, float], None],
        grid: Callable[[Lens, float], None],
        finish: Callable[[], None],
    ) -> bool:
        """Draw for about `budget_ms`; says whether the picture was finished and is shown now.

        `opaque` draws, for depth only, what hides Gaussians; `grid` draws the ground's
        lines between the Gaussians beyond it and those on this side; `finish` waits for
        the graphics card. The first two get the lens and scale of the picture.
        """
        frame = self.growing
        if frame is None:
            return False
        start = time.perf_counter()
        lens = frame.lens.scaled(frame.scale)
        width, height = lens.camera.width, lens.camera.height
        self._buffers.upload(frame.batch)
        self._back.resize(width, height)
        with self._back.framebuffer:
            gloo.set_viewport(0, 0, width, height)
            if not frame.begun:
                gloo.set_state(depth_test=True, depth_mask=True, blend=False, cull_face=False)
                gloo.set_depth_func("less")
                gloo.clear(color=(0.0, 0.0, 0.0, 0.0), depth=True)
                gloo.set_color_mask(False, False, False, False)
                opaque(lens, frame.scale)
                gloo.set_color_mask(True, True, True, True)
                frame.begun = True
            while True:
                self._draw_portion(frame, lens, budget_ms, start, grid, finish)
                if frame.done >= len(frame.batch) and frame.grid_drawn:
                    break
                if 1e3 * (time.perf_counter() - start) >= budget_ms:
                    break
        frame.seconds += time.perf_counter() - start
        if frame.done < len(frame.batch) or not frame.grid_drawn:
            return False
        self._front, self._back = self._back, self._front
        self.shown, self.growing = frame, None
        return True

    def composite(self, lens: Lens) -> None:
        """Draw what is shown over the present target. Blending is premultiplied."""
        frame = self.shown
        if frame is None:
            return
        source, target = frame.lens.scaled(frame.scale).camera, lens.camera
        homography = plane_homography(source, target, frame.batch.middle_depth)
        drawn = self._depth_compositor if frame.mode == "depth" else self._compositor
        drawn["u_size"] = (target.width, target.height)
        drawn["u_layer"] = self._front.texture
        drawn["u_to_layer"] = homography.T.astype(np.float32)
        drawn["u_layer_size"] = (source.width, source.height)
        drawn.draw("triangle_strip")

    def _draw_portion(
        self,
        frame: Frame,
        lens: Lens,
        budget_ms: float,
        start: float,
        grid: Callable[[Lens, float], None],
        finish: Callable[[], None],
    ) -> None:
        blending = frame.mode in ("colour", "depth")
        count = len(frame.batch)
        # Opaque Gaussians hide the grid by their depth: it comes last there.
        pause = frame.batch.beyond if blending else count
        if frame.done >= pause and not frame.grid_drawn:
            gloo.set_state(
                depth_test=True,
                depth_mask=False,
                blend=True,
                blend_func=("one", "one_minus_src_alpha"),
            )
            only_green = frame.mode == "depth"
            gloo.set_color_mask(not only_green, True, not only_green, True)
            grid(lens, frame.scale)
            gloo.set_color_mask(True, True, True, True)
            frame.grid_drawn = True
        if frame.done >= count:
            return
        gloo.set_state(
            depth_test=True,
            depth_mask=not blending,
            blend=blending,
            blend_func=("one", "one_minus_src_alpha"),
        )
        left = budget_ms - 1e3 * (time.perf_counter() - start)
        pixels = frame.batch.pixels
        portion = max(2.0, min(PORTION_MS, left))
        last = frame.costs.portion(pixels, frame.done, frame.scale, portion)
        if frame.done < pause:
            last = min(last, pause)
        before = time.perf_counter()
        self._buffers.draw(
            frame.done, last, lens, frame.mode, scale=frame.scale * frame.pixel_ratio
        )
        finish()
        fragments = float(pixels[last] - pixels[frame.done]) * frame.scale**2
        frame.costs.learn(last - frame.done, fragments, 1e3 * (time.perf_counter() - before))
        frame.done = last
