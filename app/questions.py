"""Everything the window has to ask a person, in one place, so that tests can answer."""

from enum import Enum, auto
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.distil_dialog import DistilDialog
from app.distilling import DistilSettings
from assets.decode import PHOTO_SUFFIXES

OPENABLE = (
    "All that can be opened (*.ply *.splat *.safetensors *.json *.out *.glb *.gltf *.obj *.stl "
    "*.bin *.txt);;Splats (*.ply *.splat);;Radiance fields (*.safetensors);;"
    "Cameras (transforms*.json *.out *.bin *.txt);;"
    "Meshes (*.glb *.gltf *.obj *.ply *.stl);;All files (*)"
)
IMAGES = f"Images ({' '.join(f'*{suffix}' for suffix in sorted(PHOTO_SUFFIXES))});;All files (*)"
FOLDERS = "Folder (*)"
"""What the dialog for a new folder calls it."""


class Choice(Enum):
    """What to do with a run that is not saved."""

    SAVE = auto()
    DISCARD = auto()
    CANCEL = auto()


class Questions:
    """Asks with the usual dialogs. `parent` is the window; None means that nobody answered."""

    def unsaved(self, parent: QWidget, steps: int, purpose: str) -> Choice:
        """Whether a run with `steps` unsaved steps may go; `purpose`: "Closing the window"."""
        box = QMessageBox(parent)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle("Unsaved run")
        box.setText(unsaved_words(steps, purpose))
        what = "it" if steps == 1 else "them"
        box.setInformativeText(f"Neither a checkpoint nor an export holds {what}")
        save = box.addButton("Save checkpoint…", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(cancel)
        box.exec()
        clicked = box.clickedButton()
        box.deleteLater()
        if clicked is save:
            return Choice.SAVE
        return Choice.DISCARD if clicked is discard else Choice.CANCEL

    def folder(self, parent: QWidget, title: str, start: Path) -> Path | None:
        """An existing folder."""
        chosen = QFileDialog.getExistingDirectory(parent, title, str(start))
        return Path(chosen) if chosen else None

    def files(self, parent: QWidget, title: str, start: Path) -> list[Path]:
        """Existing files."""
        chosen, _ = QFileDialog.getOpenFileNames(parent, title, str(start), OPENABLE)
        return [Path(name) for name in chosen]

    def image(self, parent: QWidget, title: str, start: Path) -> Path | None:
        """An existing file with an image."""
        chosen, _ = QFileDialog.getOpenFileName(parent, title, str(start), IMAGES)
        return Path(chosen) if chosen else None

    def new_file(self, parent: QWidget, title: str, start: Path, filters: str) -> Path | None:
        """A file to be written, with the suffix of the chosen filter if none was typed."""
        return asked_file(parent, title, start, filters)

    def distil(self, parent: QWidget, name: str, told: bool) -> DistilSettings | None:
        """How the opened diffusion model is to teach; `told` if it knows captions or classes."""
        dialog = DistilDialog(name, told=told, parent=parent)
        accepted = dialog.exec() == DistilDialog.DialogCode.Accepted
        dialog.deleteLater()
        return dialog.settings if accepted else None

    def new_folder(self, parent: QWidget, title: str, start: Path) -> Path | None:
        """A folder to be written, which may exist."""
        chosen, _ = QFileDialog.getSaveFileName(parent, title, str(start), FOLDERS)
        return Path(chosen) if chosen else None


def asked_file(parent: QWidget, title: str, start: Path, filters: str) -> Path | None:
    """Where a person wants a file; begins at `start`, folder and name.

    `filters` are those of Qt, "Film (*.mp4);;Animated picture (*.gif)": the suffix of the chosen
    one is added before the dialog asks whether a file may be replaced.
    """
    dialog = QFileDialog(parent, title, str(start.parent), filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(start.name)

    def suffix(chosen: str) -> None:
        dialog.setDefaultSuffix(chosen[chosen.rfind(".") + 1 : -1])

    suffix(dialog.selectedNameFilter())
    dialog.filterSelected.connect(suffix)
    said_yes = dialog.exec()
    chosen = dialog.selectedFiles()
    dialog.deleteLater()
    return Path(chosen[0]) if said_yes and chosen else None


def unsaved_words(steps: int, purpose: str) -> str:
    """What would be lost: "Closing the window discards this training; 837 steps are not saved"."""
    are = "step is" if steps == 1 else "steps are"
    return f"{purpose} discards this training; {steps:,} {are} not saved"
