"""Two sources under one camera: what is put side by side, and how far they are apart."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.asked import Exactly
from app.pairview import PairView, joined
from app.photosource import PhotoSource
from assets.camera import Camera
from engines.artifacts import FieldRay, SplatRay
from engines.engine import RenderedView, RenderSource

DERIVED = ("depth", "accumulation")
"""Modes that follow from any view in colour, so that both sides have the same scale."""
ONLY_BOTH = "Two are compared: only what both can show is to be seen"
ONLY_COLOUR = "A photo is compared: it has nothing but colour"


@dataclass(frozen=True, eq=False, kw_only=True)
class Pair:
    """What is compared, as the viewport has to know it."""

    exactly: Exactly
    """Draws both."""
    sides: tuple[Exactly | None, Exactly | None]
    """Each by itself, the left one first; None for a photo."""
    names: tuple[str, str]
    """What a person calls them: "A"."""
    modes: tuple[str, ...]
    """In which they can be compared."""
    divided: bool
    """There is a line between them; otherwise their difference is seen."""

    def side_at(self, share: float, divide: float) -> int:
        """Which of them a person means there, `share` of the width from the left.

        `divide` is where the line is. Of a difference it is the first one.
        """
        side = 1 if self.divided and share >= divide else 0
        return side if self.sides[side] is not None else 1 - side

    def barred(self, modes: tuple[str, ...]) -> dict[str, str]:
        """Why some of these modes cannot be shown."""
        reason = ONLY_COLOUR if None in self.sides else ONLY_BOTH
        return {mode: reason for mode in modes if mode not in self.modes}


class PairSource:
    """Draws two sources for the same camera. As a `RenderSource`, but without rays."""

    def __init__(
        self,
        first: RenderSource,
        second: RenderSource,
        *,
        modes: tuple[str, ...],
        apart: bool = False,
    ) -> None:
        """`modes` in which both can be seen, side by side or, if `apart`, as a difference."""
        self._sources, self._apart = (first, second), apart
        self.modes = modes

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> PairView:
        """The view of `camera`; both sources share `budget_ms`."""
        each_ms = None if budget_ms is None else budget_ms / 2
        asked = self._asked(mode)
        sides = [_Side(_once(source, camera, each_ms, asked), camera) for source in self._sources]
        for side in sides:
            side.advance()
        return self._joined(camera, sides, mode)

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[PairView]:
        """Better and better views: the sources take turns, and who is done waits."""
        asked = self._asked(mode)
        sides = [_Side(source.refine(camera, mode=asked), camera) for source in self._sources]
        try:
            while True:
                moved = [side.advance() for side in sides]
                if not any(moved):
                    return
                if all(side.view is not None for side in sides):
                    yield self._joined(camera, sides, mode)
        finally:
            for side in sides:
                side.close()

    def probe(self, camera: Camera, x: float, y: float) -> FieldRay | SplatRay:
        """Whose ray it were is not known; ask one of the two."""
        raise NotImplementedError("a pair has no rays; ask one of its sources")

    def _asked(self, mode: str) -> str:
        """What each source is asked for."""
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}; expected one of {', '.join(self.modes)}")
        return "colour" if mode in DERIVED else mode

    def _joined(self, camera: Camera, sides: list["_Side"], mode: str) -> PairView:
        first, second = (side.view for side in sides)
        assert first is not None
        assert second is not None
        run, other = self._sources
        behind = None
        if isinstance(other, PhotoSource):
            colour = getattr(run, "behind", None)
            behind = np.zeros(3) if colour is None else np.array(colour.tolist())
        return joined(
            camera,
            (first, second),
            mode=mode,
            apart=self._apart,
            behind=behind,
            took_ms=(sides[0].whole_ms, sides[1].whole_ms),
        )


class _Side:
    """One of the two while it is drawn: its newest view, and what a whole one took."""

    def __init__(self, views: Iterator[RenderedView], camera: Camera) -> None:
        self._views, self._full = views, camera.width * camera.height
        self.view: RenderedView | None = None
        self.whole_ms = math.nan
        """All pieces of the view in full resolution together; NaN while it is not done."""
        self._spent_ms = 0.0

    def advance(self) -> bool:
        """Draw the next piece; False where there is none."""
        began = time.perf_counter()
        view = next(self._views, None)
        if view is None:
            return False
        self._spent_ms += 1e3 * (time.perf_counter() - began)
        self.view = view
        if view.whole:
            if view.depth.size == self._full:
                self.whole_ms = self._spent_ms
            self._spent_ms = 0.0
        return True

    def close(self) -> None:
        """Draw no more."""
        close = getattr(self._views, "close", None)
        if close is not None:
            close()


def common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Modes in which two sources can be compared that have these."""
    both = tuple(mode for mode in first if mode in second and mode not in DERIVED)
    return (*both, *DERIVED)


def _once(
    source: RenderSource, camera: Camera, budget_ms: float | None, mode: str
) -> Iterator[RenderedView]:
    yield source.render(camera, budget_ms, mode=mode)
