"""Points on their way in the plane, over the field that moves them or over its error."""

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.panels.ticks import QuietAxis
from app.widgets.heat import shades
from app.widgets.labels import ElidedLabel

if TYPE_CHECKING:
    from engines.diffusion.flowfield import Field

REACH = 2.5
"""Half the side of the part of the plane that is shown."""
ARROW = 0.85
"""Length of the longest arrow over the distance of the grid's places."""
BARB = 0.35
"""Length of an arrow's barbs over its own."""
MOST_ERROR = 0.5
"""Of the true score's length: an error as large as this is drawn brightest."""


class PointsView(QWidget):
    """A square of the plane under a line of words; only what is given is drawn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ElidedLabel(role="muted")
        self.plot = pg.PlotWidget(
            axisItems={"left": QuietAxis("left"), "bottom": QuietAxis("bottom")}
        )
        self.plot.setAccessibleName("Points in the plane")
        self._item = self.plot.getPlotItem()
        self._item.hideButtons()
        self._item.setMenuEnabled(False)
        # pyqtgraph makes this menu a window without owner; it shall go with the plot.
        self._item.ctrlMenu.setParent(self, self._item.ctrlMenu.windowFlags())
        self._item.vb.setMouseEnabled(x=False, y=False)
        self._item.vb.setAspectLocked(True)
        self._item.vb.setRange(QRectF(-REACH, -REACH, 2 * REACH, 2 * REACH), padding=0)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.plot.setMinimumHeight(220)
        self._error = pg.ImageItem(axisOrder="row-major", lut=shades(), levels=(0.0, MOST_ERROR))
        self._arrows = pg.PlotCurveItem(connect="pairs", antialias=True)
        self._pulls = pg.PlotCurveItem(connect="pairs", antialias=True)
        self._data = pg.ScatterPlotItem(size=3, pen=pg.mkPen(None))
        self._dots = pg.ScatterPlotItem(size=5, pen=pg.mkPen(None))
        for item in (self._error, self._data, self._arrows, self._pulls, self._dots):
            self._item.addItem(item)
        self._error.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.plot, 1)
        theme.follow(self._recolour)

    def sizeHint(self) -> QSize:
        """About square."""
        return QSize(260, 280)

    @property
    def dots(self) -> np.ndarray:
        """[n, 2] the points as drawn."""
        return np.stack(self._dots.getData(), axis=1)

    @property
    def data(self) -> np.ndarray:
        """[n, 2] the points of the data as drawn; none where they are hidden."""
        return np.stack(self._data.getData(), axis=1)

    @property
    def error(self) -> np.ndarray | None:
        """[side, side] the error as drawn."""
        return self._error.image if self._error.isVisible() else None

    @property
    def arrows(self) -> int:
        """How many arrows are drawn."""
        ends = self._arrows.getData()[0]
        return 0 if ends is None or not self._arrows.isVisible() else len(ends) // 6

    @property
    def pulls(self) -> np.ndarray | None:
        """[n, 2] places and [n, 2] ends of the coloured arrows as drawn: [n, 2, 2]."""
        return _shafts(self._pulls)

    @property
    def greys(self) -> np.ndarray | None:
        """As `pulls`, of the grey arrows."""
        return _shafts(self._arrows)

    def show_points(self, points: np.ndarray) -> None:
        """Draw [n, 2]; what is not finite is left out."""
        self._dots.setData(pos=points[np.isfinite(points).all(1)])

    def show_data(self, points: np.ndarray | None) -> None:
        """Draw [n, 2] of the data, small and below everything, or nothing."""
        self._data.setData(pos=np.empty((0, 2)) if points is None else points)

    def show_field(self, field: "Field | None", what: str = "none") -> None:
        """Draw `what` there is below the points: "field", "error", two arrows each, or "none".

        For "classifier" they are those of the score without the classifier and, of another
        colour, of what that adds; for "guidance" those of the score without and with the class.
        """
        first, second = _arrows_of(field, what) if field is not None else (None, None)
        self._arrows.setVisible(first is not None)
        self._pulls.setVisible(second is not None)
        found = field.error if field is not None and what == "error" else None
        self._error.setVisible(found is not None)
        self._colour_dots()
        if field is not None and first is not None:
            # Shorter ones of the same direction are to be seen on longer ones.
            self._arrows.setZValue(1 if what == "guidance" else 0)
            self._dots.setZValue(2)
            longest = _longest(first if second is None else np.stack([first, second]))
            for item, arrows in ((self._arrows, first), (self._pulls, second)):
                if arrows is not None:
                    ends = arrow_lines(field, arrows, longest)
                    item.setData(ends[:, 0], ends[:, 1])
        if field is not None and found is not None:
            self._error.setImage(found, autoLevels=False)
            half = field.reach / (len(found) - 1)
            side = 2 * (field.reach + half)
            self._error.setRect(QRectF(-field.reach - half, -field.reach - half, side, side))

    def _recolour(self) -> None:
        colours = theme.current()
        self.plot.setBackground(theme.colour(colours.viewport))
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.recolour()
            axis.setZValue(-1000)  # grid lines belong below everything
        self._arrows.setPen(pg.mkPen(theme.colour(colours.muted), width=1))
        self._data.setBrush(theme.colour(colours.muted, 0.5))
        self._pulls.setPen(pg.mkPen(theme.colour(colours.split), width=2))
        self._colour_dots()

    def _colour_dots(self) -> None:
        """Points on heat are white in both themes, as no colour of a theme tells them from it."""
        if self._error.isVisible():
            self._dots.setBrush(theme.colour("#ffffff", 0.9))
            self._dots.setPen(pg.mkPen(theme.colour("#000000", 0.6), width=1))
        else:
            self._dots.setBrush(theme.colour(theme.current().mark, 0.85))
            self._dots.setPen(pg.mkPen(None))


def _shafts(item: pg.PlotCurveItem) -> np.ndarray | None:
    x, y = item.getData()
    if x is None or not item.isVisible():
        return None
    return np.stack([x, y], axis=1).reshape(-1, 6, 2)[:, :2]


def _arrows_of(field: "Field", what: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """One or two arrows [side, side, 2] at each place, if any."""
    match what:
        case "field":
            return field.flow, None
        case "classifier":
            return field.score if field.pull is None else field.score - field.pull, field.pull
        case "guidance":
            return field.score if field.unconditional is None else field.unconditional, (
                field.conditional
            )
    return None, None


def _longest(arrows: np.ndarray) -> float:
    """The length of the longest of [..., 2]."""
    return max(float(np.linalg.norm(arrows, axis=-1).max()), 1e-12)


def arrow_lines(field: "Field", arrows: np.ndarray, longest: float = 0.0) -> np.ndarray:
    """[6 n, 2] ends of the shaft and two barbs of `arrows` [side, side, 2] at the field's places.

    One as long as `longest`, or the longest of them, fits between two places.
    """
    start = field.places.reshape(-1, 2)
    flow = arrows.reshape(-1, 2)
    longest = longest or _longest(flow)
    apart = 2 * field.reach / (len(field.places) - 1)
    way = flow / longest * apart * ARROW
    end = start + way
    parts = [start, end]
    for turn in (2.6, -2.6):
        c, s = BARB * np.cos(turn), BARB * np.sin(turn)
        parts += [end, end + way @ np.array([[c, s], [-s, c]])]
    return np.stack(parts, axis=1).reshape(-1, 2)
