"""What a diffusion model draws: while it learns, on demand, and one sample at a time."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.panels.drawbox import DrawBox
from app.panels.sampleview import SampleView
from app.widgets.labels import ElidedLabel
from app.widgets.samplegrid import SampleGrid
from app.widgets.segmented import Segmented
from app.widgets.tools import quiet_button
from engines.diffusion.artifacts import Sheet

WAITING = "The first samples appear after the first step"
NOTHING_DRAWN = "Draw more shows samples here, with a caption, sampler and seed of your choice"
BOX_PX, NARROW_BOX_PX = 236, 204
NARROW_PX = 620
"""A narrower page leaves out words and makes its box smaller."""
_WRITTEN_INTO = (QLineEdit, QAbstractSpinBox, QPlainTextEdit)
SHEET_PX, SHEET_LINE_PX = 1_000, 28
"""Side of a picture as it is saved, and height of the line that says how far it came."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Shown:
    """Samples as they are shown."""

    samples: np.ndarray
    """[n, h, w, c] uint8, or [n, 2] float32 points."""
    texts: tuple[str, ...]
    origin: str
    """Where they are from, for people: "Step 1,200"."""
    unfinished: str = ""
    """How far the drawing came: "Stopped at step 3 of 20"; empty for finished samples."""

    @property
    def words(self) -> str:
        """All that is to be known of them."""
        return ": ".join(filter(None, (self.unfinished, self.origin)))

    def caption(self, index: int) -> str:
        """What was asked for of one of them and how far it is, empty if there is nothing to say."""
        text = self.texts[index % len(self.texts)] if self.texts else ""
        return " \N{MIDDLE DOT} ".join(filter(None, (text, self.unfinished)))


class SamplesPanel(QWidget):
    """The page in the middle of the window while images are learnt."""

    enlarged = Signal(object)
    """[h, w, c] uint8: this sample is looked at; its nearest training image is wanted."""
    sample_picked = Signal(int)
    """This sample of the drawing on show is looked at."""
    start_asked = Signal(object, str)
    """[h, w, c] uint8 and its name: further samples are to start from it."""
    export_asked = Signal()
    paused = Signal()
    """Space was pressed where it means nothing else: the run is to hold, or to go on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("samples")
        self._sheet: Sheet | None = None
        self._drawn: Shown | None = None
        self._waiting: tuple[str, float | None] = (WAITING, None)
        self.index = self._looked_at = -1
        """Of the sample that is enlarged; -1 while none is."""
        self.source = Segmented({"training": "Training", "drawn": "Drawn"}, compact=True)
        self.weights = Segmented({"averaged": "EMA", "raw": "Raw"}, compact=True)
        self.source.button("training").setToolTip("Drawn on the way, from the same noise each time")
        self.source.button("drawn").setToolTip("Drawn on demand")
        self.weights.button("averaged").setToolTip("Drawn with the average of the weights")
        self.weights.button("raw").setToolTip("Drawn with the weights as they are, same noise")
        self.words = ElidedLabel(role="muted")
        self.export = quiet_button("", "Save these samples as a picture (PNG)")
        self.export.clicked.connect(self.export_asked)
        self.grid, self.view, self.draw = SampleGrid(), SampleView(), DrawBox()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.grid)
        self._pages.addWidget(self.view)
        self.title = ElidedLabel("SAMPLES", role="title")
        header = QHBoxLayout()
        header.setSpacing(8)
        header.addWidget(self.title)
        header.addWidget(self.source)
        header.addWidget(self.weights)
        header.addStretch(1)
        header.addWidget(self.export)
        above = QVBoxLayout()
        above.setSpacing(6)
        above.addLayout(header)
        above.addWidget(self.words)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addLayout(above)
        left.addWidget(self._pages, 1)
        rule = QFrame()
        rule.setObjectName("samplesrule")
        rule.setFixedWidth(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 12, 14)
        row.setSpacing(14)
        row.addLayout(left, 1)
        row.addWidget(rule)
        row.addWidget(self.draw)
        self.source.changed.connect(self._source_chosen)
        self.weights.changed.connect(self._show)
        self.grid.chosen.connect(self.enlarge)
        self.view.closed.connect(self.show_all)
        self.view.start_asked.connect(self._start_from)
        self.view.stepped.connect(lambda by: self.enlarge(self.index + by))
        # A click on a button leaves the focus with the page, so that Space does not press the
        # button again; who came by Tab presses it.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for button in self.findChildren(QAbstractButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.follow(self._recolour)
        self.clear()

    def minimumSizeHint(self) -> QSize:
        """The stage decides."""
        return QSize(0, 0)

    def showEvent(self, event: QShowEvent) -> None:
        """Keys are for the page from now on, unless somebody is writing."""
        super().showEvent(event)
        if not event.spontaneous() and not isinstance(QApplication.focusWidget(), _WRITTEN_INTO):
            self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no field and no button took."""
        if event.key() != Qt.Key.Key_Space or event.modifiers():
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.paused.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Samples have most of the room."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW_PX
        self.title.setVisible(not narrow)
        self.words.setVisible(not narrow)
        self.draw.set_width(NARROW_BOX_PX if narrow else BOX_PX)

    # -- what it shows ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Nothing was drawn yet."""
        self._sheet = self._drawn = None
        self.grid.set_reference(None)
        self.source.set_value("training")
        self.draw.row.clear()
        self.show_all()

    def set_trains(self, trains: bool) -> None:
        """Whether samples of a run will come, or only what is drawn on demand."""
        for value in ("training", "drawn"):
            self.source.button(value).setVisible(trains)
        self.source.setVisible(trains)
        self.source.set_value("training" if trains else "drawn")

    def wait_for(self, words: str = WAITING, share: float | None = None) -> None:
        """Say, while a run has no samples yet, what it does and how much of that is done."""
        if (words, share) != self._waiting:
            self._waiting = words, share
            if self.shown is None:
                self._say_empty()

    def _say_empty(self) -> None:
        drawn = self.source.value == "drawn"
        self.grid.empty, self.grid.share = (NOTHING_DRAWN, None) if drawn else self._waiting
        self.grid.update()

    def show_sheet(self, sheet: Sheet) -> None:
        """Show the newest samples of a run; one that is enlarged is seen to improve."""
        self._sheet = sheet
        if self.source.value == "training":
            self._show()

    def show_drawn(self, drawn: Shown, *, first: bool) -> None:
        """Show what is being drawn on demand; it comes forward when it is new."""
        self._drawn = drawn
        if first and self.source.value != "drawn":
            self.source.set_value("drawn")
        elif self.source.value == "drawn":
            self._show()

    @property
    def shown(self) -> Shown | None:
        """The samples on show."""
        if self.source.value == "drawn":
            return self._drawn
        if self._sheet is None:
            return None
        sheet = self._sheet
        pairs = sheet.pairs
        samples = sheet.averaged if self.weights.value == "averaged" else sheet.raw
        step = f"Step {sheet.step:,}"
        origin = f"{step}: images, and what is left of them in their latents" if pairs else step
        return Shown(samples=samples, texts=sheet.texts, origin=origin)

    def enlarge(self, index: int) -> None:
        """Look at one of the samples."""
        shown = self.shown
        if shown is None or shown.samples.ndim != 4 or not 0 <= index < len(shown.samples):
            return
        self.index = index
        image = shown.samples[index]
        self.view.show_sample(image, shown.caption(index))
        self._pages.setCurrentWidget(self.view)
        self.view.setFocus()
        self.enlarged.emit(image)
        if self.source.value == "drawn":
            self.sample_picked.emit(index)

    def look_at_sample(self, index: int) -> None:
        """Another sample of the drawing is looked at elsewhere; -1 for none."""
        self._looked_at = index
        drawn = self.source.value == "drawn"
        self.grid.point_at(index if drawn else -1)
        if drawn and self.index >= 0 and index not in (-1, self.index):
            self.enlarge(index)

    def show_all(self) -> None:
        """Look at all of them."""
        had_focus = self.view.hasFocus()
        self.index = -1
        self._pages.setCurrentWidget(self.grid)
        if had_focus:
            self.grid.setFocus()
        self._show()

    def picture(self) -> QImage | None:
        """The samples on show as a picture to be saved; None where there are none.

        Samples that were not drawn to their end are said to be so in the picture as well.
        """
        shown = self.shown
        if shown is None:
            return None
        sheet = SampleGrid()
        sheet.in_pairs = self.grid.in_pairs
        sheet.show_samples(shown.samples, shown.texts)
        sheet.set_reference(self.grid.reference)
        line = SHEET_LINE_PX if shown.unfinished else 0
        sheet.resize(SHEET_PX, SHEET_PX - line)
        image = QImage(SHEET_PX, SHEET_PX, QImage.Format.Format_RGB32)
        image.fill(theme.colour(theme.current().ground))
        painter = QPainter(image)
        sheet.paint(painter)
        if line:
            place = image.rect().adjusted(0, SHEET_PX - line, 0, 0)
            painter.setClipping(False)
            painter.setFont(theme.font(14))
            painter.setPen(theme.colour(theme.current().text))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, shown.unfinished)
        painter.end()
        return image

    # -- inside ----------------------------------------------------------------------------------

    def _start_from(self) -> None:
        shown = self.shown
        if shown is not None and 0 <= self.index < len(shown.samples):
            self.start_asked.emit(shown.samples[self.index].copy(), f"Sample {self.index + 1}")

    def _source_chosen(self) -> None:
        self.show_all()

    def _show(self) -> None:
        shown, drawn = self.shown, self.source.value == "drawn"
        pairs = self._sheet is not None and self._sheet.pairs
        self.weights.setVisible(not drawn and not pairs)
        self.export.setEnabled(shown is not None)
        self.words.setText("" if shown is None else shown.words)
        self.words.setToolTip(self.words.text())
        self._say_empty()
        self.grid.point_at(self._looked_at if drawn else -1)
        if shown is None:
            self.grid.show_samples(None)
            return
        self.grid.in_pairs = not drawn and pairs
        self.grid.show_samples(shown.samples, shown.texts)
        if self.index >= 0:
            self.enlarge(min(self.index, len(shown.samples) - 1))

    def _recolour(self) -> None:
        self.export.setIcon(theme.icon("mdi6.content-save-outline"))
        colours = theme.current()
        self.setStyleSheet(
            f"#samples {{ background: {colours.ground}; }}"
            f"#samplesrule {{ background: {colours.line}; border: none; }}"
        )
