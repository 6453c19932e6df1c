"""Two runs on the same photos side by side: figures, curves, and how to see them both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.panels.chart import Chart, Look
from app.panels.charts import ChartSpec, Curve, decibels
from app.panels.series import RunSeries
from app.theme import set_role
from app.widgets.figures import count, number
from app.widgets.labels import ElidedLabel
from app.widgets.legend import Swatch
from app.widgets.panel import Panel, add_scrolled, note
from app.widgets.segmented import Segmented
from app.widgets.tools import quiet_button

EMPTY = "Train twice on the same photos, say splats and NeRF, to compare them here"
NO_CURVES = "Curves appear once both runs were judged by held-out photos"
COLOURS = ("clone", "mark")
"""Of the first and the second run, in table and chart."""
CURVES = ChartSpec(
    "Held-out PSNR",
    (Curve("first", COLOURS[0], "A {}", dots=True), Curve("second", COLOURS[1], "B {}", dots=True)),
    figure=decibels,
    may_log=False,
    help="Mean over the held-out photos in dB, more is better, by time of training",
)
WAYS = {"sides": "Side by side", "difference": "Difference"}
PHOTO = -1
"""Stands for the photo among the two that are compared, beside 0 for A and 1 for B."""
PAIRS = {"both": "A | B", "first": "A | photo", "second": "B | photo"}
SIDES = {"both": (0, 1), "first": (0, PHOTO), "second": (1, PHOTO)}
NAMES = {0: "A", 1: "B", PHOTO: "the photo"}
CHART_PX = 170


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the table says of one run; NaN for what is not known."""

    psnr: float = math.nan
    ssim: float = math.nan
    seconds: float = math.nan
    steps: float = math.nan
    megabytes: float = math.nan
    render_ms: float = math.nan


ROWS = {
    "psnr": ("PSNR, dB", lambda v: f"{v:.2f}", 1),
    "ssim": ("SSIM", lambda v: f"{v:.4f}", 1),
    "seconds": ("Seconds", number, -1),
    "steps": ("Steps", count, 0),
    "megabytes": ("Parameters, MB", number, -1),
    "render_ms": ("Render, ms", number, -1),
}
"""Title, words, and whether more (1) or less (-1) is better, by field of `Figures`."""


TIPS = {
    "psnr": "Mean over the held-out photos",
    "ssim": "Mean over the held-out photos",
    "seconds": "Of training so far",
    "render_ms": "A whole view at the size of the viewport, as its engine draws it by itself",
}


class ComparePanel(Panel):
    """Choose two runs; a table and a chart of both, and how the viewport shows them."""

    changed = Signal()
    """A person wants to see other runs, or see them otherwise."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Compare", parent)
        self.on = quiet_button("In view", "Show both runs in the viewport", checkable=True)
        self.on.toggled.connect(self._asked)
        self.header.row.addWidget(self.on)
        self.first, self.second = QComboBox(), QComboBox()
        self.cells = {name: (_figure(), _figure()) for name in ROWS}
        self.way = Segmented(WAYS, compact=True)
        self.pair = Segmented(PAIRS, compact=True)
        self.pair.setAccessibleName("What is compared")
        self.way.setAccessibleName("How it is compared")
        self.said = note()
        self.chart = Chart(CURVES, names_marks=False)
        self._empty = note(EMPTY)
        self._no_curves = note(NO_CURVES)
        self._content = self._make_content()
        self.body.addWidget(self._empty)
        add_scrolled(self, self._content)
        self.scrolled = self.body.itemAt(1).widget()
        self.body.addStretch(0)
        for box in (self.first, self.second):
            box.activated.connect(self._asked)
        self.way.changed.connect(self._asked)
        self.pair.changed.connect(self._asked)
        self.show_runs([])

    def _make_content(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for letter, box, colour in zip("AB", (self.first, self.second), COLOURS, strict=True):
            box.setAccessibleName(f"Run {letter}")
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(Swatch(colour))
            row.addWidget(ElidedLabel(letter, role="value"))
            row.addWidget(box, 1)
            column.addLayout(row)
        for choice in (self.pair, self.way):
            column.addWidget(choice, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.said)
        table = QGridLayout()
        table.setHorizontalSpacing(12)
        table.setVerticalSpacing(5)
        table.setColumnStretch(0, 1)
        for i, letter in enumerate("AB"):
            head = ElidedLabel(letter, role="muted", align=Qt.AlignmentFlag.AlignRight)
            table.addWidget(head, 0, i + 1)
        for row, (name, (title, _, _)) in enumerate(ROWS.items(), start=1):
            label = ElidedLabel(title, role="muted")
            label.setToolTip(TIPS.get(name, ""))
            table.addWidget(label, row, 0)
            for i, cell in enumerate(self.cells[name]):
                table.addWidget(cell, row, i + 1)
        column.addLayout(table)
        self.chart.setFixedHeight(CHART_PX)
        column.addWidget(self.chart)
        column.addWidget(self._no_curves)
        column.addStretch(1)
        return content

    # -- what it shows -----------------------------------------------------------------------

    @property
    def chosen(self) -> tuple[int, int] | None:
        """Places of the two runs in the list of `show_runs`; None where there is nothing."""
        if self.first.count() < 2:
            return None
        return self.first.currentIndex(), self.second.currentIndex()

    @property
    def sides(self) -> tuple[int, int]:
        """What is compared: 0 is A, 1 is B; `PHOTO`, the photo, can only be the second."""
        return SIDES[self.pair.value]

    @property
    def with_photo(self) -> bool:
        """Whether a run is compared with a photo."""
        return PHOTO in self.sides

    @property
    def names(self) -> tuple[str, str]:
        """Of both sides, for a sentence."""
        first, second = self.sides
        return NAMES[first], NAMES[second]

    def show_runs(self, names: Sequence[str], chosen: tuple[int, int] = (0, 1)) -> None:
        """Offer these runs; with fewer than two there is nothing to compare."""
        enough = len(names) > 1
        for box, place in zip((self.first, self.second), chosen, strict=True):
            if [box.itemText(i) for i in range(box.count())] != list(names):
                box.clear()
                box.addItems(list(names))
            if enough:
                box.setCurrentIndex(place)
        self._empty.setVisible(not enough)
        self.scrolled.setVisible(enough)
        self.on.setVisible(enough)
        if not enough and self.on.isChecked():
            self.on.setChecked(False)
        self._settle()

    def rename(self, names: Sequence[str]) -> None:
        """The same runs have gone on."""
        for box in (self.first, self.second):
            for i, name in enumerate(names):
                if box.itemText(i) != name:
                    box.setItemText(i, name)

    def show_figures(self, first: Figures, second: Figures) -> None:
        """Fill the table; the better figure of a row stands out."""
        for name, (_, words, sense) in ROWS.items():
            pair = getattr(first, name), getattr(second, name)
            for i, cell in enumerate(self.cells[name]):
                mine, other = pair[i], pair[1 - i]
                cell.setText(words(mine) if math.isfinite(mine) else "–")
                better = sense * (mine - other) > 0
                role = "better" if better else "muted"
                if cell.property("role") != role:
                    set_role(cell, role)

    def show_curves(self, first: RunSeries, second: RunSeries) -> None:
        """Draw both curves of held-out PSNR."""
        both = RunSeries()
        for key, run in (("first", first), ("second", second)):
            if "holdout/psnr" in run.series:
                both.series[key] = run.series["holdout/psnr"]
        self.chart.setVisible(bool(both.series))
        self._no_curves.setVisible(not both.series)
        self.chart.draw(both, Look(axis="seconds"))

    def say(self, words: str) -> None:
        """A sentence about what is in the viewport."""
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def _asked(self, *_: object) -> None:
        self._settle()
        self.changed.emit()

    def _settle(self) -> None:
        on = self.on.isChecked()
        self.way.setEnabled(on)
        self.pair.setEnabled(on)


def _figure() -> ElidedLabel:
    return ElidedLabel("–", role="muted", align=Qt.AlignmentFlag.AlignRight)
