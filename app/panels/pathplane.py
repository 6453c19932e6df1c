"""The path of points: two planes, what lies below the points, and how wrong the score is."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.panels.pathpoints import REACH, PointsView
from app.panels.planelook import PlaneFound, PlaneWish
from app.widgets.figures import percent
from app.widgets.labels import SectionTitle
from app.widgets.panel import note
from app.widgets.segmented import Segmented
from app.widgets.smallplot import SmallPlot

if TYPE_CHECKING:
    from app.drawing import Drawing, Order
    from engines.diffusion.artist import Stroke, Wish
    from engines.diffusion.flowfield import Field
    from engines.diffusion.toys import GaussianMixture

ERROR_HELP = (
    "RMS error of the score at the points, over the RMS length of the true score of the mixture"
)
DATA = "Grey: the data; orange: the samples"
CLASSIFIER_HELP = (
    "What the classifier adds (violet) to the score of the model alone (grey), both to one scale"
)
GUIDANCE_HELP = (
    "The score without the class (green) and with it (violet), both to one scale; guidance goes "
    "from the one beyond the other"
)
HELP = {
    "field": "Arrows: where the model moves points as noise goes",
    "guidance": GUIDANCE_HELP,
    "classifier": CLASSIFIER_HELP,
    "error": "Black: the score is right; brightest: half the true score or more is wrong",
}


class PathPlane(QWidget):
    """Shows the points of one step, and of another run beside it.

    What the model has to be asked for is wished for, one wish at a time; meanwhile the arrows of
    the step before stay.
    """

    picked = Signal(int)
    """A step that was clicked in the plot."""
    wanted = Signal(object)
    """A `PlaneWish`: its answer goes to `take`, or `give_up` is called."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.other_view = PointsView(), PointsView()
        self.below = Segmented(
            {
                "field": "Field",
                "guidance": "Guidance",
                "classifier": "Classifier",
                "error": "Score error",
                "none": "Points",
            },
            compact=True,
        )
        self.below.button("none").setToolTip("Points alone, over those of the data")
        self.below.button("field").setToolTip("Where the model moves points as noise goes")
        self.below.button("error").setToolTip("Brightest: half the true score or more is wrong")
        self.below.changed.connect(self._show_found)
        self.key = note()
        self.key.setMinimumHeight(2 * self.key.fontMetrics().height())
        self.title = SectionTitle("Score error")
        self.title.title.setToolTip(ERROR_HELP)
        self.plot = SmallPlot("Score error over the steps")
        self.plot.picked.connect(self.picked)
        self._data: np.ndarray | None = None
        self._truth: GaussianMixture | None = None
        self._fields: dict[tuple[Order, float], Field] = {}
        self._errors: dict[Order, np.ndarray] = {}
        self._shown: list[tuple[PointsView, Drawing, Stroke]] = []
        self._step = 0
        self._waits = False
        """A wish was not answered yet."""
        self._failed: frozenset[Order] = frozenset()
        """Drawings of which something could not be found; they are not asked about again."""
        switch = QHBoxLayout()
        switch.addWidget(self.below)
        switch.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(switch)
        column.addWidget(self.key)
        column.addWidget(self.view, 1)
        column.addWidget(self.other_view, 1)
        column.addWidget(self.title)
        column.addWidget(self.plot)
        self.other_view.hide()
        for name in HELP:
            self.below.button(name).hide()
        self.know(None)

    def know(self, truth: "GaussianMixture | None") -> None:
        """Compare with this distribution, or with none."""
        self._truth = truth
        self._fields.clear()
        self._errors.clear()
        self._shown = []
        known = truth is not None
        self.below.button("error").setVisible(known)
        self.title.setVisible(known)
        self.plot.setVisible(known)
        if not known and self.below.value == "error":
            self.below.set_value("field")

    def show_data(self, data: np.ndarray | None) -> None:
        """Have [n, 2] points of the data below points that are shown alone."""
        self._data = data
        self._show_found()

    def show_runs(self, runs: "list[tuple[Drawing, Stroke]]", step: int) -> None:
        """Show a stroke of each of one or two drawings; `step` is that of the first."""
        from engines.diffusion.guidanceparts import guides

        before = {view: drawing.artist for view, drawing, _ in self._shown}
        self._shown = [
            (view, drawing, stroke)
            for view, (drawing, stroke) in zip((self.view, self.other_view), runs, strict=False)
        ]
        self.other_view.setVisible(len(runs) > 1)
        for view, drawing, stroke in self._shown:
            view.show_points(stroke.x.numpy())
            if before.get(view) is not drawing.artist:
                view.show_field(None)
        self._step = step
        wishes = [(drawing.artist, drawing.order.wish) for _, drawing, _ in self._shown]
        self._offer("guidance", [wish for artist, wish in wishes if guides(artist, wish)])
        led = [wish for artist, wish in wishes if artist.steering(wish) is not None]
        self._offer("classifier", led)
        self._show_found()

    def take(self, found: PlaneFound) -> None:
        """Show the answer to what was `wanted`; what is on show by now may want another."""
        self._waits = False
        if found.truth is self._truth:
            orders = {drawing.order for _, drawing, _ in self._shown}
            fields = {**self._fields, **found.fields}
            self._fields = {key: f for key, f in fields.items() if key[0] in orders}
            errors = {**self._errors, **found.errors}
            self._errors = {order: e for order, e in errors.items() if order in orders}
        self._show_found()

    def give_up(self) -> None:
        """What was `wanted` could not be found."""
        self._waits = False
        self._failed = frozenset(drawing.order for _, drawing, _ in self._shown)
        for view, _, _ in self._shown:
            view.show_field(None)

    # -- inside --------------------------------------------------------------------------------

    def _offer(self, name: str, wishes: "list[Wish]") -> None:
        """What leads to a class for `wishes` can be seen where that is one for all samples."""
        button = self.below.button(name)
        button.setVisible(bool(wishes))
        one = all(len(wish.texts) == 1 for wish in wishes)
        button.setEnabled(one)
        button.setToolTip(HELP[name] if one else "Draw one class to see where it is led to")
        if self.below.value == name and not (wishes and one):
            self.below.set_value("field")

    def _show_found(self) -> None:
        what = self.below.value
        alone = what == "none" and self._data is not None
        for view in (self.view, self.other_view):
            view.show_data(self._data if alone else None)
        words = DATA if alone else HELP.get(what, "")
        self.key.setText(words)
        self.key.setVisible(bool(words))
        missing: list[tuple[Drawing, float]] = []
        for view, drawing, stroke in self._shown:
            field = self._fields.get((drawing.order, stroke.t))
            if what == "none":
                view.show_field(None)
            elif field is not None:
                view.show_field(field, what)
            else:
                missing.append((drawing, stroke.t))
        self._show_errors()
        short = [
            (drawing, known)
            for _, drawing, _ in self._shown
            if self._truth is not None and len(known := self._known(drawing)) < len(drawing.strokes)
        ]
        failed = any(drawing.order in self._failed for _, drawing, _ in self._shown)
        if (missing or short) and not (self._waits or failed):
            self._waits = True
            self.wanted.emit(
                PlaneWish(
                    truth=self._truth, reach=REACH, fields=tuple(missing), errors=tuple(short)
                )
            )

    def _known(self, drawing: "Drawing") -> np.ndarray:
        """[strokes] errors, of as many of the first strokes as were looked at."""
        return self._errors.get(drawing.order, np.empty(0))[: len(drawing.strokes)]

    def _show_errors(self) -> None:
        if self._truth is None or not self._shown:
            return
        count = len(self._shown[0][1].strokes)
        lines = []
        for _, drawing, _ in self._shown:
            errors = np.full(len(drawing.strokes), np.nan)
            known = self._known(drawing)
            errors[: len(known)] = known
            # Two runs of unlike many steps are laid over each other from noise to sample.
            places = np.linspace(0, len(errors) - 1, count)
            lines.append(np.interp(places, np.arange(len(errors)), errors))
        most = np.nanmax(lines) if np.isfinite(lines).any() else 1.0
        self.plot.show_lines(np.stack(lines), strong=0, step=self._step, high=min(1.0, float(most)))
        now = lines[0][self._step]
        words = f"{percent(now, 1.0)} of the true score" if np.isfinite(now) else ""
        if self._shown[0][2].t == 0:
            words = "no noise is left"
        self.title.set_value(words, ERROR_HELP)
