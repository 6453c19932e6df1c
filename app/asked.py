"""Views that only an engine can draw: asked for as the camera goes, shown as they get better."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.exact import Drawn, ExactRenderer, Wish
from app.pairview import PairView
from assets.camera import Camera
from engines.engine import RenderedView, RenderSource
from renderers.canvas import Viewport

MOVING_BUDGET_MS = 60.0
"""For a view while the camera moves; at rest it is drawn in full."""
STILL_S = 0.25
"""So long without a move before a view is drawn in full."""
LONGEST_PX = 1280
"""Longest side of a view; a larger window shows it enlarged."""
LOOK_S = 1.5
"""So long one state is drawn better and better before a newer one may take its place."""
STALE_S = 3.0
"""A newer state is shown after this time even where it is not as sharp yet as the older one."""


@dataclass(frozen=True, eq=False)
class Exactly:
    """Where views come from and which state that is."""

    source: Callable[[], RenderSource]
    version: object
    look: object = None
    """How a person wants to see that state: in which light, beside what. Equal means the same."""

    def is_same(self, other: "Exactly | None") -> bool:
        """Whether the other shows the same state in the same way."""
        return other is not None and other.version is self.version and other.look == self.look


class AskedView:
    """Keeps the viewport's rendered view up to date. Called from the window's thread only.

    While the camera moves views are coarse, at rest they get better. A newer state is drawn
    from coarse to sharp again, and is shown as soon as it is as sharp as what it replaces.
    """

    def __init__(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self.renderer = ExactRenderer()
        """Draws the views; rays of the same states can be asked of it, too."""
        self._exactly: Exactly | None = None
        self._since = 0.0
        """When the state at hand came."""
        self._asked: tuple | None = None
        self._moving = False
        self._shown: Drawn | None = None
        self.mode = "colour"

    @property
    def shown(self) -> bool:
        """A view is on show."""
        return self._shown is not None

    @property
    def view(self) -> RenderedView | None:
        """The view on show."""
        return self._shown.view if self._shown is not None else None

    @property
    def camera(self) -> Camera:
        """Whose view is asked for in full."""
        return _limited(self._viewport.camera)

    @property
    def share(self) -> float:
        """How much of the time drawing may take."""
        return self.renderer.share

    @share.setter
    def share(self, share: float) -> None:
        self.renderer.share = share

    @property
    def unfinished(self) -> bool:
        """Better views of what is on show are still to come."""
        return self._exactly is not None and self.renderer.busy

    @property
    def wants_newer(self) -> bool:
        """The state at hand has been seen for as long as it is worth; there may be a newer one."""
        if self._exactly is None or not self.renderer.busy:
            return True
        if time.monotonic() - self._since < LOOK_S:
            return False
        seen = self._shown is not None and self._shown.wish.version is self._exactly.version
        return seen or self._moving

    def show(self, exactly: Exactly | None) -> None:
        """Draw this state from now on, or none."""
        if exactly is None:
            self.forget()
        elif not exactly.is_same(self._exactly):
            self._since = time.monotonic()
        self._exactly = exactly

    def forget(self) -> None:
        """Show none; drawing begins anew with the next `follow`."""
        self._asked = self._shown = None
        self.renderer.forget()
        self._viewport.show_rendered(None)
        self._viewport.show_beside(None)

    def follow(self, still_s: float) -> str:
        """Show what was drawn and ask for what is to be seen now, `still_s` after the last move.

        Returns the traceback of what could not be drawn, mostly "".
        """
        if self._exactly is None:
            return ""
        drawn = self.renderer.take()
        if drawn is not None and self._improves(drawn):
            if self._shown is None:
                self._viewport.show_gaussians(None)
            self._shown = drawn
            self._put(drawn.view)
        moving = still_s < STILL_S
        camera = self.camera
        exactly = self._exactly
        asked = (exactly.version, (self.mode, exactly.look), moving, *_place(camera))
        if asked != self._asked:
            # The first look after a rest, or at something else, is what a person waits for.
            at_once = self._asked is None or (moving and not self._moving)
            at_once = at_once or asked[1] != self._asked[1]
            self._asked, self._moving = asked, moving
            self.renderer.ask(
                Wish(
                    exactly.source,
                    exactly.version,
                    camera,
                    MOVING_BUDGET_MS if moving else None,
                    self.mode,
                    at_once,
                    exactly.look,
                )
            )
        return self.renderer.take_problem()

    def close(self) -> None:
        """End the thread."""
        self.renderer.close()

    def _put(self, view: RenderedView) -> None:
        self._viewport.show_rendered(view.image, view.depth, view.camera, alpha=view.alpha)
        left = view.left if isinstance(view, PairView) else None
        if left is None:
            self._viewport.show_beside(None)
        else:
            self._viewport.show_beside(left.image, left.depth, left.camera, alpha=left.alpha)

    def _improves(self, drawn: Drawn) -> bool:
        """Whether it shows something else than what is on show, or the same at least as well."""
        shown = self._shown
        if shown is None:
            return True
        if drawn.pixels == 0:
            return False  # parts of it are empty still
        if (shown.wish.mode, shown.wish.look) != (drawn.wish.mode, drawn.wish.look):
            return True
        if _place(shown.wish.camera) != _place(drawn.wish.camera):
            return True
        if drawn.pixels >= shown.pixels:
            return True
        newer = drawn.wish.version is not shown.wish.version
        return newer and time.monotonic() - self._since > STALE_S


def _place(camera: Camera) -> tuple:
    return camera.width, camera.height, camera.fx, camera.camera_to_world.tobytes()


def _limited(camera: Camera) -> Camera:
    longest = max(camera.width, camera.height)
    if longest <= LONGEST_PX:
        return camera
    share = LONGEST_PX / longest
    return camera.resized(round(camera.width * share), round(camera.height * share))
