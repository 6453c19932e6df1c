"""What is wrong with the photos and what to do about it, before and after cameras are found."""

from collections.abc import Iterable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.panels.findingview import FindingView
from app.panels.phototile import Pictures
from app.panels.thumbnails import Thumbnails
from app.widgets.figures import count
from app.widgets.panel import MARGIN, Panel, add_scrolled, note
from app.widgets.sectors import SectorRing
from app.widgets.segmented import Segmented
from assets.unposed import UnposedPhotos
from engines.doctor.finding import Diagnosis

EMPTY = "Photos are looked at before their cameras are found; what may go wrong is told here"
LOOKING = "Looking at the photos"
COLOURS = {"A": "good", "B": "clone", "C": "warn", "D": "error"}
"""Field of the theme by grade."""


class GradeMark(QWidget):
    """A large letter in its colour on a disc of a breath of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grade = "A"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def set_grade(self, grade: str) -> None:
        """Show "A" to "D"."""
        self.grade = grade
        self.setAccessibleName(f"Grade {grade}")
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the two lines beside it."""
        return QSize(44, 44)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Disc and letter."""
        shade = getattr(theme.current(), COLOURS[self.grade])
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(shade, 0.16))
        painter.drawEllipse(QRectF(self.rect()))
        painter.setPen(theme.colour(shade))
        painter.setFont(theme.font(25, weight=QFont.Weight.DemiBold))
        painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, self.grade)


class DoctorPanel(Panel):
    """A grade, then findings in order of gravity, with their photos to leave out."""

    photo_activated = Signal(str)
    """Name of a photo whose picture was clicked."""
    left_out_changed = Signal(object)
    """A person changed ticks: frozenset of the names of all photos that are left out."""
    again_asked = Signal()
    """Cameras are to be found again, with the photos that are ticked now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Doctor", parent)
        self.thumbnails = Thumbnails(self)
        self.thumbnails.loaded.connect(self._arrived)
        self._pictures = Pictures(self.thumbnails)
        self._diagnoses: dict[str, Diagnosis] = {}
        self.left_out: frozenset[str] = frozenset()
        """Names of the photos that are not ticked."""
        self._used: frozenset[str] | None = None
        """What was left out when cameras were last looked for; None before the first time."""
        self._finding = False
        self.findings: list[FindingView] = []
        """What is shown now, the gravest first."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        self.empty = note(EMPTY)
        column.addWidget(self.empty)
        column.addWidget(self._make_progress())
        self.stages = Segmented({"poses": "Cameras", "photos": "Photos"}, compact=True)
        self.stages.changed.connect(lambda _stage: self._draw())
        column.addWidget(self.stages, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._make_grade())
        column.addWidget(self._make_ring())
        self._list = QVBoxLayout()
        self._list.setSpacing(14)
        column.addLayout(self._list)
        column.addStretch(1)
        add_scrolled(self, content)
        self.body.addWidget(self._make_again())
        self.clear()

    def _make_progress(self) -> QWidget:
        self.progress = QWidget()
        column = QVBoxLayout(self.progress)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(note(LOOKING))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(LOOKING)
        column.addWidget(self.bar)
        return self.progress

    def _make_grade(self) -> QWidget:
        self.grade_row = QWidget()
        row = QHBoxLayout(self.grade_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self.grade = GradeMark()
        row.addWidget(self.grade)
        words = QVBoxLayout()
        words.setSpacing(2)
        self.grade_words = QLabel()
        theme.set_role(self.grade_words, "heading")
        self.grade_words.setWordWrap(True)
        self.grade_words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.tally = note()
        words.addStretch(1)
        words.addWidget(self.grade_words)
        words.addWidget(self.tally)
        words.addStretch(1)
        row.addLayout(words, 1)
        return self.grade_row

    def _make_ring(self) -> QWidget:
        self.ring_row = QWidget()
        row = QHBoxLayout(self.ring_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        self.ring = SectorRing()
        row.addWidget(self.ring)
        self.ring_words = note()
        row.addWidget(self.ring_words, 1)
        return self.ring_row

    def _make_again(self) -> QWidget:
        self.again_row = QWidget()
        column = QVBoxLayout(self.again_row)
        column.setContentsMargins(0, 0, MARGIN, 0)
        self.again_words = note()
        column.addWidget(self.again_words)
        self.again = QPushButton("Find cameras again")
        theme.set_role(self.again, "primary")
        self.again.clicked.connect(self.again_asked)
        column.addWidget(self.again)
        return self.again_row

    # -- what comes in -----------------------------------------------------------------------

    def show_photos(self, photos: UnposedPhotos) -> None:
        """Take pictures and ticks from these photos; findings of others should be cleared."""
        self._pictures.show_photos(photos)
        self.set_left_out(photos.left_out)
        if self._finding:
            self._used = self.left_out

    def set_progress(self, done: int, total: int) -> None:
        """The photos are being looked at; what was found of older ones goes."""
        self._diagnoses.clear()
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(done)
        self._draw(looking=True)
        self.header.set_value(f"{count(done)} of {count(total)}")

    def show_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Show what was found; one of the photos makes an older one of the poses void."""
        if diagnosis.stage == "photos":
            self._diagnoses.clear()
        self._diagnoses[diagnosis.stage] = diagnosis
        if self.stages.value == diagnosis.stage:
            self._draw()
        else:
            self.stages.set_value(diagnosis.stage)

    def set_left_out(self, names: Iterable[str]) -> None:
        """Untick exactly these photos; no signal is sent."""
        self.left_out = frozenset(names)
        for finding in self.findings:
            finding.set_left_out(self.left_out)
        self._offer()

    def set_finding(self, finding: bool) -> None:
        """Cameras are being found from now on, with the ticks as they are; or no longer."""
        if finding and not self._finding:
            self._used = self.left_out
        self._finding = finding
        if not finding and not self.progress.isHidden():
            self._draw()  # it was stopped while it looked
        self._offer()

    def clear(self) -> None:
        """Forget the photos and what was found."""
        self._diagnoses.clear()
        self._used = None
        self._pictures.show_photos(None)
        self.left_out = frozenset()
        self._draw()

    # -- what it shows -----------------------------------------------------------------------

    def _draw(self, *, looking: bool = False) -> None:
        while (item := self._list.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        self.findings = []
        diagnosis = self._diagnoses.get(self.stages.value)
        if diagnosis is None and self._diagnoses:
            diagnosis = next(iter(self._diagnoses.values()))
        self.progress.setVisible(looking)
        self.empty.setVisible(diagnosis is None and not looking)
        self.stages.setVisible(len(self._diagnoses) > 1)
        self.grade_row.setVisible(diagnosis is not None)
        self.ring_row.setVisible(diagnosis is not None and bool(diagnosis.holes))
        self.header.set_value(f"grade {diagnosis.grade}" if diagnosis is not None else "")
        if diagnosis is not None:
            self._draw_diagnosis(diagnosis)
        self._offer()

    def _draw_diagnosis(self, diagnosis: Diagnosis) -> None:
        self.grade.set_grade(diagnosis.grade)
        words = diagnosis.summary.partition(": ")[2]
        self.grade_words.setText(words[:1].upper() + words[1:])
        self.tally.setText(tally(diagnosis))
        self.ring.show_counts(diagnosis.holes, grave=diagnosis.grade in ("C", "D"))
        self.ring_words.setText(f"Seen from above: {_lower(self.ring.words())}")
        for finding in diagnosis.findings:
            rule = QFrame()
            theme.set_role(rule, "rule")
            self._list.addWidget(rule)
            view = FindingView(finding, self._pictures)
            view.set_left_out(self.left_out)
            view.photo_activated.connect(self.photo_activated)
            view.photo_ticked.connect(self._tick)
            view.all_asked.connect(self._use_all)
            self._list.addWidget(view)
            self.findings.append(view)

    def _offer(self) -> None:
        """The button appears when another set of photos is ticked than was last used."""
        changed = self._used is not None and self.left_out != self._used
        self.again_row.setVisible(changed)
        if changed:
            out = len(self.left_out)
            photos = f"{count(out)} photo{'s' * (out != 1)}"
            self.again_words.setText(
                f"{photos} will be left out" if out else "All photos will be used"
            )

    # -- what a person does ------------------------------------------------------------------

    def _tick(self, name: str) -> None:
        self._change(self.left_out ^ {name})

    def _use_all(self, names: tuple[str, ...], used: bool) -> None:
        self._change(self.left_out.difference(names) if used else self.left_out.union(names))

    def _change(self, names: frozenset[str]) -> None:
        self.set_left_out(names)
        self.left_out_changed.emit(names)

    def _arrived(self, index: int) -> None:
        name = self._pictures.name(index)
        for finding in self.findings:
            finding.flow.arrived(name)


def tally(diagnosis: Diagnosis) -> str:
    """How many findings of each kind, in words."""
    levels = [finding.level for finding in diagnosis.findings]
    bad, warn = levels.count("bad"), levels.count("warn")
    parts = [f"{count(bad)} grave"] * bool(bad) + [f"{count(warn)} costing quality"] * bool(warn)
    return ", ".join(parts) or "Nothing to mend"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
