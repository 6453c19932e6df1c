"""What made a pixel: light along its ray, and everything that took some of it."""

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.panels.fieldray import FieldRayView
from app.panels.raypicture import RayView
from app.panels.rayplot import RayPlot
from app.panels.raytable import RayTable
from app.panels.splatray import SplatRayView
from app.widgets.colourchip import ColourChip
from app.widgets.figures import count, number, percent
from app.widgets.labels import ElidedLabel
from app.widgets.legend import Legend
from app.widgets.panel import Card, Panel, note
from app.widgets.segmented import Segmented
from app.widgets.tools import quiet_button
from engines.artifacts import FieldRay, SplatRay

EMPTY = (
    "Click a pixel in the view to see what made it: everything along its ray, and how much of "
    "the light each takes\n\nEscape forgets the ray"
)
NOTHING = "Nothing lies along this ray, so the pixel is black"
HINT = "Point at a row to find it on the ray"
FACTS = ("Depth", "Opacity", "")


class RayPanel(Panel):
    """Colour, depth, a plot along distance, and a table of what is on the ray."""

    cleared = Signal()
    """A person wants to see no ray any more."""
    pointed = Signal(object)
    """[n, 3] places in space that are pointed at, or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Ray", parent)
        self.ray: FieldRay | SplatRay | None = None
        self._view: RayView | None = None
        self._levels: Segmented | None = None
        self._level_names: tuple[str, ...] = ()
        self._known: set[str] = set()
        """Rows that the legend has."""
        self.live = quiet_button(
            "", "Look at the same pixel again while the run learns", checkable=True
        )
        self.live.setChecked(True)
        self.forget = quiet_button("", "Forget this ray (Escape)")
        self.forget.clicked.connect(self.cleared)
        for tool in (self.live, self.forget):
            tool.setIconSize(QSize(15, 15))
            self.header.row.addWidget(tool)
        self.header.row.setSpacing(4)
        self._empty = note(EMPTY)
        self.plot, self.table, self.legend = RayPlot(), RayTable(), Legend()
        self.details = note(HINT)
        self.details.setMinimumHeight(2 * self.details.fontMetrics().height())
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._content = self._make_content()
        self.body.addWidget(self._empty)
        self.body.addWidget(self._content, 1)
        self.body.addStretch(0)
        self.plot.pointed.connect(self._point)
        self.plot.chosen.connect(self.table.choose)
        self.table.pointed.connect(self._point)
        theme.follow(self._recolour)
        self.clear()

    def _make_content(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        facts = QHBoxLayout()
        facts.setSpacing(10)
        self.chip = ColourChip()
        facts.addWidget(self.chip)
        self._facts: list[tuple[ElidedLabel, ElidedLabel]] = []
        for name in FACTS:
            pair = ElidedLabel(name, role="muted"), ElidedLabel(role="value")
            stack = QVBoxLayout()
            stack.setSpacing(0)
            for label in pair:
                stack.addWidget(label)
            facts.addLayout(stack, 4 if name else 5)
            self._facts.append(pair)
        self._plot_card = Card()
        self._plot_card.body.addWidget(self.plot, 1)
        self._plot_card.body.addWidget(self.legend)
        self._switch = QHBoxLayout()
        self._switch.addStretch(1)
        self._nothing = note(NOTHING)
        column.addLayout(facts)
        column.addWidget(self._nothing)
        column.addWidget(self._plot_card, 3)
        column.addWidget(self.details)
        column.addLayout(self._switch)
        column.addWidget(self.table, 4)
        column.addStretch(0)
        return content

    # -- what it shows -----------------------------------------------------------------------

    def show_ray(self, ray: FieldRay | SplatRay, *, again: bool = False, whose: str = "") -> None:
        """Show this; if it is the ray of the same pixel `again`, what was chosen stays chosen.

        `whose` says of which run it is, where two are compared: "A".
        """
        chosen = self._chosen_key() if again else None
        self.ray = ray
        view = SplatRayView(ray) if isinstance(ray, SplatRay) else FieldRayView(ray)
        self._offer_levels(view)
        self._view, empty = view, view.is_empty
        self._say_facts(ray, view)
        self._empty.hide()
        self._content.show()
        self._nothing.setVisible(empty)
        for widget in (self._plot_card, self.details, self.table):
            widget.setVisible(not empty)
        for tool in (self.live, self.forget):
            tool.show()
        x, y = (count(int(place)) for place in ray.pixel)
        where = f"Pixel in column {x} and row {y} of the view"
        run = f"{whose}:  " if whose else ""
        self.header.set_value(f"{run}{x}, {y}", f"{where}, seen by run {whose}" if whose else where)
        self._make_legend(view)
        self.plot.show_picture(None if empty else view.picture(), keep_zoom=again)
        self._list(view, chosen)

    def clear(self) -> None:
        """Show nothing but what to do."""
        self.ray = self._view = None
        self.plot.pointable = -1
        self.plot.show_picture(None)
        self.table.show_columns((), np.empty((0, 3)))
        self.header.set_value("")
        self._empty.show()
        self._content.hide()
        for tool in (self.live, self.forget):
            tool.hide()
        self._point(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape forgets the ray."""
        if event.key() == Qt.Key.Key_Escape and self.ray is not None:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)

    # -- inside ------------------------------------------------------------------------------

    def _say_facts(self, ray: FieldRay | SplatRay, view: RayView) -> None:
        self.chip.show_colour(ray.colour)
        figures = (
            number(ray.depth) if ray.accumulation > 0 else "none",
            percent(ray.accumulation, 1.0),
            count(len(view.keys())),
        )
        tips = (
            "Expected distance from the eye, in units of the input",
            "How much of the light is stopped along the ray",
            "How many there are along the ray",
        )
        names = (*FACTS[:2], "Gaussians" if isinstance(ray, SplatRay) else "Samples")
        for pair, name, figure, tip in zip(self._facts, names, figures, tips, strict=True):
            pair[0].setText(name)
            pair[1].setText(figure)
            for label in pair:
                label.setToolTip(tip)

    def _offer_levels(self, view: RayView) -> None:
        """A choice of what is listed, where there is one; it stays from ray to ray."""
        names = view.levels
        if names != self._level_names:
            self._level_names = names
            if self._levels is not None:
                self._switch.removeWidget(self._levels)
                self._levels.deleteLater()
                self._levels = None
            if len(names) > 1:
                self._levels = Segmented({name: name.capitalize() for name in names}, compact=True)
                self._levels.set_value(names[-1])
                self._levels.changed.connect(self._choose_level)
                self._switch.insertWidget(0, self._levels)
        if self._levels is not None:
            view.level = names.index(self._levels.value)

    def _choose_level(self, name: str) -> None:
        if self._view is not None and self.ray is not None:
            self._view.level = self._level_names.index(name)
            self._say_facts(self.ray, self._view)
            self._list(self._view, None)

    def _make_legend(self, view: RayView) -> None:
        rows = {row.label: row for row in view.legend()}
        for label, row in rows.items():
            if label not in self._known:
                self._known.add(label)
                self.legend.add_row(label, label, colour=row.role)
            self.legend.set_row(label, row.value, row.more)
        for label in self._known:
            self.legend.show_row(label, label in rows)

    def _list(self, view: RayView, chosen: int | None) -> None:
        """Fill the table; `chosen` is the key of what is to be selected."""
        places = np.flatnonzero(view.keys() == chosen) if chosen is not None else ()
        found = int(places[0]) if len(places) else -1
        self.plot.pointable = view.level
        self.table.show_columns(view.columns(), view.colours(), chosen=found)
        self._point(found)

    def _chosen_key(self) -> int | None:
        item = self.table.chosen
        return int(self._view.keys()[item]) if self._view is not None and item >= 0 else None

    def _point(self, item: int) -> None:
        """Mark what is pointed at everywhere, or else what is chosen in the table."""
        item = self.table.pointed_at if item < 0 else item
        self.plot.mark(item)
        if self._view is None or item < 0:
            self.details.setText(HINT)
            self.pointed.emit(None)
            return
        self.details.setText(self._view.sentence(item))
        self.pointed.emit(self._view.places(item))

    def _recolour(self) -> None:
        self.live.setIcon(theme.icon("mdi6.update"))
        self.forget.setIcon(theme.icon("mdi6.close"))
