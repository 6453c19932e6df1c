"""How the Gaussians multiply and why: what every refinement did, and what the next would do."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.bars import CAUSES, RefinementBars
from app.widgets.figures import change, count, number, percent
from app.widgets.histogram import HistogramView
from app.widgets.legend import Legend
from app.widgets.panel import Card, Panel, add_scrolled, note
from engines.artifacts import Population
from engines.events import Event, Refined

WIDE_PX = 270
"""From this width on the totals since the start stand beside the last figures."""
EMPTY = "Refinements are counted here once they add or remove Gaussians"


@dataclass(frozen=True)
class Spread:
    """One quantity of all Gaussians and the rule that has a threshold on it."""

    title: str
    setting: str
    """The setting that is the threshold."""
    side: str
    colour: str
    values: Callable[[Population], np.ndarray]
    threshold: Callable[[Population], float]
    sentence: str
    """What happens beyond the threshold: "{share} ({n}) would densify"."""
    empty: str


SPREADS = (
    Spread(
        "View-space gradient",
        "grow_gradient",
        "above",
        "mark",
        lambda p: p.gradients,
        lambda p: p.grow_gradient,
        "At {value}, {share} ({n}) would densify at the next refinement",
        "Gradients are gathered with the steps since the last refinement",
    ),
    Spread(
        "Opacity",
        "prune_opacity",
        "below",
        "prune",
        lambda p: p.opacities,
        lambda p: p.prune_opacity,
        "{share} ({n}) are fainter than {value} and would be removed",
        "Shown once there are Gaussians",
    ),
    Spread(
        "Scale",
        "split_scale",
        "above",
        "split",
        lambda p: p.scales,
        lambda p: p.split_scale,
        "{share} ({n}) are larger than {value} of the scene: these split, smaller ones are cloned",
        "Shown once there are Gaussians",
    ),
)
MOVED = {
    "prune_opacity": "{share} ({n}) are fainter than {value} and would be moved",
    "split_scale": "{share} ({n}) are larger than {value} of the scene",
}
"""What is said instead where Gaussians are moved rather than cloned and split."""


class SpreadCard(Card):
    """A histogram, its threshold and a sentence on what lies beyond it."""

    threshold_moved = Signal(str, float)

    def __init__(self, spread: Spread, parent: QWidget | None = None) -> None:
        super().__init__(spread.title, parent)
        self.spread = spread
        self.view = HistogramView("above" if spread.side == "above" else "below")
        self.view.colour = spread.colour
        self.view.setAccessibleName(spread.title)
        self.view.setToolTip(
            "Drag the line to ask what another threshold would do, double-click to bring it back"
        )
        self.view.threshold_moved.connect(self._moved)
        self.words = note(spread.empty)
        self.body.addWidget(self.view)
        self.body.addWidget(self.words)
        self._total = 0
        self._grows = True

    def show_population(self, population: Population | None) -> None:
        """Show the quantity of `population`, or that there is none."""
        if population is None:
            self._total = 0
            self.view.show_values(np.empty(0), math.nan)
        else:
            values = self.spread.values(population)
            self._total = len(values)
            self._grows = not math.isnan(population.grow_gradient)
            self.view.show_values(values, self.spread.threshold(population))
        self._say()

    def _moved(self, value: float) -> None:
        self._say()
        self.threshold_moved.emit(self.spread.setting, value)

    def _say(self) -> None:
        view, spread = self.view, self.spread
        if len(view.values) == 0:
            words = spread.empty
        elif math.isnan(view.threshold):
            words = "This strategy does not grow by gradient"
        else:
            sentence = spread.sentence
            if not self._grows:
                sentence = MOVED.get(spread.setting, sentence)
            words = sentence.format(
                value=number(view.threshold, 2),
                share=percent(view.beyond, self._total),
                n=count(view.beyond),
            )
        self.words.setText(words)
        self.view.setVisible(len(view.values) > 0)
        self.header.set_value("log" if len(view.values) else "")


class PopulationPanel(Panel):
    """Bars by refinement, totals by cause and three histograms with thresholds to try."""

    threshold_changed = Signal(str, float)
    """A threshold was moved by hand or brought back: name of the setting and value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Population", parent)
        self._refined: list[Refined] = []
        self.is_absent = False
        """What is learnt has no population."""
        self._population: Population | None = None
        self._fresh_events = self._fresh_population = True
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self._absent = note()
        self._absent.hide()
        column.addWidget(self._absent)
        column.addWidget(self._make_changes())
        self.cards = {spread.setting: SpreadCard(spread) for spread in SPREADS}
        for card in self.cards.values():
            column.addWidget(card)
            card.threshold_moved.connect(self.threshold_changed)
        column.addStretch(1)
        add_scrolled(self, content)
        self.refresh()

    def _make_changes(self) -> Card:
        card = Card("Refinements")
        self.bars = RefinementBars()
        self.legend = Legend()
        for cause in CAUSES:
            self.legend.add_row(cause.field, cause.label, colour=cause.colour)
        self.legend.set_heads("last", "in all")
        self._empty = note(EMPTY)
        for widget in (self.bars, self.legend, self._empty):
            card.body.addWidget(widget)
        self._changes = card
        return card

    def set_absent(self, why: str) -> None:
        """Say why there is nothing to count, or, with no words, be there for what is counted."""
        if why == self._absent.text():
            return
        self.is_absent = bool(why)
        self._absent.setText(why)
        self._absent.setVisible(self.is_absent)
        for card in (self._changes, *self.cards.values()):
            card.setVisible(not self.is_absent)

    # -- what comes in -----------------------------------------------------------------------

    def add(self, event: Event) -> None:
        """Take a refinement; nothing is drawn before `refresh`."""
        if isinstance(event, Refined):
            while self._refined and self._refined[-1].step >= event.step:
                self._refined.pop()
            self._refined.append(event)
            self._fresh_events = True

    def show_population(self, population: Population) -> None:
        """Show how the present Gaussians are spread; drawn by the next `refresh`."""
        self._population = population
        self._fresh_population = True

    def refresh(self) -> None:
        """Draw what is new; called by the window's timer, free when there is nothing."""
        if self._fresh_events:
            self._fresh_events = False
            self._draw_changes()
        if self._fresh_population and (self.isVisible() or self._population is None):
            self._fresh_population = False
            for card in self.cards.values():
                card.show_population(self._population)

    def clear(self) -> None:
        """Forget everything."""
        self._refined, self._population = [], None
        self._fresh_events = self._fresh_population = True
        self.refresh()

    # -- what it shows -----------------------------------------------------------------------

    def _draw_changes(self) -> None:
        refined = self._refined
        self.bars.show_refinements(refined)
        self._empty.setVisible(not refined)
        self.bars.setVisible(bool(refined))
        self.legend.setVisible(bool(refined))
        if not refined:
            self.header.set_value("")
            self._changes.header.set_value("")
            return
        last = refined[-1]
        self.header.set_value(f"{count(last.total)} Gaussians")
        self._changes.header.set_value(f"step {count(last.step)}")
        for cause in CAUSES:
            total = sum(getattr(r, cause.field) for r in refined)
            both = (getattr(last, cause.field), total)
            if cause.field == "relocated":
                figures = [count(n) for n in both]
            else:
                figures = [change(n if cause.grows else -n) for n in both]
            self.legend.set_row(
                cause.field,
                figures[0],
                figures[1],
                tooltip=f"{figures[0]} at step {count(last.step)}, {figures[1]} since the start",
            )
            self.legend.show_row(cause.field, bool(total) or self._belongs(cause.field))
        self.legend.show_second(self.width() >= WIDE_PX)

    def _belongs(self, field: str) -> bool:
        """Whether a cause that never happened is one that the strategy at hand knows."""
        moves = any(r.relocated or r.added for r in self._refined)
        return field in (("relocated", "added") if moves else ("cloned", "split", "pruned_opacity"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the totals out where there is no room for them."""
        super().resizeEvent(event)
        self.legend.show_second(self.width() >= WIDE_PX)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while hidden."""
        super().showEvent(event)
        self.refresh()
