"""For every word of a caption, where in the image it is looked at."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.panels.attentioncalls import CallRange
from app.panels.attentionchecks import CheckMenu
from app.widgets.figures import percent
from app.widgets.heat import laid_over
from app.widgets.panel import note
from app.widgets.pixels import image_of
from app.widgets.segmented import Segmented

if TYPE_CHECKING:
    from engines.diffusion.capture import Capture
    from engines.diffusion.maps import Known

NO_WORDS = "This sample was drawn without words"
NO_CROSS = "This model reads words without looking at them place by place"
WORD_PX, GAP_PX = 18, 8
TILE_PX, LEAST_TILE_PX = 84, 56


class WordTiles(QWidget):
    """An image under a map for each word, in as many rows as it takes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words: tuple[str, ...] = ()
        self.maps = np.empty((0, 1, 1))
        """[words, rows, columns] as shown."""
        self.pictures: list[np.ndarray] = []
        """[h, w, 3] uint8 of each."""
        self._images: list[QImage] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setToolTip("Bright where a word is looked at most, with the share it gets there")
        theme.follow(self.update)

    def show_maps(self, words: list[str], maps: np.ndarray, pixels: np.ndarray) -> None:
        """Show `maps` [words, rows, columns] on `pixels` [h, w, c] uint8."""
        if tuple(words) != self.words:
            self.words = tuple(words)
            self.updateGeometry()
        self.maps = maps
        self.pictures = [laid_over(pixels, values) for values in maps]
        self._images = [image_of(picture) for picture in self.pictures]
        self.setAccessibleName(f"Maps of the words {', '.join(words)}")
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the words need."""
        return QSize(260, self.heightForWidth(260))

    def minimumSizeHint(self) -> QSize:
        """Room for one word."""
        return QSize(LEAST_TILE_PX, LEAST_TILE_PX + WORD_PX)

    def heightForWidth(self, width: int) -> int:
        """Rows of tiles with a word below each."""
        columns, side = self._layout(width)
        rows = -(-len(self.words) // columns)
        return max(1, rows * (side + WORD_PX + GAP_PX) - GAP_PX)

    def place_of(self, word: int) -> QRectF:
        """Where the picture of a word is."""
        columns, side = self._layout(self.width())
        row, column = divmod(word, columns)
        return QRectF(column * (side + GAP_PX), row * (side + WORD_PX + GAP_PX), side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Pictures, and below each its word and its largest share."""
        painter, colours = QPainter(self), theme.current()
        painter.setFont(theme.font(12))
        metrics = painter.fontMetrics()
        for i, (word, image) in enumerate(zip(self.words, self._images, strict=True)):
            place = self.place_of(i)
            painter.drawImage(place, image)
            below = QRectF(place.left(), place.bottom() + 2, place.width(), WORD_PX - 2)
            most = percent(float(self.maps[i].max()), 1.0)
            room = below.width() - metrics.horizontalAdvance(most) - 4
            shown = metrics.elidedText(word, Qt.TextElideMode.ElideRight, int(room))
            painter.setPen(theme.colour(colours.text))
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, shown)
            painter.setPen(theme.colour(colours.muted))
            painter.drawText(below, Qt.AlignmentFlag.AlignRight, most)

    def _layout(self, width: int) -> tuple[int, int]:
        """How many tiles go side by side, and how wide each is."""
        columns = max(1, min(len(self.words) or 1, (width + GAP_PX) // (TILE_PX + GAP_PX)))
        side = (width + GAP_PX) // columns - GAP_PX
        return columns, max(LEAST_TILE_PX, min(side, round(1.4 * TILE_PX)))


class WordMaps(QWidget):
    """Tiles of words, over layers, heads and calls that are chosen when looking."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layers, self.heads = CheckMenu("layers"), CheckMenu("heads")
        self.layers.setAccessibleName("Layers of the word maps")
        self.heads.setAccessibleName("Heads of the word maps")
        self.over = Segmented(
            {"all": "All calls", "one": "This call", "some": "From, to"}, compact=True
        )
        self.range = CallRange()
        self.range.hide()
        self.how = Segmented({"mean": "Mean", "max": "Max"}, compact=True)
        self.how.setToolTip("How heads become one")
        self.tiles, self.said = WordTiles(), note()
        self._asked: tuple[Capture, int, int, list[str], np.ndarray] | None = None
        self._calls: list[int] = []
        self._known: Known = {}
        self._offered: tuple[tuple[str, ...], int] = ((), 0)
        self._controls = QWidget()
        controls = QVBoxLayout(self._controls)
        controls.setContentsMargins(0, 0, 0, 0)
        controls.setSpacing(6)
        for widgets in ((self.layers,), (self.heads, self.how), (self.over,)):
            row = QHBoxLayout()
            row.setSpacing(6)
            for widget in widgets:
                row.addWidget(widget)
            if widgets[0] is self.over:
                row.addStretch(1)
            controls.addLayout(row)
        controls.addWidget(self.range)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._controls, self.tiles, self.said):
            column.addWidget(widget)
        for field in (self.layers, self.heads, self.range):
            field.edited.connect(self._refresh)
        for choice in (self.over, self.how):
            choice.changed.connect(self._refresh)

    def show_words(
        self,
        capture: "Capture",
        *,
        calls: list[int],
        step: int,
        row: int,
        words: list[str],
        pixels: np.ndarray,
    ) -> None:
        """Show the words of sample `row` on its image; `calls[step]` is "this call"."""
        if self._asked is None or self._asked[0] is not capture:
            self._known = {}
        self._asked, self._calls = (capture, calls[step], row, words, pixels), calls
        self.range.show_count(len(calls))
        self._offer(capture)
        self._refresh()

    @property
    def over_what(self) -> str:
        """Layers, heads and calls over which words are shown, for people."""
        one = len(self.heads.chosen or ()) == 1
        heads = self.heads.words if one else f"{self.heads.words} ({self.how.value})"
        first, last = self.range.span
        calls = {"all": "all calls", "one": "this call", "some": f"calls {first} to {last}"}
        return f"{self.layers.words}, {heads}, {calls[self.over.value]}"

    def _offer(self, capture: "Capture") -> None:
        from engines.diffusion.looking import layers_of_words

        offered = layers_of_words(capture)
        if offered == self._offered:
            return
        self._offered = offered
        self.layers.offer([(name.rsplit(" ", 1)[0].capitalize(), name) for name in offered[0]])
        self.heads.offer([(f"Head {i + 1}", i) for i in range(offered[1])])

    def _chosen_calls(self, call: int) -> list[int]:
        match self.over.value:
            case "one":
                return [call]
            case "some":
                first, last = self.range.span
                return self._calls[first - 1 : last]
        return self._calls

    def _refresh(self) -> None:
        from engines.diffusion.looking import heat_of_words

        if self._asked is None:
            return
        capture, call, row, words, pixels = self._asked
        self.range.setVisible(self.over.value == "some")
        maps = heat_of_words(
            capture,
            row,
            len(words),
            layers=self.layers.chosen,
            heads=self.heads.chosen,
            calls=self._chosen_calls(call),
            how="max" if self.how.value == "max" else "mean",
            known=self._known,
        )
        for widget in (self._controls, self.tiles):
            widget.setVisible(maps is not None or bool(words and self._offered[0]))
        sentence = ""
        if not words:
            sentence = NO_WORDS
        elif not self._offered[0]:
            sentence = NO_CROSS
        elif maps is None:
            sentence = "Nothing of this was recorded"
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        self.tiles.show_maps(
            words if maps is not None else [],
            np.empty((0, 1, 1)) if maps is None else maps.numpy(),
            pixels,
        )
