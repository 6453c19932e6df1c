"""How a run is doing over time: loss, quality, population and rates side by side."""

import math
import time
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QSlider, QWidget

from app import theme
from app.panels.chart import Chart, Look
from app.panels.charts import SPLAT_CHARTS, ChartSpec
from app.panels.saver import Keeper
from app.panels.series import RunSeries
from app.widgets.figures import count
from app.widgets.labels import ElidedLabel
from app.widgets.panel import Panel, add_scrolled
from app.widgets.segmented import Segmented
from app.widgets.tools import quiet_button
from assets.errors import InputError
from assets.files import atomic_write_text
from engines.events import Event

WINDOWS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Values in the trailing mean that the smoothing slider offers. A window of as many steps
as there are photos weighs every photo alike."""
GAP_S = 0.1
"""Curves are drawn ten times a second at most: painting them takes time from the learning."""
CHART_PX = 210
"""A chart is moved to another row rather than made narrower than this."""


class CurvesPanel(Panel):
    """Charts that `add` feeds and `refresh` draws; one zoom and one cursor for all."""

    def __init__(
        self, charts: tuple[ChartSpec, ...] = SPLAT_CHARTS, parent: QWidget | None = None
    ) -> None:
        super().__init__("Curves", parent)
        self.run, self.keeper = RunSeries(), Keeper(self)
        self.look = Look(window=WINDOWS[3])
        self._waiting: list[Chart] = []
        self._dirty = True
        self._drawn = -math.inf
        self._hovering = False
        self._build_tools()
        self.charts: list[Chart] = []
        self._specs: tuple[ChartSpec, ...] = ()
        content = QWidget()
        self._grid = QGridLayout(content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(12)
        self._placed: tuple[int, list[Chart]] = (0, [])
        """In how many columns which charts stand."""
        add_scrolled(self, content)
        self.set_charts(charts)
        theme.follow(self._recolour)

    def set_charts(self, specs: tuple[ChartSpec, ...]) -> None:
        """Have these charts in the place of others; costs nothing where they are there already."""
        if specs == self._specs:
            return
        for chart in self.charts:
            self._grid.removeWidget(chart)
            chart.hide()
            chart.deleteLater()
        self._specs = specs
        content = self._grid.parentWidget()
        self.charts = [
            Chart(spec, names_marks=not i, parent=content) for i, spec in enumerate(specs)
        ]
        for chart in self.charts:
            chart.hovered.connect(self._hover)
            chart.left.connect(self._leave)
            chart.zoomed.connect(self._zoom)
            chart.whole_asked.connect(self.show_whole)
            chart.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            chart.customContextMenuRequested.connect(self._menu_at)
        self._waiting, self._placed, self._dirty = [], (0, []), True
        self._arrange()

    def _build_tools(self) -> None:
        self.axis = Segmented({"steps": "Steps", "seconds": "Seconds"}, compact=True)
        self.axis.changed.connect(self._set_axis)
        self.log = quiet_button(
            "Log scale", "Logarithmic axes for all but PSNR", checkable=True, role="outlined"
        )
        self.log.toggled.connect(self._set_log)
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, len(WINDOWS) - 1)
        self.smoothing.setPageStep(1)
        self.smoothing.setFixedWidth(88)
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip("Mean over the last steps, raw values stay faint behind it")
        self.smoothing.setValue(WINDOWS.index(self.look.window))
        self.smoothing.valueChanged.connect(self._set_smoothing)
        self._smoothing_words = ElidedLabel(role="muted", align=Qt.AlignmentFlag.AlignRight)
        self._smoothing_words.setFixedWidth(96)
        self.export = quiet_button("", "Save all curves as a table (CSV)")
        self.export.clicked.connect(self._ask_export)
        for tool in (
            self._smoothing_words,
            self.smoothing,
            self.log,
            self.axis,
            self.export,
        ):
            self.header.row.addWidget(tool)
        self._say_smoothing()

    # -- what comes in -----------------------------------------------------------------------

    def add(self, event: Event) -> None:
        """Take what an event tells; nothing is drawn before `refresh`."""
        self._dirty |= self.run.add(event)

    def refresh(self) -> None:
        """Draw what is new; called by the window's timer, free when there is nothing."""
        due = time.monotonic() - self._drawn >= GAP_S
        if self._dirty and due and self.isVisible():
            self._draw()

    def refresh_next(self) -> None:
        """As `refresh`, one chart a call: all at once would keep the window's thread for long."""
        due = time.monotonic() - self._drawn >= GAP_S
        if not self._waiting and self._dirty and due and self.isVisible():
            self._waiting = self._begin()
        if self._waiting:
            self._waiting.pop(0).draw(self.run, self.look)

    def _draw(self) -> None:
        for chart in self._begin():
            chart.draw(self.run, self.look)

    def _begin(self) -> list[Chart]:
        """The charts in sight, which are about to be drawn."""
        self._dirty, self._drawn = False, time.monotonic()
        if not self._hovering:
            self._say_state()
        self._arrange()
        return [chart for chart in self.charts if not chart.visibleRegion().isEmpty()]

    def clear(self) -> None:
        """Forget everything."""
        self.run = RunSeries()
        self.look.span = None
        self._leave()
        self._redraw()

    def export_csv(self, path: Path) -> None:
        """Write every quantity, one row a step; raises InputError where it cannot."""
        atomic_write_text(path, self.run.to_csv())

    # -- what a person does --------------------------------------------------------------------

    def show_whole(self) -> None:
        """Leave a zoom and follow the run again."""
        self.look.span = None
        self._say_state()
        self._redraw()

    def _redraw(self) -> None:
        self._dirty = True
        if self.isVisible():
            self._draw()

    def _set_axis(self, axis: str) -> None:
        self.look.axis, self.look.span = axis, None
        self._redraw()

    def _set_log(self, on: bool) -> None:
        self.look.log = on
        self._redraw()

    def _set_smoothing(self, index: int) -> None:
        self.look.window = WINDOWS[index]
        self._say_smoothing()
        self._redraw()

    def _say_smoothing(self) -> None:
        window = self.look.window
        words = "no smoothing" if window == 1 else f"mean of {window:,}"
        self._smoothing_words.setText(words)

    def _zoom(self, low: float, high: float) -> None:
        self.look.span = (low, high)
        self._redraw()

    def _hover(self, x: float) -> None:
        if not self.run.series:
            return
        for chart in self.charts:
            chart.show_cursor(self.run, self.look, x)
        self._hovering = True
        step, seconds = self.run.place(x, axis=self.look.axis)
        self.header.set_value(f"step {count(step)}, {seconds:,.1f} s")

    def _leave(self) -> None:
        self._hovering = False
        for chart in self.charts:
            chart.hide_cursor(self.run, self.look)
        self._say_state()

    def _menu_at(self, place: QPoint) -> None:
        chart = self.sender()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, on, act in (
            ("Logarithmic axes", self.look.log, self.log.toggle),
            (
                "Over seconds",
                self.look.axis == "seconds",
                lambda: self.axis.set_value("steps" if self.axis.value == "seconds" else "seconds"),
            ),
        ):
            action = QAction(words, menu, checkable=True, checked=on)
            action.triggered.connect(act)
            menu.addAction(action)
        menu.addAction("Show the whole run", self.show_whole)
        menu.addSeparator()
        menu.addAction("Save as CSV …", self._ask_export)
        menu.popup(chart.mapToGlobal(place))

    def _ask_export(self) -> None:
        path = self.keeper.ask(self, "Save curves", "curves.csv", "Tables (*.csv)")
        if path is None:
            return
        try:
            self.export_csv(path)
        except InputError as error:
            self.keeper.ended.emit(str(error), False)
        else:
            self.keeper.ended.emit(f"Saved {path}", True)

    def _say_state(self) -> None:
        zoomed = "double-click for the whole run" if self.look.span else ""
        self.header.set_value(zoomed if self.run.series else "drawn from the first step on")

    # -- how it is laid out ----------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many charts side by side as fit; tools that do not fit are in the menu."""
        super().resizeEvent(event)
        self._arrange()
        self._dirty = True

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while hidden."""
        super().showEvent(event)
        self._dirty = True

    def _arrange(self) -> None:
        width = self.width()
        self.axis.setVisible(width >= 330)
        self.smoothing.setVisible(width >= 560)
        self._smoothing_words.setVisible(width >= 560)
        told = self.run.series
        charts = [c for c in self.charts if not c.spec.rare or c.spec.curves[0].key in told]
        columns = min(len(charts), max(1, width // CHART_PX))
        if columns == 3 and len(charts) == 4:
            columns = 2 if self.height() > 330 else 4
        if (columns, charts) == self._placed:
            return
        self._placed = columns, charts
        for chart in self.charts:
            self._grid.removeWidget(chart)
        for i, chart in enumerate(charts):
            self._grid.addWidget(chart, i // columns, i % columns)
        for chart in self.charts:
            chart.setVisible(chart in charts)
        for i in range(len(self.charts)):
            self._grid.setColumnStretch(i, 1 if i < columns else 0)

    def _recolour(self) -> None:
        self.export.setIcon(theme.icon("mdi6.content-save-outline"))
        self._dirty = True
