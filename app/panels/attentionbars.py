"""How much each word of a caption is looked at, as bars with their figures."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.figures import percent

ROW_PX, FIGURE_PX, GAP_PX = 18, 44, 8
MOST_WORD_PX = 90


class WordBars(QWidget):
    """A bar for each word, the largest as long as there is room; a click picks a word."""

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words: tuple[str, ...] = ()
        self.values = np.empty(0)
        """[words] as shown."""
        self.word = -1
        """The word that stands out, -1 for none."""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("How much each word is looked at; click one for its map")
        theme.follow(self.update)

    def show_values(self, words: Sequence[str], values: np.ndarray, word: int) -> None:
        """Show `values` [words], one of which stands out."""
        if tuple(words) != self.words:
            self.words = tuple(words)
            self.updateGeometry()
        self.values, self.word = values, word
        self.setAccessibleName("Words that are looked at")
        self.setAccessibleDescription(", ".join(map(self.words_of, range(len(words)))))
        self.update()

    def words_of(self, word: int) -> str:
        """A word with its figure: "red 23 %"."""
        return f"{self.words[word]} {self._figure(word)}"

    def row_of(self, word: int) -> QRectF:
        """Where a word is."""
        return QRectF(0, word * ROW_PX, self.width(), ROW_PX)

    def sizeHint(self) -> QSize:
        """A row for each word."""
        return QSize(200, max(1, len(self.words)) * ROW_PX)

    def minimumSizeHint(self) -> QSize:
        """Short bars."""
        return QSize(150, self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the word under the mouse."""
        word = int(event.position().y() // ROW_PX)
        if 0 <= word < len(self.words):
            self.picked.emit(word)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Words at the left, figures at the right, bars between."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(12))
        metrics = painter.fontMetrics()
        widest = max((metrics.horizontalAdvance(word) for word in self.words), default=0)
        named = min(MOST_WORD_PX, widest + 2) + GAP_PX
        room = max(1.0, self.width() - named - FIGURE_PX)
        most = float(self.values.max()) if len(self.values) else 0.0
        middle = Qt.AlignmentFlag.AlignVCenter
        for i, word in enumerate(self.words):
            row = self.row_of(i)
            shown = metrics.elidedText(word, Qt.TextElideMode.ElideRight, named - GAP_PX)
            painter.setPen(theme.colour(colours.mark if i == self.word else colours.text))
            painter.drawText(row, middle, shown)
            painter.setPen(theme.colour(colours.muted))
            painter.drawText(row, middle | Qt.AlignmentFlag.AlignRight, self._figure(i))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(colours.mark if i == self.word else colours.bar))
            length = max(2.0, room * float(self.values[i]) / most) if most else 2.0
            painter.drawRoundedRect(QRectF(named, row.top() + 4, length, ROW_PX - 8), 2, 2)

    def _figure(self, word: int) -> str:
        return percent(float(self.values[word]), 1.0)
