"""One moment of one sample: what it is, what the model takes it for, the noise it sees.

Of a model that draws latents, the sample is shown decoded and as the latents that it is.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.widgets.labels import ElidedLabel
from app.widgets.pixels import PixelPicture

if TYPE_CHECKING:
    from engines.diffusion.artist import Stroke

PARTS = {
    "x": ("x_t", "The sample as it is at this step"),
    "x0": ("x0 estimate", "The image that the model takes it for"),
    "eps": ("Predicted noise", "The noise that the model sees in it, drawn at half size"),
}

LATENTS = {"latent": ("Latents of x_t", "The four channels that are denoised, black to white")}


class PathRow(QWidget):
    """Three pictures side by side under a line of words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ElidedLabel(role="muted")
        self.pictures: dict[str, PixelPicture] = {}
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        self._parts: dict[str, QWidget] = {}
        for part, (name, help_text) in (PARTS | LATENTS).items():
            picture = PixelPicture()
            if part == "latent":
                self.latents = picture
            else:
                self.pictures[part] = picture
            picture.setAccessibleName(name)
            picture.setToolTip(help_text)
            label = ElidedLabel(name, role="muted", align=Qt.AlignmentFlag.AlignHCenter)
            label.setToolTip(help_text)
            whole = self._parts[part] = QWidget(self)
            stack = QVBoxLayout(whole)
            stack.setContentsMargins(0, 0, 0, 0)
            stack.setSpacing(3)
            stack.addWidget(picture)
            stack.addWidget(label)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addLayout(self._grid)
        self._arrange(has_latents=False)

    def show_stroke(self, stroke: "Stroke", row: int) -> None:
        """Show this moment of sample `row`."""
        has_latents = stroke.shower is not None
        if has_latents is self._parts["latent"].isHidden():
            self._arrange(has_latents=has_latents)
        for part, picture in self.pictures.items():
            picture.show_pixels(stroke.picture(part, row))
        if has_latents:
            self.latents.show_pixels(stroke.picture("latent", row))

    def _arrange(self, *, has_latents: bool) -> None:
        """Three side by side, or two by two."""
        self._parts["latent"].setVisible(has_latents)
        shown = ["x", "latent", "x0", "eps"] if has_latents else list(PARTS)
        columns = 2 if has_latents else 3
        for i, part in enumerate(shown):
            self._grid.addWidget(self._parts[part], i // columns, i % columns)
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
