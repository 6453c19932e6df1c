"""What a diffusion model has learnt of how much noise a step adds, between the two bounds."""

import math

import numpy as np
from PySide6.QtWidgets import QWidget

from app.widgets.figures import number
from app.widgets.panel import Card, note
from app.widgets.smallplot import SmallPlot
from engines.diffusion.artifacts import LearntVariance

HELP = (
    "Noise that a step of ddpm adds, over the least that can be right, for a way of 20 steps. "
    "Pale: 1, right if all images were the same; what is right for noise-like data of deviation 1; "
    "and between them what is right for noise-like data that spread as these do"
)


class VarianceCard(Card):
    """The learnt deviation by noise level with its bounds; the mouse tells figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Learnt variance", parent)
        self.variance: LearntVariance | None = None
        self.plot = SmallPlot(
            "Learnt deviation of the noise of a step, over its lower bound",
            ends=("little noise", "all noise"),
        )
        self.plot.setToolTip(f"<p>{HELP}</p>")
        self.words = note()
        self.plot.hovered.connect(self._say)
        self.plot.left.connect(self._say)
        self.body.addWidget(self.plot)
        self.body.addWidget(self.words)

    def show_variance(self, variance: LearntVariance | None) -> None:
        """Show the newest state; None hides the card."""
        self.variance = variance
        self.setVisible(variance is not None)
        if variance is not None:
            lines = relative(variance)
            least, most = float(np.nanmin(lines)), float(np.nanmax(lines))
            self.plot.show_lines(lines, strong=3, low=least, high=most)
            self._say()

    def _say(self, part: int = -1) -> None:
        if self.variance is not None:
            self.words.setText(words_of(self.variance, part))


def relative(variance: LearntVariance) -> np.ndarray:
    """[4, parts] deviations over the lower bound, by noise level: bounds, normal, learnt."""
    parts = range(len(variance.shares))
    ones = [1.0 for _ in parts]
    kinds = (ones, variance.normal, variance.shares)
    lower = [1.0 for _ in parts]
    upper, normal, learnt = (
        [variance.sigma(i, shares[i]) / variance.small[i] for i in parts] for shares in kinds
    )
    return np.array([lower, upper, normal, learnt])


def words_of(variance: LearntVariance, part: int = -1) -> str:
    """Figures of one part; what is pale where it is -1."""
    count = len(variance.shares)
    if not 0 <= part < count:
        return "Pale are the bounds, and what is right for noise-like data that spread as these do"
    where = f"Noise level {part / count:g} to {(part + 1) / count:g}: "
    share = variance.shares[part]
    if not math.isfinite(share):
        return f"{where}not seen yet"
    return (
        f"{where}σ = {number(variance.sigma(part, share))} between "
        f"{number(variance.small[part])} and {number(variance.large[part])}, v = {number(share)}"
    )
