"""A ground to stand on: lines that seem endless, with a spacing that suits the distance."""

import numpy as np

from renderers.colours import BACKGROUND, BLUE, RED
from renderers.lines import Lines
from renderers.projection import Lens
from renderers.rotation import perpendicular

MINOR_CONTRAST, MAJOR_CONTRAST = 0.15, 0.23
"""How much thin and thick lines stand out from the background."""
CELLS = 32
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
        self.background: tuple[float, float, float] = BACKGROUND
        """What the lines are to stand out from."""
        self._minor, self._major = Lines(), Lines()
        self._built: tuple | None = None

    @property
    def plane(self) -> tuple[np.ndarray, float]:
        """Unit normal [3] and offset along it."""
        return self.up, self.height

    def draw(self, lens: Lens, *, pivot: np.ndarray, scale: float = 1.0) -> None:
        """Draw around where `pivot` [3] stands on the ground; lines `scale` pixels wide.

        Lines that would be thinner than a pixel are fainter instead.
        """
        width, opacity = max(1.0, scale), min(1.0, scale)
        centre = lens.camera.centre
        above = abs(float(centre @ self.up) - self.height)
        away = max(above, 0.6 * float(np.linalg.norm(centre - pivot)))
        spacing, strength = spacing_for(away)
        strength = round(strength, 2)
        first, second = _ground_axes(self.up)
        tile = 10.0 * spacing
        middle = np.round([pivot @ first / tile, pivot @ second / tile]) * tile
        key = (spacing, strength, *middle, *self.up, self.height, *self.background)
        if key != self._built:
            self._built = key
            axes = (first, second)
            thin, thick = self._tint(MINOR_CONTRAST), self._tint(MAJOR_CONTRAST)
            self._build(self._minor, axes, middle, spacing, (*thin, strength), skip=10)
            self._build(self._major, axes, middle, tile, (*thick, 1.0), skip=0)
        ground = pivot - (pivot @ self.up - self.height) * self.up
        reach = 0.9 * CELLS * spacing
        if strength > 0.08:
            self._minor.draw(lens, width=width, fade=(ground, reach), opacity=opacity)
        # As the thin lines vanish, the thick ones take over their place.
        far = reach * (10.0 - 8.0 * strength)
        self._major.draw(lens, width=width, fade=(ground, far), opacity=opacity)

    def _tint(self, contrast: float) -> tuple[float, float, float]:
        """A slightly blue grey, lighter than a dark background and darker than a light one."""
        red, green, blue = self.background
        sign = 1.0 if red + green + blue < 1.5 else -0.7
        return (
            red + sign * 0.9 * contrast,
            green + sign * contrast,
            blue + sign * 1.2 * contrast,
        )

    def _build(
        self,
        lines: Lines,
        axes: tuple[np.ndarray, np.ndarray],
        middle: np.ndarray,
        spacing: float,
        colour: tuple[float, float, float, float],
        *,
        skip: int,
    ) -> None:
        """Lines `spacing` apart, without every `skip`-th; those through the origin are axes."""
        start, end, colours = [], [], []
        steps = np.arange(-CELLS, CELLS + 1)
        for own, axis_colour in ((0, BLUE), (1, RED)):
            u, v = axes[own], axes[1 - own]
            across = np.round(middle[own] / spacing) + steps
            across = across[across % skip != 0] if skip else across
            foot = self.height * self.up + spacing * across[:, None] * u + middle[1 - own] * v
            start.append(foot - CELLS * spacing * v)
            end.append(foot + CELLS * spacing * v)
            tint = np.tile(colour, (len(across), 1))
            tint[across == 0] = (*axis_colour, 0.75)
            colours.append(tint)
        lines.set_lines(np.concatenate(start), np.concatenate(end), np.concatenate(colours))


def _ground_axes(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The world's own axes where `up` is one of them, otherwise any two that fit."""
    axis = int(np.argmax(np.abs(up)))
    if abs(up[axis]) > 0.9999:
        return np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
    return perpendicular(up)
