"""One moment of one sample: what it is, what the model takes it for, the noise it sees."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.labels import ElidedLabel
from app.widgets.pixels import PixelPicture

if TYPE_CHECKING:
    from engines.diffusion.artist import Stroke

PARTS = {
    "x": ("x_t", "The sample as it is at this step"),
    "x0": ("x0 estimate", "The image that the model takes it for"),
    "eps": ("Predicted noise", "The noise that the model sees in it, drawn at half size"),
}


class PathRow(QWidget):
    """Three pictures side by side under a line of words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ElidedLabel(role="muted")
        self.pictures: dict[str, PixelPicture] = {}
        row = QHBoxLayout()
        row.setSpacing(8)
        for part, (name, help_text) in PARTS.items():
            picture = self.pictures[part] = PixelPicture()
            picture.setAccessibleName(name)
            picture.setToolTip(help_text)
            label = ElidedLabel(name, role="muted", align=Qt.AlignmentFlag.AlignHCenter)
            label.setToolTip(help_text)
            stack = QVBoxLayout()
            stack.setSpacing(3)
            stack.addWidget(picture)
            stack.addWidget(label)
            row.addLayout(stack, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addLayout(row)

    def show_stroke(self, stroke: "Stroke", row: int) -> None:
        """Show this moment of sample `row`."""
        for part, picture in self.pictures.items():
            picture.show_pixels(stroke.bytes_of(part)[row])
