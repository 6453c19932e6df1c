"""One of a few, all in sight: a row of buttons of which exactly one is down."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.theme import set_role


class Segmented(QFrame):
    """A choice among `options`, value to label, the first of which is chosen at the start."""

    changed = Signal(str)
    """The new value, when a person or `set_value` changed it."""

    def __init__(
        self, options: Mapping[str, str], *, compact: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("compact", compact)
        set_role(self, "segments")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(1)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for value, label in options.items():
            button = QPushButton(label)
            button.setCheckable(True)
            row.addWidget(button)
            self._group.addButton(button)
            self._buttons[value] = button
        next(iter(self._buttons.values())).setChecked(True)
        self._group.buttonToggled.connect(self._toggled)

    @property
    def value(self) -> str:
        """The chosen value."""
        return next(value for value, button in self._buttons.items() if button.isChecked())

    def set_value(self, value: str) -> None:
        """Choose `value`; raises KeyError for one that is not offered."""
        self._buttons[value].setChecked(True)

    def button(self, value: str) -> QPushButton:
        """The button of `value`, for a tooltip or a shortcut."""
        return self._buttons[value]

    def _toggled(self, _button: QPushButton, checked: bool) -> None:
        if checked:
            self.changed.emit(self.value)
