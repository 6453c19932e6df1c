"""One quiet plot with its title at the left and its latest figures at the right."""

import math
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.panels.charts import ChartSpec, Curve
from app.panels.series import RunSeries, Series, extremes, nearest
from app.panels.ticks import QuietAxis
from app.widgets.labels import ElidedLabel, SectionTitle

MOST_LABELS = 8
"""More marks than this are drawn without words."""
LEAST_ROOM = 0.03
"""Of a chart's height, between a curve and the edge; less of it, and the chart is drawn anew."""
ROOMY_PX = 240
"""Charts narrower than this say the figures of several curves without words; colours tell."""

HOW_TO_ZOOM = (
    "The wheel with Ctrl zooms, dragging moves along, a double-click shows the whole run again"
)


@dataclass
class Look:
    """How all charts of a panel are drawn."""

    axis: str = "steps"
    """"steps" or "seconds"."""
    log: bool = False
    window: int = 1
    """Values in the trailing mean; 1 for none."""
    span: tuple[float, float] | None = None
    """The stretch of x that a person zoomed to; None follows the run."""


class _Plot(pg.PlotWidget):
    """Tells where the mouse is, when it leaves and when it asks for everything again."""

    hovered = Signal(float)
    left = Signal()
    whole_asked = Signal()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        place = self.getPlotItem().vb.mapSceneToView(self.mapToScene(event.position().toPoint()))
        self.hovered.emit(place.x())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl held; otherwise whatever the charts lie in scrolls."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.whole_asked.emit()


class Chart(QWidget):
    """Draws some series of a `RunSeries`; only `draw` costs time."""

    hovered = Signal(float)
    """The x under the mouse."""
    left = Signal()
    zoomed = Signal(float, float)
    """A person asked for this stretch of x."""
    whole_asked = Signal()

    def __init__(
        self, spec: ChartSpec, *, names_marks: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.spec, self._names_marks = spec, names_marks
        self.header = SectionTitle(spec.title)
        self.header.title.setToolTip(f"<p>{spec.help}</p><p>{HOW_TO_ZOOM}</p>")
        self.plot = _Plot(axisItems={"left": QuietAxis("left"), "bottom": QuietAxis("bottom")})
        self._item = self.plot.getPlotItem()
        self._raw = {c.key: self._line() for c in spec.curves}
        self._smooth = {c.key: self._line() for c in spec.curves if c.smooth}
        self._dots = {c.key: self._scatter() for c in spec.curves if c.dots}
        self._faint = False
        self._limits = (0.0, 1.0)
        """What there is of x; nobody sees more."""
        self._marks: list[pg.InfiniteLine] = []
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self._item.addItem(self._cursor, ignoreBounds=True)
        self._figures = {c.key: ElidedLabel(role="muted") for c in spec.curves}
        self.header.row.setSpacing(6)
        for label in self._figures.values():
            # Where there is no room for both the title is shortened, not the figure.
            label.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            self.header.row.addWidget(label)
        self._quieten()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.header)
        column.addWidget(self.plot, 1)
        self.setMinimumSize(150, 112)
        self.plot.hovered.connect(self.hovered)
        self.plot.left.connect(self.left)
        self.plot.whole_asked.connect(self.whole_asked)
        self._item.vb.sigRangeChangedManually.connect(self._zoomed)
        theme.follow(self.recolour)

    def _line(self) -> pg.PlotCurveItem:
        line = pg.PlotCurveItem(antialias=True, connect="finite", skipFiniteCheck=False)
        line.setSegmentedLineMode("on")  # many times faster for lines wider than a pixel
        self._item.addItem(line)
        return line

    def _scatter(self) -> pg.ScatterPlotItem:
        dots = pg.ScatterPlotItem(size=4, pen=pg.mkPen(None))
        self._item.addItem(dots)
        return dots

    def _quieten(self) -> None:
        """No frame, no buttons, no menu, grid lines across only."""
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.plot.setMinimumSize(60, 60)
        self._item.hideButtons()
        self._item.setMenuEnabled(False)
        # pyqtgraph makes this menu a window without owner; it shall go with the chart.
        self._item.ctrlMenu.setParent(self, self._item.ctrlMenu.windowFlags())
        self._item.setContentsMargins(0, 0, 6, 0)
        self._item.vb.setMouseEnabled(x=True, y=False)
        self._item.vb.disableAutoRange()
        self._item.vb.setDefaultPadding(0)
        for name in ("left", "bottom"):
            self._item.getAxis(name).setStyle(showValues=False)

    def recolour(self) -> None:
        """Take the colours of the theme in use."""
        colours = theme.current()
        self.plot.setBackground(theme.colour(colours.panel))
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.recolour()
            axis.setZValue(-1000)  # the plot put its grid lines before the curves
        for curve in self.spec.curves:
            shade = getattr(colours, curve.colour)
            self._raw[curve.key].setPen(self._pen(curve, faint=self._faint and curve.smooth))
            if curve.smooth:
                self._smooth[curve.key].setPen(self._pen(curve, faint=False))
            if curve.dots:
                self._dots[curve.key].setBrush(pg.mkBrush(shade))
            if len(self.spec.curves) > 1:
                self._figures[curve.key].setStyleSheet(f"color: {shade}")
        self._cursor.setPen(pg.mkPen(colours.muted, width=1))
        for mark in self._marks:
            self._colour_mark(mark)

    def _pen(self, curve: Curve, *, faint: bool) -> QPen:
        shade = theme.colour(getattr(theme.current(), curve.colour), 0.22 if faint else 1.0)
        return pg.mkPen(shade, width=1 if faint else 1.5)

    def _colour_mark(self, mark: pg.InfiniteLine) -> None:
        colours = theme.current()
        mark.setPen(pg.mkPen(colours.prune, width=1, style=Qt.PenStyle.DashLine))
        if mark.label is not None:
            mark.label.setColor(colours.muted)

    # -- drawing -----------------------------------------------------------------------------

    def draw(self, run: RunSeries, look: Look) -> None:
        """Show `run`; the cost depends on the width in pixels, not on the length of the run."""
        log = look.log and self.spec.may_log
        whole = self._whole(run, look)
        span = look.span or whole
        if whole != self._limits:
            self._limits = whole
            self._item.vb.setLimits(xMin=whole[0], xMax=whole[1])
        if (look.window > 1) is not self._faint:
            self._faint = look.window > 1
            self.recolour()
        heights: list[np.ndarray] = []
        for curve in self.spec.curves:
            heights += self._draw_curve(curve, run.series.get(curve.key), look, span)
        if not self._cursor.isVisible():
            self._say_latest(run, look)
        left = self._item.getAxis("left")
        if left.logMode is not log:
            left.setLogMode(False, log)
        for axis in (left, self._item.getAxis("bottom")):
            if axis.style["showValues"] is not bool(heights):
                axis.setStyle(showValues=bool(heights))
        self._set_range(span, heights)
        self._draw_marks(run, look)

    def _draw_curve(
        self, curve: Curve, series: Series | None, look: Look, span: tuple[float, float]
    ) -> list[np.ndarray]:
        """Heights that must be in sight, in the units of the axis."""
        items = [d[curve.key] for d in (self._raw, self._smooth, self._dots) if curve.key in d]
        if series is None or len(series) == 0:
            for item in items:
                item.setData([], [])
            return []
        log = look.log and self.spec.may_log
        x = series.steps if look.axis == "steps" else series.seconds
        # A calm line needs fewer points than the outline of a noisy one.
        columns = max(40, int(self._item.vb.width()) // (1 if curve.smooth else 2))
        cuts = series.columns(x, *span, columns)
        raw_x, raw_y = extremes(x, series.values, cuts)
        raw_y = scaled(raw_y, log=log)
        _put(self._raw[curve.key], raw_x, raw_y)
        if curve.dots:
            _put(self._dots[curve.key], raw_x, raw_y)
        if not curve.smooth:
            return [raw_y]
        if look.window == 1:
            _put(self._smooth[curve.key], raw_x[:0], raw_y[:0])
            return [raw_y]
        index = cuts[1:] - 1
        mean = scaled(series.trailing_mean(index, look.window), log=log)
        _put(self._smooth[curve.key], x[index], mean)
        # The faint cloud may be cut off at its edges; the mean is always in sight.
        finite = raw_y[np.isfinite(raw_y)]
        return [mean, np.quantile(finite, [0.01, 0.99])] if len(finite) else [mean]

    def _whole(self, run: RunSeries, look: Look) -> tuple[float, float]:
        """All of the run, ending a little later, in steps: a moving axis costs most time."""
        ends = [
            float((s.steps if look.axis == "steps" else s.seconds)[-1])
            for s in run.series.values()
            if len(s)
        ]
        last = max([*ends, 1.0])
        return 0.0, 1.01 * 1.06 ** math.ceil(math.log(last, 1.06))

    def _set_range(self, span: tuple[float, float], heights: list[np.ndarray]) -> None:
        """Change the range only where something runs out of sight or looks small."""
        seen = np.concatenate(heights) if heights else np.empty(0)
        seen = seen[np.isfinite(seen)]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        bottom, top = self._item.vb.viewRange()[1]
        edge = LEAST_ROOM * (top - bottom)
        if low < bottom + edge or high > top - edge or high - low < 0.7 * (top - bottom):
            room = 0.1 * (high - low) or 0.05 * abs(high) or 0.5
            bottom, top = low - room, high + room
        if [list(span), [bottom, top]] != self._item.vb.viewRange():
            self._item.vb.setRange(
                xRange=span, yRange=(bottom, top), padding=0, disableAutoRange=True
            )

    def _draw_marks(self, run: RunSeries, look: Look) -> None:
        places = [float(mark.step) for mark in run.marks]
        if look.axis == "seconds":
            places = run.seconds_at(places).tolist()
        for line in self._marks[len(places) :]:
            self._item.removeItem(line)
        del self._marks[len(places) :]
        labelled = self._names_marks and len(places) <= MOST_LABELS
        for i, (place, mark) in enumerate(zip(places, run.marks, strict=True)):
            if i == len(self._marks):
                line = pg.InfiniteLine(
                    angle=90,
                    movable=False,
                    label=" ",
                    labelOpts={"position": 0.94, "anchors": [(0, 0.5), (1, 0.5)]},
                )
                line.label.textItem.setFont(theme.font(10))
                self._colour_mark(line)
                self._item.addItem(line, ignoreBounds=True)
                self._marks.append(line)
            self._marks[i].setValue(place)
            words = mark.label if labelled else ""
            if self._marks[i].label.format != words:
                self._marks[i].label.setFormat(words)

    # -- reading ------------------------------------------------------------------------------

    def _say(self, curve: Curve, series: Series | None, index: int, look: Look) -> None:
        words = long = ""
        if series is not None and len(series):
            value = float(series.values[index])
            if curve.smooth and look.window > 1:
                value = float(series.trailing_mean(np.array([index]), look.window)[0])
            words = self.spec.figure(value)
            long = curve.words.format(words)
            if len(self.spec.curves) == 1 or self.width() >= ROOMY_PX:
                words = long
        self._figures[curve.key].setText(words)
        self._figures[curve.key].setToolTip(long)
        self._figures[curve.key].setVisible(bool(words))

    def _say_latest(self, run: RunSeries, look: Look) -> None:
        for curve in self.spec.curves:
            series = run.series.get(curve.key)
            self._say(curve, series, len(series) - 1 if series else 0, look)

    def show_cursor(self, run: RunSeries, look: Look, x: float) -> None:
        """Draw a line at `x` and say the figures of the nearest steps."""
        for curve in self.spec.curves:
            series = run.series.get(curve.key)
            if series is None or len(series) == 0:
                continue
            index = nearest(series.steps if look.axis == "steps" else series.seconds, x)
            self._say(curve, series, index, look)
        self._cursor.setValue(x)
        self._cursor.show()

    def hide_cursor(self, run: RunSeries, look: Look) -> None:
        """Back to the latest figures."""
        self._cursor.hide()
        self._say_latest(run, look)

    def _zoomed(self) -> None:
        low, high = self._item.vb.viewRange()[0]
        if low <= self._limits[0] and high >= self._limits[1]:
            self.whole_asked.emit()  # it follows the run again
        else:
            self.zoomed.emit(low, high)


def scaled(values: np.ndarray, *, log: bool) -> np.ndarray:
    """`values`, or their decimal logarithms with NaN where there is none."""
    if not log:
        return values
    return np.log10(values, out=np.full_like(values, np.nan), where=values > 0)


def _put(item: pg.PlotCurveItem | pg.ScatterPlotItem, x: np.ndarray, y: np.ndarray) -> None:
    """Give the item its points unless it has them."""
    old_x, old_y = item.getData()
    if old_x is None or not (np.array_equal(old_x, x) and np.array_equal(old_y, y, equal_nan=True)):
        item.setData(x, y)
