"""What guidance does at the step on show: conditional, unconditional, guided, and the difference.

Nothing is asked of the model before somebody wants to see it.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.panels.guidancelook import PARTS, GuidanceLook, GuidanceWish
from app.widgets.figures import MINUS, number
from app.widgets.heat import heat
from app.widgets.labels import ElidedLabel
from app.widgets.panel import note
from app.widgets.pixels import PixelPicture
from app.widgets.segmented import Segmented

if TYPE_CHECKING:
    from app.drawing import Drawing, Order
    from engines.diffusion.artist import Stroke

HELP = {
    "conditional": "What the model sees given the caption or class; of a mix, the mix",
    "unconditional": "What the model sees when it is told nothing",
    "guided": "What the sampler goes by",
}
DIFFERENCE = f"|ε_c {MINUS} ε_u|"
DIFFERENCE_HELP = (
    "How far conditional and unconditional noise are apart: the root mean square over the channels "
    "at each place, from 0 (black) to the most there is at this step"
)


class PathGuidance(QWidget):
    """A switch, and below it what guidance does to one sample of one or two runs.

    What the model has to be asked for is wished for, one wish at a time; meanwhile what was found
    before stays, with its noise level.
    """

    wanted = Signal(object)
    """A `GuidanceWish`: its answer goes to `take`, or `give_up` is called."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.what = Segmented({"off": "Off", "x0": "x0 estimates", "eps": "Noise"}, compact=True)
        self.what.button("off").setToolTip("Show nothing of guidance")
        self.what.button("x0").setToolTip("What guidance does to the image that is seen in x_t")
        self.what.button("eps").setToolTip("What guidance does to the noise that is seen in x_t")
        self.what.changed.connect(self._show_found)
        self.views = (GuidanceView(), GuidanceView())
        self._shown: list[tuple[Drawing, Stroke]] = []
        self._row = 0
        self._found: dict[tuple[Order, int, int], GuidanceLook] = {}
        self._waits = False
        """A wish was not answered yet."""
        self._failed: frozenset[Order] = frozenset()
        """Drawings of which nothing could be found; they are not asked about again."""
        switch = QHBoxLayout()
        switch.addWidget(ElidedLabel("Guidance", role="muted"))
        switch.addStretch(1)
        switch.addWidget(self.what)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(switch)
        for view in self.views:
            column.addWidget(view)
            view.hide()

    def show_runs(self, runs: "list[tuple[Drawing, Stroke]]", row: int) -> None:
        """Show what guides sample `row` at a stroke of each of one or two drawings."""
        before = [drawing.order for drawing, _ in self._shown]
        self._shown, self._row = runs, row
        for i, view in enumerate(self.views):
            if before[i : i + 1] != [drawing.order for drawing, _ in runs[i : i + 1]]:
                view.show_look(None, "x0")
        self._show_found()

    def take(self, found: "dict[tuple[Order, int, int], GuidanceLook]") -> None:
        """Show the answer to what was `wanted`; what is on show by now may want another."""
        self._waits = False
        self._found |= found
        self._show_found()

    def give_up(self) -> None:
        """What was `wanted` could not be found."""
        self._waits = False
        self._failed = frozenset(drawing.order for drawing, _ in self._shown)
        for view in self.views:
            view.show_look(None, "x0")

    # -- inside --------------------------------------------------------------------------------

    def _show_found(self) -> None:
        what, missing, keys = self.what.value, [], set()
        for i, view in enumerate(self.views):
            view.setVisible(what != "off" and i < len(self._shown))
            if what == "off" or i >= len(self._shown):
                continue
            drawing, stroke = self._shown[i]
            row = min(self._row, len(stroke.x) - 1)
            if why := unguided_words(drawing, stroke, row):
                view.show_look(None, what, why)
                continue
            keys.add(key := (drawing.order, stroke.index, row))
            if (look := self._found.get(key)) is not None:
                view.show_look(look, what)
            elif drawing.order not in self._failed:
                view.show_again(what)
                missing.append((drawing, stroke, row))
        self._found = {key: look for key, look in self._found.items() if key in keys}
        if missing and not self._waits:
            self._waits = True
            self.wanted.emit(GuidanceWish(asked=tuple(missing)))


class GuidanceView(QWidget):
    """Three pictures side by side; below them how far two of them are apart, as a map."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look: GuidanceLook | None = None
        """What is shown."""
        self.said = note()
        self.figures = note()
        self.pictures: dict[str, PixelPicture] = {}
        self._content = QWidget()
        grid = QGridLayout(self._content)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for i, name in enumerate(PARTS):
            self.pictures[name] = PixelPicture()
            grid.addWidget(_titled(self.pictures[name], name.capitalize(), HELP[name]), 0, i)
            grid.setColumnStretch(i, 1)
        self.difference = PixelPicture()
        grid.addWidget(_titled(self.difference, DIFFERENCE, DIFFERENCE_HELP), 1, 0)
        grid.addWidget(self.figures, 1, 1, 1, 2, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.said)
        column.addWidget(self._content)
        self.show_look(None, "x0")

    def show_look(self, look: GuidanceLook | None, what: str, why: str = "") -> None:
        """Show "x0" or "eps" of this, or say `why` there is nothing to see."""
        self.look = look
        self.said.setText(why)
        self.said.setVisible(bool(why))
        self._content.setVisible(look is not None)
        if look is None:
            return
        for name, picture in self.pictures.items():
            picture.show_pixels(look.pictures[name, what])
        self.difference.show_pixels(heat(look.difference))
        self.figures.setText(figures_of(look))

    def show_again(self, what: str) -> None:
        """Until there is something newer: what was shown last, if it was anything."""
        self.show_look(self.look, what)


def unguided_words(drawing: "Drawing", stroke: "Stroke", row: int) -> str:
    """Why guidance does nothing to this sample here; empty where it does."""
    wish = drawing.order.wish
    if drawing.artist.vocabulary is None:
        return "This model learnt without captions or classes, so there is nothing to guide towards"
    if not any(wish.texts) or not wish.texts[row % len(wish.texts)]:
        return "No caption or class was asked for, so there is nothing to guide towards"
    if wish.guidance == 0:
        return "Drawn without guidance; ask for some to see what it does"
    if stroke.t == 0:
        return "No noise is left, so nothing is guided any more; go to an earlier step"
    return ""


def figures_of(look: GuidanceLook) -> str:
    """What is mixed, and how far apart it is."""
    w = look.scale
    sign = MINUS if w > 0 else "+"
    guided = f"{number(1 + w)} conditional {sign} {number(abs(w))} unconditional"
    most = number(float(look.difference.max()))
    if not look.norm:
        return f"At t = {number(look.t)} both see the same noise, whatever image they see"
    return (
        f"At t = {number(look.t)} guided = {guided}\n"
        f"{DIFFERENCE}: norm {number(look.norm)}, RMS {number(look.rms)}, where noise itself has "
        f"1\nMap: RMS over the channels, black 0, brightest {most}"
    )


def _titled(picture: PixelPicture, name: str, help_text: str) -> QWidget:
    picture.setAccessibleName(name)
    picture.setToolTip(help_text)
    label = ElidedLabel(name, role="muted", align=Qt.AlignmentFlag.AlignHCenter)
    label.setToolTip(help_text)
    whole = QWidget()
    stack = QVBoxLayout(whole)
    stack.setContentsMargins(0, 0, 0, 0)
    stack.setSpacing(3)
    stack.addWidget(picture)
    stack.addWidget(label)
    return whole
