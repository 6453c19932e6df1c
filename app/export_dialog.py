"""Taking Gaussians away: where to, in which format and frame, and whether they arrived."""

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

from app.jobs import Job, Jobs
from app.theme import set_role
from app.widgets.segmented import Segmented
from assets.errors import InputError
from assets.export import export
from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from assets.open import open_path

FORMATS = {".ply": ".ply", ".splat": ".splat"}
ABOUT_FORMAT = {
    ".ply": "Standard 3DGS file: full precision, view-dependent colour; all splat viewers open it",
    ".splat": "32 bytes a Gaussian, 8-bit colour that is the same from all sides; for the web",
}
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
        cloud: GaussianCloud,
        *,
        jobs: Jobs,
        path: Path,
        origin: str,
        normalisation: Normalisation | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`cloud` is in the input's frame; `origin` says where it is from: "Step 1,500"."""
        super().__init__(parent)
        self.setWindowTitle("Export Gaussians")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._cloud, self._jobs, self._normalisation = cloud, jobs, normalisation
        self._job: Job | None = None
        self.format = Segmented(FORMATS)
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
        if path.suffix in FORMATS:
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
        path = Path(self.path.text()).expanduser()
        self._set_busy(True)
        self._say("", "muted")
        cloud = self._cloud
        if self.frame.value == "normalised" and self._normalisation is not None:
            cloud = cloud.in_normalised_frame(self._normalisation)
        self._job = self._jobs.start(
            f"Exporting {path.name}",
            lambda _: (path, _write(cloud, path)),
            done=self._done,
            failed=lambda sentence, _: self._failed(sentence),
        )

    def reject(self) -> None:
        """Closing while it writes: the file is still written whole, nobody waits for it."""
        if self._job is not None:
            self._job.cancel()
        super().reject()

    def _done(self, result: tuple[Path, int]) -> None:
        path, count = result
        size = path.stat().st_size
        self._set_busy(False)
        self._say(f"Saved to {path}\nRead back: {count:,} Gaussians, {megabytes(size)}", "value")
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
        if path.suffix.lower() in FORMATS:
            self.path.setText(str(path.with_suffix(suffix)))
        else:
            self.path.setText(f"{path}{suffix}")
        self._describe()

    def _path_changed(self, text: str) -> None:
        suffix = Path(text).suffix.lower()
        replaces = Path(text).is_file()
        self._say("A file of this name is there; it will be replaced" if replaces else "", "warn")
        if suffix in FORMATS and suffix != self.format.value:
            self.format.blockSignals(True)
            self.format.set_value(suffix)
            self.format.blockSignals(False)
            self._describe()

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export Gaussians", self.path.text(), "Splats (*.ply *.splat)"
        )
        if chosen:
            self.path.setText(chosen)

    def _describe(self) -> None:
        suffix, degree = self.format.value, self._cloud.sh_degree
        size = estimated_bytes(len(self._cloud), degree, suffix)
        colour = f"colour of degree {degree}" if suffix == ".ply" else "plain colour"
        self.facts.setText(f"{len(self._cloud):,} Gaussians, {colour}, {megabytes(size)}")
        self.about_format.setText(ABOUT_FORMAT[suffix])
        self.about_frame.setText(ABOUT_FRAME[self.frame.value])

    def _build(self) -> None:
        heading = QLabel("Export Gaussians")
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
        for row, (name, content, below) in enumerate(
            (
                ("What", self.facts, origin),
                ("Format", self.format, self.about_format),
                ("Frame", self.frame, self.about_frame),
                ("Save to", place, None),
            )
        ):
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


def estimated_bytes(count: int, sh_degree: int, suffix: str) -> int:
    """Size of the file without its short header."""
    if suffix == ".splat":
        return 32 * count
    return 4 * count * (3 + 3 + 3 * (sh_degree + 1) ** 2 + 1 + 3 + 4)


def megabytes(size: int) -> str:
    """A size of a file for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _write(cloud: GaussianCloud, path: Path) -> int:
    """Write, then read the file as anybody would; the number of Gaussians in it."""
    export(cloud, path)
    back = open_path(path)
    if not isinstance(back, GaussianCloud) or len(back) != len(cloud):
        raise InputError(
            f"{path.name} does not read back as {len(cloud):,} Gaussians; save it again elsewhere"
        )
    return len(back)
