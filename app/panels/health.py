"""Whether a diffusion run is well: where it errs, how it moves, and what is off in a sentence."""

import math
from collections.abc import Mapping

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.modelcard import ModelCard
from app.panels.namingcard import NamingCard
from app.panels.variancecard import VarianceCard
from app.theme import set_role
from app.widgets.figures import count, number, percent
from app.widgets.legend import Legend
from app.widgets.levelbars import LevelBars
from app.widgets.panel import Card, Panel, add_scrolled, note
from engines.diffusion.artifacts import Health

EMPTY = "Shown once a diffusion model learns"
IN_STAGE_2 = "Shown in stage 2, once the autoencoder is learnt"
WELL = "Nothing looks wrong"
FIGURES = {
    "gradient": "Gradient norm",
    "lag": "EMA lag",
    "non_finite": "Non-finite in samples",
    "deviation": "Deviation of the data",
}


class HealthPanel(Panel):
    """Loss and what else is known by noise level, figures, and sentences when something is off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Health", parent)
        self.health: Health | None = None
        self.sentences = note()
        self.levels = LevelBars()
        self.levels_words = note()
        self.figures = Legend()
        for key, label in FIGURES.items():
            self.figures.add_row(key, label)
        self.figures.show_second(False)
        findings, levels, figures = Card("Findings"), Card("Loss by noise level"), Card("Figures")
        findings.body.addWidget(self.sentences)
        levels.body.addWidget(self.levels)
        levels.body.addWidget(self.levels_words)
        figures.body.addWidget(self.figures)
        self.variance, self.naming = VarianceCard(), NamingCard()
        self.cards = (findings, levels, self.variance, self.naming, figures)
        self.empty, self.model = note(EMPTY), ModelCard()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.model)
        column.addWidget(self.empty)
        for card in self.cards:
            column.addWidget(card)
        column.addStretch(1)
        add_scrolled(self, content)
        self.clear()

    def clear(self) -> None:
        """There is no run."""
        self.health = None
        self.model.show_facts({})
        self.empty.show()
        for card in self.cards:
            card.hide()
        self.header.set_value("")

    def show_model(self, facts: Mapping[str, str]) -> None:
        """Show what an opened model is, in place of how one learns; facts by name."""
        self.model.show_facts(facts)
        self.empty.setVisible(not facts)
        self.header.set_value("of a file")

    def wait_for(self, words: str = EMPTY) -> None:
        """Say what there has to be before anything can be shown."""
        if words != self.empty.text():
            self.empty.setText(words)

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
        self.variance.show_variance(health.variance)
        self.naming.show_naming(health.naming)
        self.figures.set_row("gradient", number(health.gradient))
        self.figures.set_row("lag", percent(health.lag, 1.0))
        drawn = health.non_finite
        self.figures.set_row("non_finite", "not yet" if drawn is None else percent(drawn, 1.0))
        self.figures.set_row("deviation", number(health.deviation))


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
