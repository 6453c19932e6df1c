"""Axes with few, round figures and hair lines across, drawn behind the curves."""

import math

import numpy as np
import pyqtgraph as pg

from app import theme
from app.widgets.figures import count, number

APART_PX = {"left": 19, "bottom": 40}
"""Least distance between two figures."""


def round_steps(low: float, high: float, most: int) -> np.ndarray:
    """At most about `most` multiples of 1, 2 or 5 times a power of ten in [low, high]."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return np.empty(0)
    rough = span / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [power * m for m in (10, 5, 2, 1, 0.5, 0.2)]
    # As coarse as asked, but finer rather than a single figure that says nothing of scale.
    for step in [s for s in steps if s >= rough * (1 - 1e-9)][-1:] + [
        s for s in steps if s < rough * (1 - 1e-9)
    ]:
        ticks = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
        if len(ticks) >= 2:
            break
    return np.where(np.abs(ticks) < step * 1e-6, 0.0, ticks)


def log_steps(low: float, high: float, most: int) -> np.ndarray:
    """Positions (log10) of at most about `most` round values between 10^low and 10^high."""
    decades = np.arange(math.floor(low), math.ceil(high) + 1)
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        ticks = np.sort(np.concatenate([decades + math.log10(m) for m in mantissas]))
        ticks = ticks[(ticks >= low) & (ticks <= high)]
        if len(ticks) <= most:
            break
    else:
        ticks = ticks[:: -(-len(ticks) // most)]
    if len(ticks) < 2:
        values = round_steps(10.0**low, 10.0**high, most)
        ticks = np.log10(values[values > 0])
    return ticks


def tick_words(value: float) -> str:
    """A round value in few letters: 1,500, 0.05, 1e-5."""
    return count(value) if value.is_integer() and 1 <= abs(value) < 1e9 else number(value)


class QuietAxis(pg.AxisItem):
    """An axis without line, ticks or units."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.apart_px = APART_PX[side]
        self.setStyle(tickLength=0, tickFont=theme.font(10), tickTextOffset=5)
        self.enableAutoSIPrefix(False)
        self.setPen(pg.mkPen(None))
        if side == "left":
            self.setGrid(255)

    def recolour(self) -> None:
        """Take the colours of the theme in use."""
        colours = theme.current()
        self.setTickPen(pg.mkPen(colours.line))
        self.setTextPen(pg.mkPen(colours.muted))

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list:
        """One level of round positions."""
        most = max(2, int(size / self.apart_px))
        ticks = log_steps if self.logMode else round_steps
        return [(1.0, ticks(min(minVal, maxVal), max(minVal, maxVal), most).tolist())]

    def tickStrings(self, values: list, scale: float, _spacing: float) -> list[str]:
        """Each value as people say it."""
        exact = [10.0**v if self.logMode else v * scale for v in values]
        return [tick_words(float(f"{v:.6g}")) for v in exact]
