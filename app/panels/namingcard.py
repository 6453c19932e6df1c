"""How well the classifier that learns beside a diffusion model names classes."""

import math

import numpy as np
from PySide6.QtWidgets import QWidget

from app.widgets.figures import percent
from app.widgets.panel import Card, note
from app.widgets.smallplot import SmallPlot
from engines.diffusion.artifacts import Naming


class NamingCard(Card):
    """Share of right names by noise level over chance; the mouse tells figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Classifier accuracy", parent)
        self.naming: Naming | None = None
        self.plot = SmallPlot(
            "Accuracy of the classifier by noise level", ends=("little noise", "all noise")
        )
        self.words = note()
        self.plot.hovered.connect(self._say)
        self.plot.left.connect(self._say)
        self.body.addWidget(self.plot)
        self.body.addWidget(self.words)

    def show_naming(self, naming: Naming | None) -> None:
        """Show the newest state; None hides the card."""
        self.naming = naming
        self.setVisible(naming is not None)
        if naming is not None:
            chance = (naming.chance,) * len(naming.learnt)
            held_out = (naming.held_out,) if naming.held_out else ()
            lines = np.array([chance, naming.learnt, *held_out])
            self.plot.show_lines(lines, strong=len(lines) - 1, high=1.0)
            self._say()

    def _say(self, part: int = -1) -> None:
        if self.naming is not None:
            self.words.setText(words_of(self.naming, part))


def words_of(naming: Naming, part: int = -1) -> str:
    """How many names are right in a `part` of the levels, or -1 for what the lines are."""
    count = len(naming.learnt)
    chance = f"chance {percent(naming.chance, 1.0)}"
    if 0 <= part < count:
        held_out = ""
        if naming.held_out and math.isfinite(naming.held_out[part]):
            held_out = f"{percent(naming.held_out[part], 1.0)} of held out, "
        seen = naming.learnt[part]
        learnt = f"{percent(seen, 1.0)} of learnt" if math.isfinite(seen) else "none learnt yet"
        where = f"Noise level {part / count:g} to {(part + 1) / count:g}"
        return f"{where}: right are {held_out}{learnt}, {chance}"
    if naming.held_out:
        strong = "The strong line is of held-out data, the thin one of what was learnt lately"
    else:
        strong = "Of what was learnt lately"
    return f"Share of classes named rightly. {strong}; the level one is {chance}"
