"""Whether a diffusion run is well: where it errs, how it moves, and what is off in a sentence."""

import math

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.variancecard import VarianceCard
from app.theme import set_role
from app.widgets.figures import count, number, percent
from app.widgets.legend import Legend
from app.widgets.levelbars import LevelBars
from app.widgets.panel import Card, Panel, add_scrolled, note
from app.widgets.smallplot import SmallPlot
from engines.diffusion.artifacts import Health, Naming

EMPTY = "Shown once a diffusion model learns"
WELL = "Nothing is off"
FIGURES = {
    "gradient": "Gradient norm",
    "lag": "EMA lag",
    "non_finite": "Non-finite in samples",
    "deviation": "Deviation of the data",
}


class HealthPanel(Panel):
    """Loss and learnt variance by noise level, figures, and sentences when something is off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Health", parent)
        self.health: Health | None = None
        self.sentences = note()
        self.levels = LevelBars()
        self.levels_words = note()
        self.naming = SmallPlot(
            "Accuracy of the classifier by noise level", ends=("little noise", "all noise")
        )
        self.naming_words = note()
        self.naming.hovered.connect(self._say_named)
        self.naming.left.connect(self._say_named)
        self.figures = Legend()
        for key, label in FIGURES.items():
            self.figures.add_row(key, label)
        self.figures.show_second(False)
        findings, levels, figures = Card("Findings"), Card("Loss by noise level"), Card("Figures")
        findings.body.addWidget(self.sentences)
        levels.body.addWidget(self.levels)
        levels.body.addWidget(self.levels_words)
        figures.body.addWidget(self.figures)
        self.variance = VarianceCard()
        self.cards = (findings, levels, self.variance, figures)
        self.naming_card = Card("Classifier accuracy by noise level")
        self.naming_card.body.addWidget(self.naming)
        self.naming_card.body.addWidget(self.naming_words)
        self.empty = note(EMPTY)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.empty)
        for card in (findings, levels, self.variance, self.naming_card, figures):
            column.addWidget(card)
        column.addStretch(1)
        add_scrolled(self, content)
        self.clear()

    def clear(self) -> None:
        """There is no run."""
        self.health = None
        self.empty.show()
        for card in self.cards:
            card.hide()
        self.naming_card.hide()
        self.header.set_value("")

    def show_health(self, health: Health) -> None:
        """Show the newest state."""
        self.health = health
        self.empty.hide()
        for card in self.cards:
            card.show()
        self.header.set_value(f"step {count(health.step)}")
        set_role(self.sentences, "warn" if health.sentences else "muted")
        self.sentences.setText("\n\n".join(health.sentences) or WELL)
        self.levels.show_levels(health.levels, health.untrained)
        self.levels_words.setText(share_of_untrained(health))
        self._show_naming(health.naming)
        self.variance.show_variance(health.variance)
        self.figures.set_row("gradient", number(health.gradient))
        self.figures.set_row("lag", percent(health.lag, 1.0))
        drawn = health.non_finite
        self.figures.set_row("non_finite", "not yet" if drawn is None else percent(drawn, 1.0))
        self.figures.set_row("deviation", number(health.deviation))

    def _show_naming(self, naming: Naming | None) -> None:
        self.naming_card.setVisible(naming is not None)
        if naming is None:
            return
        chance = (naming.chance,) * len(naming.learnt)
        held_out = (naming.held_out,) if naming.held_out else ()
        lines = np.array([chance, naming.learnt, *held_out])
        self.naming.show_lines(lines, strong=len(lines) - 1, high=1.0)
        self._say_named()

    def _say_named(self, part: int = -1) -> None:
        """Say the figures of a part of the noise levels, or what the lines are."""
        naming = None if self.health is None else self.health.naming
        if naming is not None:
            self.naming_words.setText(words_of_naming(naming, part))


def words_of_naming(naming: Naming, part: int = -1) -> str:
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


def share_of_untrained(health: Health) -> str:
    """How much of what can be got wrong is still got wrong, in a sentence."""
    pairs = [
        (level, untrained)
        for level, untrained in zip(health.levels, health.untrained, strict=True)
        if math.isfinite(level) and untrained > 0
    ]
    if not pairs:
        return "Pale bars are the loss of a network that knows nothing"
    share = sum(level / untrained for level, untrained in pairs) / len(pairs)
    return (
        f"On average {percent(share, 1.0)} of the loss of a network that knows nothing, which is "
        "pale"
    )
