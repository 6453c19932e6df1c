"""The button that has something drawn, the one that ends it, and what is said of the drawing."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.drawing import Drawing
from app.drawnwords import progress_of
from app.theme import set_role
from app.widgets.panel import note


class DrawRow(QWidget):
    """Follows one drawing at a time, from the moment it is asked for to its end.

    What comes and goes stands on one side of the button, so that the button keeps its place.
    """

    asked = Signal()
    stopped = Signal()

    def __init__(
        self, words: str, *, button_last: bool = False, parent: QWidget | None = None
    ) -> None:
        """`button_last` is for the lower end of a column, which stays where it is."""
        super().__init__(parent)
        self.button = QPushButton(words)
        self.button.clicked.connect(self.asked)
        self.stop = QPushButton("Stop")
        self.stop.clicked.connect(self.stopped)
        self.progress, self.note = note(), note()
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.progress, 1)
        row.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.note)
        column.insertWidget(column.count() if button_last else 0, self.button)
        self.clear()

    def clear(self) -> None:
        """Nothing is being drawn, and nothing is to be said."""
        self.rest()
        self.say("")

    def begin(self) -> None:
        """A drawing was asked for."""
        self.say("")
        self.stop.show()
        self._say_progress("Begins to draw")

    def rest(self) -> None:
        """No more is drawn."""
        self.stop.hide()
        self._say_progress("")

    def follow(self, drawing: Drawing) -> None:
        """Tell how far it is, and what of the wish is not followed."""
        self.say(". ".join(drawing.notes))
        self.stop.setVisible(not drawing.ended)
        self._say_progress(progress_of(drawing) or f"Drawn in {drawing.seconds:.1f} s")

    def say(self, sentences: str, *, grave: bool = False) -> None:
        """What of the wish was not followed, or why nothing could be drawn."""
        set_role(self.note, "error" if grave else "warn")
        self.note.setText(sentences)
        self.note.setVisible(bool(sentences))

    def _say_progress(self, words: str) -> None:
        self.progress.setText(words)
        self.progress.setVisible(bool(words))
