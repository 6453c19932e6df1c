"""Everything that can be in the viewport and the order in which it is drawn."""

import numpy as np
from vispy import gloo

from assets.camera import Camera
from renderers.colours import BACKGROUND
from renderers.divided import Divided
from renderers.frusta import Frusta
from renderers.grid import Grid
from renderers.layer import GaussianLayer
from renderers.meshes import Meshes
from renderers.pictures import PhotoOverlay, RenderedPicture
from renderers.points import Points
from renderers.projection import Lens
from renderers.ray import Ray
from renderers.wirebox import WireBox

EDGE_CUTOFF = 0.5
"""Soft edges of lines hide Gaussians from this alpha on."""


class Scene:
    """What is drawn, from the back to the front of one picture. Needs a current context."""

    def __init__(self) -> None:
        self.background: tuple[float, float, float] = BACKGROUND
        self.grid_visible = True
        self.cameras_visible = True
        self.learnt_visible = True
        """Whether views that were rendered elsewhere are drawn."""
        self.meshes_visible = True
        self.comparing = False
        """A photo lies over the view: cameras and rays would only be in the way."""
        self.pixel_ratio = 1.0
        """Pixels of the target in one nominal pixel."""
        self.pivot = np.zeros(3)
        self.points = Points()
        self.cloud_points = Points()
        self.meshes = Meshes()
        self.frusta = Frusta()
        self.ray = Ray()
        self.box = WireBox()
        self.grid = Grid()
        self.rendered = RenderedPicture()
        self.divided = Divided()
        self.photo = PhotoOverlay()
        self.layer = GaussianLayer()

    def draw_opaque(self, lens: Lens, scale: float = 1.0, *, cutoff: float = EDGE_CUTOFF) -> None:
        """Draw what hides Gaussians; with its depth alone when colours are masked."""
        self._draw_solids(lens, shade_depth=False)
        self.points.draw(lens, scale=scale * self.pixel_ratio)
        self.cloud_points.draw(lens, scale=scale * self.pixel_ratio)
        if self.cameras_visible and not self.comparing:
            self.frusta.draw(lens, scale=scale * self.pixel_ratio, cutoff=cutoff)
        if not self.comparing:
            self.ray.draw(lens, scale=scale * self.pixel_ratio, cutoff=cutoff)
        self.box.draw(lens, scale=scale * self.pixel_ratio, cutoff=cutoff)

    def draw_grid(self, lens: Lens, scale: float = 1.0) -> None:
        """Draw the ground's lines, blended."""
        if self.grid_visible:
            self.grid.background = self.background
            self.grid.draw(lens, pivot=self.pivot, scale=scale * self.pixel_ratio)

    def draw(self, lens: Lens, *, shade_depth: bool, photo_camera: Camera | None) -> None:
        """Draw the whole picture onto the present target, of the lens's size.

        The layer of Gaussians is taken as it is: whoever owns the clock has advanced it.
        """
        camera = lens.camera
        gloo.set_viewport(0, 0, camera.width, camera.height)
        gloo.set_state(
            depth_test=True,
            depth_mask=True,
            blend=True,
            blend_func=("one", "one_minus_src_alpha"),
            cull_face=False,
        )
        gloo.set_depth_func("less")
        gloo.set_color_mask(True, True, True, True)
        gloo.clear(color=(*self.background, 1.0), depth=True)
        self._draw_solids(lens, shade_depth=shade_depth)
        self.points.draw(lens, scale=self.pixel_ratio)
        self.cloud_points.draw(lens, scale=self.pixel_ratio)
        if self.cameras_visible and not self.comparing:
            self.frusta.draw(lens, scale=self.pixel_ratio)
        if not self.comparing:
            self.ray.draw(lens, scale=self.pixel_ratio)
        self.box.draw(lens, scale=self.pixel_ratio)
        gloo.set_state(depth_mask=False)
        if self.layer.shown is None:
            self.draw_grid(lens)
        gloo.set_state(depth_test=False)
        self.layer.composite(lens)
        if not self.comparing:
            self.ray.draw_over(lens, scale=self.pixel_ratio)
        self.box.draw_hidden(lens, scale=self.pixel_ratio)
        if self.divided.shown and self.learnt_visible:
            self.divided.draw_edge(camera.width, camera.height)
        if photo_camera is not None:
            self.photo.draw(photo_camera, camera.width, camera.height)
        # Clearing obeys the depth mask: leave it open for whoever draws next.
        gloo.set_state(depth_mask=True, depth_test=True)

    def _draw_solids(self, lens: Lens, *, shade_depth: bool) -> None:
        if self.learnt_visible:
            self.divided.draw(self.rendered, lens, shade_depth=shade_depth)
        if self.meshes_visible:
            self.meshes.draw(lens)
