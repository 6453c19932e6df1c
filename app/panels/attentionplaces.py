"""How alike the place embeddings of patches are: of all at a glance, and of the one picked."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.figures import number
from app.widgets.heat import heat
from app.widgets.panel import note
from app.widgets.pixels import PixelPicture

if TYPE_CHECKING:
    from engines.diffusion.networks.config import Places

ABOUT = "Cosine similarity of each patch's place embedding with all others. "
ORIGIN = {
    "fixed": (
        "They are fixed waves of row and column, not learnt: every map is the same pattern around "
        "its own patch"
    ),
    "learned": (
        "They are learnt and began as noise: bright rows, columns and neighbours are what the "
        "network found out about where patches lie"
    ),
}
HINT = "Click a tile for its map"


class PlaceMaps(QWidget):
    """A tile for each patch where it lies on the image; below them the one that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.similarity: np.ndarray | None = None
        """[rows, columns, rows, columns], None where a network has no place embeddings."""
        self.picked = (0, 0)
        self.about = note()
        self.tiles, self.map = PixelPicture(most_px=340), PixelPicture(most_px=200)
        self.tiles.setAccessibleName("Likeness of all place embeddings")
        self.map.setAccessibleName("Likeness to the place embedding that was clicked")
        self.tiles.setToolTip("Dark where embeddings are least alike, bright where they are equal")
        self.words = note(HINT)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.about, self.tiles, self.map, self.words):
            column.addWidget(widget)
        self.tiles.clicked.connect(self._pick)
        self.map.clicked.connect(self._pick)

    def show_similarity(self, similarity: np.ndarray | None, origin: "Places" = "fixed") -> None:
        """Show [rows, columns, rows, columns], or nothing; the patch stays if there is one."""
        from engines.diffusion.placing import tiled

        before, self.similarity = self.similarity, similarity
        if similarity is None:
            return
        self.about.setText(ABOUT + ORIGIN[origin])
        if before is None or not np.array_equal(before, similarity):
            self.tiles.cells = self.map.cells = similarity.shape[:2]
            self.tiles.show_pixels(heat(tiled(similarity), low=None, high=1.0))
            rows, columns = similarity.shape[:2]
            self._pick(rows // 2, columns // 2)

    def _pick(self, row: int, column: int) -> None:
        assert self.similarity is not None
        self.picked = row, column
        values = self.similarity[row, column]
        self.map.show_pixels(heat(values, low=float(self.similarity.min()), high=1.0))
        for picture in (self.tiles, self.map):
            picture.mark((row, column))
        least = np.unravel_index(int(values.argmin()), values.shape)
        others = values.copy()
        others[row, column] = -np.inf
        most = np.unravel_index(int(others.argmax()), values.shape)
        self.words.setText(
            f"Row {row + 1}, column {column + 1} is most like {_place(most)} "
            f"({number(float(values[most]), 2)}), least like {_place(least)} "
            f"({number(float(values[least]), 2)})\n{HINT}"
        )


def _place(at: tuple[np.intp, ...]) -> str:
    row, column = at
    return f"row {row + 1}, column {column + 1}"
