"""Asks what a mesh should be like, shows how it gets on and what came of it."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.jobs import Jobs
from app.meshing import Made, Meshing
from app.panels.settings import SettingsForm
from app.progress import duration
from app.theme import set_role
from app.widgets.boxfields import BoxFields
from app.widgets.labels import ElidedLabel
from app.widgets.panel import note
from app.widgets.segmented import Segmented
from app.widgets.tools import quiet_button
from engines.mesh import MeshConfig, Survey
from engines.mesh.config import ONLY_FOR_CLOUDS, ONLY_FOR_FIELDS

WIDTH_PX = 420
SHOWN = {"mesh": "Mesh", "learnt": "Learnt", "both": "Both"}


class MeshDialog(QDialog):
    """Stays open beside the window as long as one likes; hiding it ends nothing.

    Called from the window's thread only.
    """

    box_changed = Signal(object)
    """[2, 3] the box to be seen in the viewport, or None."""
    show_asked = Signal(bool, bool)
    """Whether the viewport is to show what was learnt, and meshes."""

    def __init__(self, meshing: Meshing, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Make mesh")
        self._meshing = meshing
        self._survey: Survey | None = None
        self._seen: tuple[float, ...] = ()
        """The box of what the photos see, as the fields show it."""
        self._looked_at = ""
        """What was looked at to find it."""
        self.origin = ElidedLabel(role="value")
        self.sight = ElidedLabel(role="muted")
        self.box = BoxFields()
        self.reset_box = quiet_button("", "", role="inline")
        self.form = SettingsForm(MeshConfig, without=("box",))
        self.forecast = note()
        self.phase = ElidedLabel(role="muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.shown = Segmented(SHOWN, compact=True)
        self.shown_line = QWidget()
        self.make = QPushButton("Make mesh")
        set_role(self.make, "primary")
        self.export = QPushButton("Export mesh…")
        self.cancel = QPushButton("Cancel")
        self.close_button = QPushButton("Close")
        for button in (self.make, self.export, self.cancel, self.close_button):
            button.setAutoDefault(False)  # Enter ends the typing of a number, and no more
        self._build()
        self.box.edited.connect(self._tell)
        self.reset_box.clicked.connect(self._reset_box)
        self.form.edited.connect(self._tell)
        self.form.fold.toggled.connect(self._fit)
        self.make.clicked.connect(self._make)
        self.cancel.clicked.connect(meshing.cancel)
        self.export.clicked.connect(meshing.export)
        self.close_button.clicked.connect(self.close)
        self.shown.changed.connect(self._show_chosen)
        meshing.surveyed.connect(self._surveyed)
        meshing.made.connect(self._made)
        meshing.failed.connect(self._failed)
        meshing.changed.connect(self._follow)
        jobs.polled.connect(self._follow)
        theme.follow(self._recolour)
        self._say("", "muted")
        self._follow()

    # -- opening ---------------------------------------------------------------------------------

    def open_beside(self, window: QWidget) -> None:
        """Show it over the right side of `window` and look at what is on show.

        A box that a person has chosen stays.
        """
        if self.isHidden():
            corner = window.geometry().topRight()
            self.adjustSize()
            self.move(corner.x() - self.width() - 24, corner.y() + 72)
            self.show()
        self.raise_()
        self.activateWindow()
        chosen = self._survey is not None and self.box.content != self._seen
        stale = self._looked_at != self._meshing.origin
        if stale and not chosen and self._meshing.job is None:
            self._look()

    def forget(self) -> None:
        """Something else is open: hide, and know nothing of its box."""
        self.hide()
        self._forget_box()
        self._say("", "muted")

    def _look(self) -> None:
        """Find out where things are and how long they take."""
        self._forget_box()
        self._looked_at = self._meshing.origin
        useless = ONLY_FOR_CLOUDS if self._meshing.is_for_field else ONLY_FOR_FIELDS
        self.form.show_only(self.form.rows.keys() - useless)
        self._meshing.survey(MeshConfig())

    def _forget_box(self) -> None:
        self._survey, self._seen, self._looked_at = None, (), ""
        self.box.clear()
        self._tell()

    def showEvent(self, event: QShowEvent) -> None:
        """The box is in sight as long as this is."""
        super().showEvent(event)
        self._tell()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody asks for a box any more."""
        super().hideEvent(event)
        self.box_changed.emit(None)

    # -- what a person wants ---------------------------------------------------------------------

    @property
    def config(self) -> MeshConfig:
        """The settings as they are set; raises ValueError where they do not go together."""
        values: dict[str, Any] = self.form.values
        return MeshConfig(**values, box=self.box.content if self._survey is not None else ())

    def _make(self) -> None:
        try:
            config = self.config
        except ValueError as error:
            self._say(str(error), "error")
            return
        self._say("", "muted")
        self._meshing.make(config)

    def _reset_box(self) -> None:
        if self._seen:
            self.box.set_content(self._seen)
        self._tell()

    def _show_chosen(self, which: str) -> None:
        self.show_asked.emit(which != "mesh", which != "learnt")

    # -- what comes of it ------------------------------------------------------------------------

    def _surveyed(self, survey: Survey) -> None:
        self._survey = survey
        six = (*survey.box.low.tolist(), *survey.box.high.tolist())
        self.box.set_content(six)
        self._seen = self.box.content
        self._tell()

    def _made(self, made: Made) -> None:
        mesh = made.mesh
        words = f"{len(mesh.faces):,} triangles, {len(mesh.vertices):,} vertices"
        self._say("\n".join((words, *made.remarks, *mesh.notes)), "value")
        if self.shown.value == "mesh":
            self._show_chosen("mesh")
        else:
            self.shown.set_value("mesh")

    def _failed(self, sentence: str) -> None:
        self._say(sentence, "error")

    def _say(self, text: str, role: str) -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self._fit()

    def _tell(self) -> None:
        """Show the box and what a mesh with these settings would take."""
        survey = self._survey
        role, words = "muted", ""
        if survey is not None:
            try:
                config = self.config
            except ValueError as error:
                role, words = "warn", str(error)
            else:
                forecast = survey.forecast(config)
                needed = forecast.bytes / 2**20
                role = "warn" if needed > config.memory_mb else "muted"
                words = f"Takes about {duration(forecast.seconds)} and up to {needed:,.0f} MB"
                if role == "warn":
                    words += f", and the limit is {config.memory_mb:,} MB"
        set_role(self.forecast, role)
        self.forecast.setText(words)
        six = self.box.content
        self.reset_box.setVisible(bool(self._seen) and six != self._seen)
        valid = survey is not None and all(six[i] < six[i + 3] for i in range(3))
        if self.isVisible():
            self.box_changed.emit(np.reshape(six, (2, 3)) if valid else None)

    def _follow(self) -> None:
        """Keep up with the work and with the run."""
        if self.isHidden():
            return
        meshing, job = self._meshing, self._meshing.job
        origin = meshing.origin
        _write(self.origin, origin or "Nothing to make a mesh of yet")
        _write(self.sight, _sight(meshing.photos) if origin else "")
        working = job is not None
        for widget, there in (
            (self.bar, working),
            (self.phase, working),
            (self.cancel, working),
            (self.close_button, not working),
            (self.shown_line, meshing.last is not None),
        ):
            if widget.isHidden() == there:
                widget.setVisible(there)
                self._fit()
        self.make.setEnabled(bool(origin) and not working)
        self.export.setEnabled(meshing.last is not None)
        self.form.setEnabled(not working)
        self.box.setEnabled(not working and self._survey is not None)
        if job is not None:
            done, total = job.progress or (0, 0)
            self.bar.setRange(0, total if total > 1 else 0)
            self.bar.setValue(done)
            figures = f", {done:,} of {total:,}" if total > 1 else ""
            _write(self.phase, f"{job.phase or job.title}{figures}")
        if meshing.last is None and self.message.property("role") == "value":
            self._say("", "muted")

    # -- looks -----------------------------------------------------------------------------------

    def _build(self) -> None:
        heading = QLabel("Make mesh")
        set_role(heading, "heading")
        box_line = QHBoxLayout()
        box_line.setSpacing(6)
        box_line.addWidget(QLabel("Box"))
        box_line.addStretch(1)
        box_line.addWidget(self.reset_box)
        self.reset_box.setText("What the photos see")
        self.reset_box.setToolTip("Back to the box that holds what the photos see")
        self.reset_box.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        shown_line = QHBoxLayout(self.shown_line)
        shown_line.setContentsMargins(0, 0, 0, 0)
        shown_line.addWidget(QLabel("Show"))
        shown_line.addStretch(1)
        shown_line.addWidget(self.shown)
        last = QHBoxLayout()
        last.setSpacing(8)
        last.addStretch(1)
        for button in (self.export, self.cancel, self.close_button, self.make):
            last.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(10)
        column.addWidget(heading)
        column.addWidget(self.origin)
        column.addWidget(self.sight)
        column.addSpacing(4)
        column.addLayout(box_line)
        column.addWidget(self.box)
        column.addSpacing(4)
        column.addWidget(self.form)
        column.addWidget(self.forecast)
        column.addWidget(self.bar)
        column.addWidget(self.phase)
        column.addWidget(self.message)
        column.addWidget(self.shown_line)
        column.addSpacing(4)
        column.addLayout(last)
        self.form.fit(WIDTH_PX)
        self.setFixedWidth(WIDTH_PX)

    def _fit(self) -> None:
        """As high as what is in it, once the layouts have heard of what came or went."""
        QTimer.singleShot(0, self, self.adjustSize)

    def _recolour(self) -> None:
        self.reset_box.setIcon(theme.icon("mdi6.undo-variant", "muted"))


def _sight(photos: int) -> str:
    if not photos:
        return "Looked at from all around"
    return f"Seen from {photos:,} photo{'s' * (photos != 1)}"


def _write(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
        label.setVisible(bool(text))
