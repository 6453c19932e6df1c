"""What happened, when: the sentences a run and the window have said."""

import time
from collections import deque
from dataclasses import dataclass
from html import escape
from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app import theme
from app.panels.poselines import Level, PoseLines, diagnosis_lines
from app.widgets.bars import CAUSES
from app.widgets.figures import count, number
from app.widgets.panel import MARGIN, Panel
from app.widgets.tools import quiet_button
from engines.doctor.finding import Diagnosis
from engines.events import (
    Evaluated,
    Event,
    Failed,
    Finished,
    Judged,
    Marked,
    Reconstructed,
    Refined,
    StageBegan,
    Warned,
)

COLOURS: dict[str, str] = {"info": "label", "good": "good", "warn": "warn", "error": "error"}
"""Field of the theme by level."""
LONGEST = 2_000
"""Sentences kept; the oldest go first."""


@dataclass(frozen=True)
class Entry:
    """One sentence and the local time at which it was said."""

    clock: str
    level: Level
    text: str

    def to_text(self) -> str:
        """As it is copied."""
        mark = "" if self.level in ("info", "good") else f"{self.level}: "
        return f"{self.clock}  {mark}{self.text}"


class LogPanel(Panel):
    """Sentences with their time, coloured by level, newest at the bottom."""

    unseen_changed = Signal(int)
    """How many warnings and errors were said while the log was out of sight."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Log", parent)
        self.entries: deque[Entry] = deque(maxlen=LONGEST)
        self.unseen = 0
        """Warnings and errors that nobody has seen here."""
        self._poses = PoseLines()
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setUndoRedoEnabled(False)
        self.view.setMaximumBlockCount(LONGEST)
        self.view.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.document().setDocumentMargin(0)
        self.view.setPlaceholderText("What happens is told here")
        self.view.setAccessibleName("Log")
        self._at_end = True
        bar = self.view.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(self._stay_at_end)
        self.body.setContentsMargins(MARGIN, 0, 2, MARGIN)
        self.body.addWidget(self.view, 1)
        self.copy = quiet_button("", "Copy everything")
        self.copy.clicked.connect(self._copy_all)
        self.header.row.addWidget(self.copy)
        theme.follow(self._recolour)

    def see(self) -> None:
        """Somebody looks at it from now on."""
        self._count_unseen(0)

    def _count_unseen(self, unseen: int) -> None:
        if unseen != self.unseen:
            self.unseen = unseen
            self.unseen_changed.emit(unseen)

    def say(self, text: str, level: Level = "info") -> None:
        """Add a sentence now; raises ValueError for a level that is none."""
        if level not in get_args(Level):
            raise ValueError(f"{level!r} is no level of the log")
        entry = Entry(time.strftime("%H:%M:%S"), level, text)
        self.entries.append(entry)
        self._show(entry)
        if level in ("warn", "error") and not self.is_in_sight:
            self._count_unseen(self.unseen + 1)
        worrying = sum(e.level in ("warn", "error") for e in self.entries)
        self.header.set_value(f"{count(worrying)} to look at" if worrying else "")

    def add(self, event: Event) -> None:
        """Say what an event tells, if it is worth a sentence."""
        for words, level in self._poses.lines(event):
            self.say(words, level)
        match event:
            case Warned():
                self.say(event.message, "warn")
            case Failed():
                self.say(event.message, "error")
            case Finished():
                self.say(f"Finished after {duration(event.seconds)}: {event.reason}", "good")
            case Marked():
                self.say(f"Step {count(event.step)}: {event.label}")
            case Refined():
                self.say(refinement(event))
            case Judged():
                self.say(
                    f"Step {count(event.step)}: held-out loss {number(event.loss)} on "
                    f"{count(event.images)} samples of the data"
                )
            case StageBegan():
                self.say(f"Stage {event.number} of {event.count}: {event.name}")
            case Reconstructed():
                self.say(
                    f"Step {count(event.step)}: {count(event.images)} images come back from the "
                    f"autoencoder with {event.psnr:.1f} dB"
                )
            case Evaluated():
                kind = "held-out" if event.split == "holdout" else "training"
                self.say(
                    f"Step {count(event.step)}: {event.psnr:.2f} dB and SSIM {event.ssim:.3f} "
                    f"on {count(len(event.views))} {kind} photos"
                )

    def show_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Say what the doctor found, a line each."""
        for words, level in diagnosis_lines(diagnosis):
            self.say(words, level)

    def clear(self) -> None:
        """Forget everything."""
        self._poses = PoseLines()
        self.entries.clear()
        self.view.clear()
        self.header.set_value("")

    def to_text(self) -> str:
        """All sentences, one a line."""
        return "\n".join(entry.to_text() for entry in self.entries)

    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText(self.to_text())

    def _show(self, entry: Entry) -> None:
        colours = theme.current()
        shade = getattr(colours, COLOURS[entry.level])
        words = escape(entry.text).replace("\n", "<br/>")
        self.view.appendHtml(
            f'<span style="color:{colours.muted}">{entry.clock}&nbsp;&nbsp;</span>'
            f'<span style="color:{shade}">{words}</span>'
        )

    def _scrolled(self, value: int) -> None:
        self._at_end = value >= self.view.verticalScrollBar().maximum()

    def _stay_at_end(self, _low: int, high: int) -> None:
        if self._at_end:
            self.view.verticalScrollBar().setValue(high)

    def _recolour(self) -> None:
        self.copy.setIcon(theme.icon("mdi6.content-copy"))
        self.view.clear()
        for entry in self.entries:
            self._show(entry)


def refinement(event: Refined) -> str:
    """One line on what a refinement did."""
    done = [
        f"{count(n)} {cause.label}"
        for cause in CAUSES
        if cause.grows and (n := getattr(event, cause.field))
    ]
    pruned = event.pruned_opacity + event.pruned_scale
    if pruned:
        done.append(f"{count(pruned)} pruned")
    cut = ", growth cut short by the cap" if event.capped else ""
    words = ", ".join(done) or "nothing to change"
    return f"Step {count(event.step)}: {words}; {count(event.total)} Gaussians{cut}"


def duration(seconds: float) -> str:
    """Training time in words: 8.4 s, 1 min 12 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
