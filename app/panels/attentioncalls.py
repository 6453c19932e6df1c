"""From which call of the network to which: two numbers that stay in order."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.theme import set_role
from app.widgets.fields import WholeField
from engines.settings import Setting


class CallRange(QWidget):
    """Calls counted from 1, both ends included."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.first, self.last = (WholeField(Setting("Call", low=1, high=1)) for _ in range(2))
        self.first.setAccessibleName("First call of the word maps")
        self.last.setAccessibleName("Last call of the word maps")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for words, field in (("Calls", self.first), ("to", self.last)):
            label = QLabel(words)
            set_role(label, "muted")
            row.addWidget(label)
            row.addWidget(field, 1)
        self.first.edited.connect(self._follow_first)
        self.last.edited.connect(self._follow_last)

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last call."""
        return self.first.content, self.last.content

    def show_count(self, count: int) -> None:
        """There are so many calls; the last one stays the last. Tells nothing."""
        first, last = self.first.value(), self.last.value()
        follows = last == self.last.maximum()
        for field, value in ((self.first, first), (self.last, count if follows else last)):
            field.blockSignals(True)
            field.setMaximum(max(1, count))
            field.setValue(value)
            field.blockSignals(False)

    def _follow_first(self) -> None:
        self.last.set_content(max(self.first.value(), self.last.value()))
        self.edited.emit()

    def _follow_last(self) -> None:
        self.first.set_content(min(self.first.value(), self.last.value()))
        self.edited.emit()
