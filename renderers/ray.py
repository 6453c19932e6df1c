"""The ray of one pixel in space: a line from the eye, and a dot for everything that made it."""

from dataclasses import dataclass

import numpy as np

from renderers.colours import ACCENT, BACKGROUND
from renderers.dots import Dots
from renderers.lines import Lines
from renderers.projection import Lens

LINE_PX = 2.2
LEAST_PX, MOST_PX = 4.5, 13.0
"""Diameters of the dots of what hardly counts and of what makes the whole pixel."""
HIDDEN_LINE, HIDDEN_DOTS = 0.3, 0.6
"""Opacity behind something else: a ray must not get lost in what it explains."""
POINTED_PX = 15.0


@dataclass(frozen=True, eq=False, kw_only=True)
class RayMark:
    """A ray to show."""

    origin: np.ndarray
    """[3] the eye."""
    direction: np.ndarray
    """[3] of length 1."""
    length: float
    """World units; 0 for as far as it takes to cross what is in view."""
    t: np.ndarray
    """[m] distances of the dots from the eye."""
    weights: np.ndarray
    """[m] share of each in the pixel; the area of its dot grows with it."""
    colours: np.ndarray
    """[m, 3] sRGB."""


class Ray:
    """One ray or none, and the place on it that a person points at."""

    def __init__(self) -> None:
        self.mark: RayMark | None = None
        self._line, self._tie = Lines(), Lines()
        self._dots, self._pointed = Dots(rim=ACCENT), Dots(rim=BACKGROUND)
        self._built, self._reach = True, 1.0
        self._places = np.zeros((0, 3))

    def show(self, mark: RayMark | None, *, reach: float) -> None:
        """Show `mark` or none; it is `reach` long where it does not say how long."""
        self.mark, self._reach, self._built = mark, reach, False
        self.point_out(None)

    def point_out(self, places: np.ndarray | None) -> None:
        """Mark `places` [n, 3], joined by a thin line; None for none."""
        self._places = np.zeros((0, 3)) if places is None else np.asarray(places, dtype=np.float64)
        self._built = False

    def draw(self, lens: Lens, *, scale: float = 1.0, cutoff: float = 0.0) -> None:
        """Draw with depth; wider by `scale`. Blending is premultiplied."""
        if self.mark is None:
            return
        self._build(self.mark)
        self._line.draw(lens, width=LINE_PX * scale, cutoff=cutoff)
        self._dots.draw(lens, scale=scale, cutoff=cutoff)

    def draw_over(self, lens: Lens, *, scale: float = 1.0) -> None:
        """Let what is hidden shine through, and draw what is pointed at; without depth."""
        if self.mark is None:
            return
        self._build(self.mark)
        self._line.draw(lens, width=LINE_PX * scale, opacity=HIDDEN_LINE)
        self._dots.draw(lens, scale=scale, opacity=HIDDEN_DOTS)
        self._tie.draw(lens, width=LINE_PX * scale)
        self._pointed.draw(lens, scale=scale)

    def _build(self, mark: RayMark) -> None:
        """Hand over what changed since the last time; a hidden window would pile it up."""
        if self._built:
            return
        self._built = True
        accent = np.array([[*ACCENT, 1.0]])
        start, end = (
            (mark.origin + t * mark.direction)[None] for t in (0.0, mark.length or self._reach)
        )
        self._line.set_lines(start, end, accent)
        order = np.argsort(-mark.t, kind="stable")  # far ones first, so that soft edges blend
        order = order[np.isfinite(mark.t[order]) & np.isfinite(mark.weights[order])]
        share = np.sqrt(np.clip(mark.weights[order], 0.0, 1.0))
        self._dots.set_dots(
            mark.origin + mark.t[order, None] * mark.direction,
            mark.colours[order],
            LEAST_PX + (MOST_PX - LEAST_PX) * share,
        )
        places = self._places
        shades = np.tile(accent, (max(0, len(places) - 1), 1))
        self._tie.set_lines(places[:-1], places[1:], shades)
        self._pointed.set_dots(
            places, np.tile(accent[:, :3], (len(places), 1)), np.full(len(places), POINTED_PX)
        )
