"""The path of points: two planes, what lies below the points, and how wrong the score is."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.panels.pathpoints import REACH, PointsView
from app.widgets.figures import percent
from app.widgets.labels import SectionTitle
from app.widgets.segmented import Segmented
from app.widgets.smallplot import SmallPlot

if TYPE_CHECKING:
    from app.drawing import Drawing, Order
    from engines.diffusion.artist import Artist, Stroke
    from engines.diffusion.flowfield import Field
    from engines.diffusion.toys import GaussianMixture

ERROR_HELP = (
    "RMS error of the score at the points, over the RMS length of the true score of the mixture"
)


class PathPlane(QWidget):
    """Shows the points of one step, and of another run beside it."""

    picked = Signal(int)
    """A step that was clicked in the plot."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.other_view = PointsView(), PointsView()
        self.below = Segmented({"field": "Field", "error": "Score error", "none": "Points only"})
        self.below.button("field").setToolTip("Where the model moves points as noise goes")
        self.below.button("error").setToolTip("Brightest: half the true score or more is wrong")
        self.below.changed.connect(self._show_below)
        self.title = SectionTitle("Score error")
        self.title.title.setToolTip(ERROR_HELP)
        self.plot = SmallPlot("Score error over the steps")
        self.plot.picked.connect(self.picked)
        self._truth: GaussianMixture | None = None
        self._fields: dict[tuple[Artist, float], Field] = {}
        self._errors: dict[Order, np.ndarray] = {}
        self._shown: list[tuple[PointsView, Drawing, Stroke]] = []
        switch = QHBoxLayout()
        switch.addWidget(self.below)
        switch.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(switch)
        column.addWidget(self.view, 1)
        column.addWidget(self.other_view, 1)
        column.addWidget(self.title)
        column.addWidget(self.plot)
        self.other_view.hide()
        self.know(None)

    def know(self, truth: "GaussianMixture | None") -> None:
        """Compare with this distribution, or with none."""
        self._truth = truth
        self._fields.clear()
        self._errors.clear()
        known = truth is not None
        self.below.button("error").setVisible(known)
        self.title.setVisible(known)
        self.plot.setVisible(known)
        if not known and self.below.value == "error":
            self.below.set_value("field")

    def show_runs(self, runs: "list[tuple[Drawing, Stroke]]", step: int) -> None:
        """Show a stroke of each of one or two drawings; `step` is that of the first."""
        self._shown = [
            (view, drawing, stroke)
            for view, (drawing, stroke) in zip((self.view, self.other_view), runs, strict=False)
        ]
        self.other_view.setVisible(len(runs) > 1)
        for view, _, stroke in self._shown:
            view.show_points(stroke.x.numpy())
        self._show_below()
        self._show_errors(step)

    def _show_below(self) -> None:
        what = self.below.value
        for view, drawing, stroke in self._shown:
            field = None if what == "none" else self._field(drawing, stroke)
            view.show_field(field, arrows=what == "field", error=what == "error")

    def _field(self, drawing: "Drawing", stroke: "Stroke") -> "Field":
        from engines.diffusion.flowfield import field_of

        key = drawing.artist, stroke.t
        if key not in self._fields:
            alive = {shown.artist for _, shown, _ in self._shown}
            self._fields = {k: f for k, f in self._fields.items() if k[0] in alive}
            self._fields[key] = field_of(
                drawing.artist, drawing.order.wish, stroke.t, reach=REACH, truth=self._truth
            )
        return self._fields[key]

    def _show_errors(self, step: int) -> None:
        if self._truth is None:
            return
        count = len(self._shown[0][1].strokes)
        known, self._errors = self._errors, {}
        lines = []
        for _, drawing, _ in self._shown:
            errors = known.get(drawing.order)
            if errors is None or len(errors) != len(drawing.strokes):
                errors = self._errors_of(drawing)
            self._errors[drawing.order] = errors
            # Two runs of unlike many steps are laid over each other from noise to sample.
            places = np.linspace(0, len(errors) - 1, count)
            lines.append(np.interp(places, np.arange(len(errors)), errors))
        most = np.nanmax(lines) if np.isfinite(lines).any() else 1.0
        self.plot.show_lines(np.stack(lines), strong=0, step=step, high=min(1.0, float(most)))
        now = lines[0][step]
        words = f"{percent(now, 1.0)} of the true score" if np.isfinite(now) else "no noise is left"
        self.title.set_value(words, ERROR_HELP)

    def _errors_of(self, drawing: "Drawing") -> np.ndarray:
        from engines.diffusion.flowfield import score_errors

        assert self._truth is not None
        return score_errors(drawing.strokes, drawing.artist.path, self._truth)
