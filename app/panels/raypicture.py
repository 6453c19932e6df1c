"""What there is to draw and to list of a ray, so that a panel need not know where it came from."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.widgets.figures import count

HARDLY = 1e-3
"""Share of the light that is taken along a ray which does not matter for what is shown."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Takers:
    """The m things along a ray that take light: the samples of a level, or Gaussians."""

    start: np.ndarray
    """[m] distance at which each begins."""
    end: np.ndarray
    """[m] where it ends; the same as `start` for what is drawn as a stem."""
    weights: np.ndarray
    """[m] share of each in the pixel."""
    roles: tuple[str, ...]
    """Field of the theme for each, or a single one for all."""
    ticks: bool = False
    """Whether each gets a tick under the axis as well."""

    @property
    def middle(self) -> np.ndarray:
        """[m] where each is."""
        return 0.5 * (self.start + self.end)

    @property
    def heights(self) -> np.ndarray:
        """[m] as they are drawn: where each takes a stretch, its weight is the area, so that
        levels of different fineness can be compared."""
        length = self.end - self.start
        return np.divide(self.weights, length, out=self.weights.copy(), where=length > 0)

    def role(self, index: int) -> str:
        """Field of the theme for one of them."""
        return self.roles[index if len(self.roles) > 1 else 0]


@dataclass(frozen=True, eq=False, kw_only=True)
class RayPicture:
    """Everything that is drawn of one ray."""

    takers: tuple[Takers, ...]
    """Later ones lie over earlier ones."""
    light: np.ndarray
    """[n, 2] distance and transmittance, as a line."""
    sigma: np.ndarray
    """[m, 3] begin, end and density; empty for what has none."""
    marks: tuple[tuple[float, str], ...]
    """Distances that matter and what they are called."""

    @property
    def span(self) -> tuple[float, float]:
        """The stretch of the ray on which there is anything."""
        return span_of(self.takers)

    @property
    def home(self) -> tuple[float, float]:
        """The stretch on which nearly all of the light is taken, shown at first."""
        low, high = self.span
        ends = [settled_at(t.end, t.weights) for t in self.takers if t.weights.sum() > 0]
        starts = [begins_at(t.start, t.weights) for t in self.takers if t.weights.sum() > 0]
        if not ends:
            return low, high
        room = 0.15 * (max(ends) - min(starts)) or 0.1 * max(ends)
        return max(low, min(starts) - room), min(high, max(ends) + room)


@dataclass(frozen=True, eq=False, kw_only=True)
class Column:
    """One column of the table of a ray."""

    title: str
    tip: str
    values: np.ndarray
    """[m] what it is sorted by."""
    words: Callable[[int], str]
    """What stands in a row."""
    width: int
    """Device-independent pixels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LegendRow:
    """A colour, what it stands for and two figures."""

    role: str
    label: str
    value: str
    more: str


class RayView(Protocol):
    """A ray as the panel shows it."""

    levels: tuple[str, ...]
    """Names of what one can choose to list; one where there is no choice."""
    level: int
    """Which of them is listed and pointed at."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies along the ray."""
        ...

    def picture(self) -> RayPicture:
        """What is drawn of a ray that is not empty."""
        ...

    def legend(self) -> list[LegendRow]:
        """What the colours stand for, with figures."""
        ...

    def columns(self) -> tuple[Column, ...]:
        """The table of what one can point at."""
        ...

    def colours(self) -> np.ndarray:
        """[m, 3] sRGB of each row."""
        ...

    def keys(self) -> np.ndarray:
        """[m] numbers by which rows are found again in the next ray of the same pixel."""
        ...

    def sentence(self, index: int) -> str:
        """What there is to say on one row."""
        ...

    def places(self, index: int) -> np.ndarray:
        """[n, 3] where it is in space, the place on the ray first."""
        ...


def span_of(takers: tuple[Takers, ...]) -> tuple[float, float]:
    """The stretch of the ray on which there are any, with a little room at both ends."""
    ends = [(t.start.min(), t.end.max()) for t in takers if len(t.start)]
    low, high = (float(np.min(ends)), float(np.max(ends))) if ends else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.05 * high or 1.0
    return max(0.0, low - room), high + room


def settled_at(t: np.ndarray, weights: np.ndarray) -> float:
    """Distance beyond which hardly any light is taken; 0 where none is at all."""
    passed = np.cumsum(weights, dtype=np.float64)
    if len(t) == 0 or passed[-1] <= 0:
        return 0.0
    return float(t[int(np.searchsorted(passed, (1 - HARDLY) * passed[-1]))])


def begins_at(t: np.ndarray, weights: np.ndarray) -> float:
    """Distance up to which hardly any light is taken; some must be taken at all."""
    passed = np.cumsum(weights, dtype=np.float64)
    return float(t[int(np.searchsorted(passed, HARDLY * passed[-1]))])


def rank_column(size: int) -> Column:
    """The first column: the order along the ray."""
    return Column(
        title="#",
        tip="Order along the ray, with the colour seen",
        values=np.arange(size),
        words=lambda i: f"{i + 1}",
        width=38,
    )


def share_column(title: str, tip: str, values: np.ndarray, *, width: int = 46) -> Column:
    """A column of shares from 0 to 1."""

    def words(index: int) -> str:
        value = float(values[index])
        return f"{value:.3f}" if value >= 5e-4 or value == 0 else "<.001"

    return Column(title=title, tip=tip, values=values, words=words, width=width)


def figure_column(title: str, tip: str, values: np.ndarray, *, digits: int) -> Column:
    """A column of real numbers with as many decimals each; the largest has `digits` digits."""
    most = float(np.max(np.abs(values), initial=0.0))
    before = math.floor(math.log10(most)) + 1 if 0 < most < math.inf else 1
    decimals = min(max(0, digits - before), 8)
    return Column(
        title=title,
        tip=tip,
        values=values,
        words=lambda i: f"{values[i]:,.{decimals}f}",
        width=48 if before + decimals < 6 else 66,
    )


def count_column(title: str, tip: str, values: np.ndarray) -> Column:
    """A column of whole numbers, -1 standing for none."""
    return Column(
        title=title,
        tip=tip,
        values=values,
        words=lambda i: count(int(values[i])) if values[i] >= 0 else "none",
        width=66,
    )
