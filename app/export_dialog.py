"""Taking a result away: where to, in which format and frame, and whether it arrived."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.exports import Exportable, megabytes
from app.jobs import Job, Jobs
from app.theme import set_role
from app.widgets.segmented import Segmented
from assets.frame import Normalisation

ABOUT_FRAME = {
    "input": "Positions and sizes in the units of the photos' cameras",
    "normalised": "The frame of training: the cameras' centre at 0, the farthest camera at 1",
}


class ExportDialog(QDialog):
    """Writes one snapshot off the window's thread; stays open to say what came of it."""

    exported = Signal(object)
    """The path, after the file was read back."""

    def __init__(
        self,
        what: Exportable,
        *,
        jobs: Jobs,
        path: Path,
        origin: str,
        normalisation: Normalisation | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`origin` says where it is from: "Step 1,500"."""
        super().__init__(parent)
        self.setWindowTitle(what.title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._what, self._jobs = what, jobs
        self._normalisation = normalisation if what.in_frame is not None else None
        self._job: Job | None = None
        self.format = Segmented({suffix: suffix for suffix in what.formats})
        self.frame = Segmented({"input": "Input", "normalised": "Normalised"})
        self.path = QLineEdit(str(path))
        self.path.setMinimumWidth(360)
        self.browse = QPushButton("Browse…")
        self.about_format, self.about_frame = QLabel(), QLabel()
        self.facts = QLabel()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.save = QPushButton("Export")
        self.save.setDefault(True)
        self.close_button = QPushButton("Cancel")
        set_role(self.save, "primary")
        self._origin = origin
        self._build()
        if path.suffix in what.formats:
            self.format.set_value(path.suffix)
        self.format.changed.connect(self._format_chosen)
        self.frame.changed.connect(self._describe)
        self.path.textChanged.connect(self._path_changed)
        self.browse.clicked.connect(self._browse)
        self.save.clicked.connect(self.start)
        self.close_button.clicked.connect(self.reject)
        self._describe()
        self._path_changed(str(path))

    def start(self) -> None:
        """Write the file; the outcome is said in the dialog."""
        path = self._chosen_path().expanduser()
        self.path.setText(str(path))
        self._set_busy(True)
        self._say("", "muted")
        what = self._what
        frame = self._normalisation if self.frame.value == "normalised" else None
        self._job = self._jobs.start(
            f"Exporting {path.name}",
            lambda _: what.write(path, frame),
            done=lambda _: self._done(path),
            failed=lambda sentence, _: self._failed(sentence),
        )

    def reject(self) -> None:
        """Closing while it writes: the file is still written whole, nobody waits for it."""
        if self._job is not None:
            self._job.cancel()
        super().reject()

    def _done(self, path: Path) -> None:
        size = path.stat().st_size
        self._set_busy(False)
        self._say(f"Saved to {path}\nRead back: {self._what.amount}, {megabytes(size)}", "value")
        self.close_button.setText("Close")
        self.save.setText("Export again")
        self.close_button.setFocus()
        self.exported.emit(path)

    def _failed(self, sentence: str) -> None:
        self._set_busy(False)
        self._say(sentence, "error")

    def _say(self, text: str, role: str) -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _set_busy(self, busy: bool) -> None:
        self.busy.setVisible(busy)
        for widget in (self.save, self.path, self.browse, self.format):
            widget.setEnabled(not busy)
        self.frame.setEnabled(not busy and self._normalisation is not None)

    def _format_chosen(self, suffix: str) -> None:
        path = Path(self.path.text())
        if path.suffix.lower() in self._what.formats:
            self.path.setText(str(path.with_suffix(suffix)))
        else:
            self.path.setText(f"{path}{suffix}")
        self._describe()

    def _chosen_path(self) -> Path:
        """What was typed, with the suffix of the format where it has none of a format."""
        path = Path(self.path.text())
        known = path.suffix.lower() in self._what.formats
        return path if known or not path.name else Path(f"{path}{self.format.value}")

    def _path_changed(self, text: str) -> None:
        suffix = Path(text).suffix.lower()
        replaces = self._chosen_path().expanduser().is_file()
        self._say("A file of this name is there; it will be replaced" if replaces else "", "warn")
        if suffix in self._what.formats and suffix != self.format.value:
            self.format.blockSignals(True)
            self.format.set_value(suffix)
            self.format.blockSignals(False)
            self._describe()

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, self._what.title, self.path.text(), self._what.filter
        )
        if chosen:
            self.path.setText(chosen)

    def _describe(self) -> None:
        suffix = self.format.value
        self.facts.setText(self._what.facts(suffix))
        self.about_format.setText(self._what.formats[suffix])
        self.about_frame.setText(ABOUT_FRAME[self.frame.value])

    def _build(self) -> None:
        heading = QLabel(self._what.title)
        set_role(heading, "heading")
        set_role(self.facts, "value")
        for label in (self.about_format, self.about_frame):
            set_role(label, "muted")
            label.setWordWrap(True)
            label.setMinimumHeight(32)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
        origin = QLabel(self._origin)
        set_role(origin, "muted")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.path, 1)
        place.addWidget(self.browse)
        parts = [("What", self.facts, origin), ("Format", self.format, self.about_format)]
        if self._what.in_frame is not None:
            parts.append(("Frame", self.frame, self.about_frame))
        else:
            for unused in (self.frame, self.about_frame):
                unused.setParent(self)
                unused.hide()
        for row, (name, content, below) in enumerate([*parts, ("Save to", place, None)]):
            label = QLabel(name)
            grid.addWidget(label, 2 * row, 0)
            if isinstance(content, QWidget):
                grid.addWidget(content, 2 * row, 1)
            else:
                grid.addLayout(content, 2 * row, 1)
            if below is not None:
                grid.addWidget(below, 2 * row + 1, 1)
        grid.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(14)
        column.addWidget(heading)
        column.addLayout(grid)
        column.addWidget(self.busy)
        column.addWidget(self.message)
        column.addLayout(buttons)
        self.setMinimumWidth(560)
        self._say("", "muted")
        self._set_busy(False)
