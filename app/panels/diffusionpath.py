"""The way of samples from noise to image, step by step, and of another run beside it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app import theme
from app.drawnwords import progress_of, words_of
from app.panels.pathcompare import CompareFields
from app.panels.pathguidance import PathGuidance
from app.panels.pathplane import PathPlane
from app.panels.pathrow import PathRow
from app.panels.samplestrip import SampleStrip
from app.panels.saver import Saver
from app.panels.stepbar import StepBar
from app.widgets.figures import number
from app.widgets.panel import Card, Panel, add_scrolled, note
from app.widgets.tools import quiet_button

if TYPE_CHECKING:
    from app.drawing import Drawing
    from engines.diffusion.artist import Stroke

EMPTY = "Draw samples to go through their way from noise to image, step by step"
FILTERS = "Film (*.mp4);;Animated picture (*.gif);;Sheet of steps (*.png)"


class PathPanel(Panel):
    """Scrubs through a drawing; images as three pictures, points in their plane."""

    compare_wanted = Signal(object)
    """A Wish for another run to be shown with `show_other`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Path", parent)
        self.drawing: Drawing | None = None
        self.other: Drawing | None = None
        self._stale = False
        self.save = quiet_button("", "Save the path as film or picture")
        self.save.clicked.connect(self._ask_save)
        self.header.row.addWidget(self.save)
        self.saver = Saver(self)
        self.empty = note(EMPTY)
        self.strip, self.steps = SampleStrip(), StepBar()
        self.row, self.other_row, self.plane = PathRow(), PathRow(), PathPlane()
        self.guidance = PathGuidance()
        self.compare = CompareFields()
        self.forget_other = quiet_button(
            "Hide the other run", "Show this drawing alone", role="inline"
        )
        self.said = self.saver.said
        self._card = Card("Another run")
        self._card.body.addWidget(self.compare)
        self.content = QWidget()
        column = QVBoxLayout(self.content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (self.empty, self.strip, self.steps, self.row, self.other_row):
            column.addWidget(widget)
        column.addWidget(self.guidance)
        column.addWidget(self.plane, 1)
        column.addWidget(self.forget_other, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._card)
        column.addWidget(self.said)
        column.addStretch(0)
        add_scrolled(self, self.content)
        self.strip.chosen.connect(self._refresh)
        self.steps.moved.connect(self._refresh)
        self.plane.picked.connect(self.steps.go_to)
        self.compare.wanted.connect(self.compare_wanted)
        self.forget_other.clicked.connect(self._hide_other)
        theme.follow(self._recolour)
        self.show_drawing(None)

    # -- what it shows -----------------------------------------------------------------------

    def show_data(self, name: str) -> None:
        """The model learnt the data of this name; of "mixture" the true score is known."""
        from engines.diffusion.flowfield import known_truth

        self.plane.know(known_truth(name))
        self._refresh()

    def show_drawing(self, drawing: "Drawing | None") -> None:
        """Show this, which may be what was shown with some more strokes; None empties it."""
        before, self.drawing = self.drawing, drawing
        if drawing is None or not drawing.strokes:
            self.drawing = self.other = None
            self._arrange()
            return
        anew = before is None or before.order is not drawing.order
        if anew:
            self.steps.stop()
            self.said.hide()
            self.other = None  # of an older model, or from other noise
            wish, artist = drawing.order.wish, drawing.artist
            asked = any(wish.texts)
            self.compare.begin_with(
                wish,
                guided=asked and artist.vocabulary is not None,
                classifier=asked and artist.classifier is not None,
            )
        self.steps.show_count(len(drawing.strokes), anew=anew)
        self._show_or_wait()

    def show_other(self, drawing: "Drawing | None") -> None:
        """Show another run of the same model below; None hides it."""
        if drawing is not None and (
            self.drawing is None or not drawing.strokes or _shape(drawing) != _shape(self.drawing)
        ):
            drawing = None
        self.other = drawing
        self._show_or_wait()

    @property
    def stroke(self) -> "Stroke | None":
        """The moment that is shown."""
        if self.drawing is None:
            return None
        return self.drawing.strokes[min(self.steps.step, len(self.drawing.strokes) - 1)]

    def showEvent(self, event: QShowEvent) -> None:
        """Show what came while nobody could see it."""
        super().showEvent(event)
        if self._stale:
            self._show_or_wait()

    # -- inside ------------------------------------------------------------------------------

    def _hide_other(self) -> None:
        self.show_other(None)

    def _show_or_wait(self) -> None:
        self._stale = not self.isVisible()
        if self._stale or self.drawing is None:
            return
        self._arrange()
        if not self._of_points:
            self.strip.show_samples(self.drawing.strokes[-1].bytes_of("x0"))
        self._refresh()

    @property
    def _of_points(self) -> bool:
        return self.drawing is not None and self.drawing.strokes[-1].x.ndim == 2

    def _arrange(self) -> None:
        something, points = self.drawing is not None, self._of_points
        self.empty.setVisible(not something)
        self.save.setVisible(something)
        for widget in (self.steps, self._card):
            widget.setVisible(something)
        self.strip.setVisible(something and not points)
        self.row.setVisible(something and not points)
        self.other_row.setVisible(self.other is not None and not points)
        self.guidance.setVisible(something and not points)
        self.plane.setVisible(points)
        self.forget_other.setVisible(self.other is not None)
        if not something:
            self.steps.stop()
            self.said.hide()
            self.header.set_value("")

    def _refresh(self) -> None:
        drawing, stroke = self.drawing, self.stroke
        if drawing is None or stroke is None or not self.isVisible():
            self._stale = drawing is not None
            return
        runs = [(drawing, stroke)]
        if self.other is not None:
            from engines.diffusion.film import at_level

            runs.append((self.other, at_level(self.other.strokes, stroke.t)))
        if self._of_points:
            self.plane.show_runs(runs, stroke.index)
        else:
            self.guidance.show_runs(runs, self.strip.row)
        views = (self.plane.view, self.plane.other_view)
        for i, (run, moment) in enumerate(runs):
            if self._of_points:
                view = views[i]
            else:
                view = (self.row, self.other_row)[i]
                view.show_stroke(moment, min(self.strip.row, len(moment.x) - 1))
            told = words_of(run.order.wish)
            view.words.setText(told if i == 0 else f"{told}: {_moment_words(run, moment)}")
            view.words.setToolTip(view.words.text())
        self.steps.words.setText(_moment_words(drawing, stroke))
        count = len(stroke.x)
        if self._of_points:
            self.header.set_value(f"{count:,} points")
        else:
            self.header.set_value(f"sample {self.strip.row + 1} of {count}")

    # -- files -------------------------------------------------------------------------------

    def _ask_save(self) -> None:
        path = self.saver.ask(self, "Save path", "path.mp4", FILTERS)
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Write what is shown, the other run below it, as the end of `path` says."""
        from engines.diffusion.film import write_path

        if self.drawing is None or self.saver.busy:
            return
        runs = [run.strokes for run in (self.drawing, self.other) if run is not None]
        self.saver.save(
            path, partial(write_path, runs=runs, row=self.strip.row), "Writing the path"
        )

    def _recolour(self) -> None:
        self.save.setIcon(theme.icon("mdi6.content-save-outline"))


def _shape(drawing: "Drawing") -> tuple[int, ...]:
    return tuple(drawing.strokes[-1].x.shape)


def _moment_words(drawing: "Drawing", stroke: "Stroke") -> str:
    if stroke.t == 0:
        return f"After step {stroke.index}, noise level t = 0: the sample"
    level = f"noise level t = {number(stroke.t)}"
    if drawing.stopped and stroke is drawing.strokes[-1]:
        return f"{progress_of(drawing)}, {level}"
    steps = drawing.artist.steps_of(drawing.order.wish)
    more = "" if drawing.done else ", still drawing"
    if drawing.stopped:
        more = f", stopped at step {len(drawing.strokes)}"
    return f"Step {stroke.index + 1} of {steps}, {level}{more}"
