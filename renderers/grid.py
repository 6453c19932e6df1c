"""A ground to stand on: lines that seem endless, with a spacing that suits the distance."""

import numpy as np

from renderers.colours import BLUE, RED
from renderers.lines import Lines
from renderers.projection import Lens
from renderers.rotation import perpendicular

MINOR_COLOUR = (0.20, 0.22, 0.26)
MAJOR_COLOUR = (0.27, 0.30, 0.35)
CELLS = 44
"""Thin lines to each side of the middle."""


def spacing_for(distance: float) -> tuple[float, float]:
    """Spacing of the thin lines (a power of ten) seen from `distance`, and their strength.

    The strength falls from 1 to 0 while the distance grows tenfold; then the thick lines,
    ten times as far apart, have become the thin ones.
    """
    level = np.log10(max(distance, 1e-9) / 6.0)
    whole = np.floor(level)
    return float(10.0**whole), float(1.0 - (level - whole))


class Grid:
    """A square grid perpendicular to `up` at `height` along it."""

    def __init__(self) -> None:
        self.up = np.array([0.0, -1.0, 0.0])
        self.height = 0.0
        self._lines = Lines()
        self._built: tuple | None = None
        self._fade: tuple[np.ndarray, float] = (np.zeros(3), 1.0)

    @property
    def plane(self) -> tuple[np.ndarray, float]:
        """Unit normal [3] and offset along it."""
        return self.up, self.height

    def draw(self, lens: Lens, *, pivot: np.ndarray, scale: float = 1.0) -> None:
        """Draw around where `pivot` [3] stands on the ground; lines `scale` pixels wide."""
        centre = lens.camera.centre
        above = abs(float(centre @ self.up) - self.height)
        self._build(max(above, 0.6 * float(np.linalg.norm(centre - pivot))), pivot)
        self._lines.draw(lens, width=scale, fade=self._fade)

    def _build(self, distance: float, pivot: np.ndarray) -> None:
        spacing, strength = spacing_for(distance)
        first, second = _ground_axes(self.up)
        middle = np.round([pivot @ first / (10 * spacing), pivot @ second / (10 * spacing)]) * 10
        key = (spacing, round(strength, 2), *middle, *self.up, self.height)
        if key == self._built:
            return
        self._built = key
        reach = CELLS * spacing
        start, end, colours = [], [], []
        for step, along, count, colour, alpha in (
            (spacing, reach, CELLS, MINOR_COLOUR, strength),
            (10 * spacing, 10 * reach, CELLS // 2, MAJOR_COLOUR, 1.0),
        ):
            for u, v, own, other, axis_colour in (
                (first, second, middle[0], middle[1], BLUE),
                (second, first, middle[1], middle[0], RED),
            ):
                across = own * spacing + step * np.arange(-count, count + 1)
                tenth = np.abs(np.round(across / (10 * spacing)) * 10 * spacing - across)
                keep = (tenth > 0.5 * spacing) | (step > spacing)
                across = across[keep]
                foot = self.height * self.up + across[:, None] * u
                low, high = other * spacing - along, other * spacing + along
                start.append(foot + low * v)
                end.append(foot + high * v)
                tint = np.tile((*colour, alpha), (len(across), 1))
                tint[np.abs(across) < 0.5 * spacing] = (*axis_colour, 0.75)
                colours.append(tint)
        self._lines.set_lines(np.concatenate(start), np.concatenate(end), np.concatenate(colours))
        ground = pivot - (pivot @ self.up - self.height) * self.up
        self._fade = (ground, (1.0 + 9.0 * (1.0 - strength)) * 0.95 * reach)


def _ground_axes(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The world's own axes where `up` is one of them, otherwise any two that fit."""
    axis = int(np.argmax(np.abs(up)))
    if abs(up[axis]) > 0.9999:
        return np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
    return perpendicular(up)
