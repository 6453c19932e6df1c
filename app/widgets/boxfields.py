"""Six numbers that are a box: where it begins and ends along each axis."""

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.theme import set_role
from app.widgets.fields import RealField
from engines.settings import Setting

FIELD_PX = 28
UNKNOWN = "\N{HORIZONTAL ELLIPSIS}"
AXES = ("x", "y", "z")
DIGITS = 4
"""Of a number that was measured, beside the size of the box."""
STEPS = 50
"""So many steps of an arrow key lead from one side of the box to the other."""


class BoxFields(QWidget):
    """A row for each axis, with a field for either end."""

    edited = Signal()
    """A person changed a number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.fields: list[RealField] = []
        """x, y and z of the low corner, then of the high one."""
        for column, end in enumerate(("from", "to"), 1):
            title = QLabel(end)
            set_role(title, "muted")
            title.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(title, 0, column)
            for row, axis in enumerate(AXES, 1):
                if column == 1:
                    grid.addWidget(QLabel(axis), row, 0)
                field = RealField(Setting("Where the box begins or ends"))
                field.setAccessibleName(f"Box {axis} {end}")
                field.setFixedHeight(FIELD_PX)
                field.setSpecialValueText(UNKNOWN)
                field.edited.connect(self.edited)
                grid.addWidget(field, row, column)
                self.fields.append(field)
        self.clear()
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)

    @property
    def content(self) -> tuple[float, ...]:
        """The numbers, what is being typed included."""
        return tuple(field.content for field in self.fields)

    def clear(self) -> None:
        """Nothing is known of the box."""
        for field in self.fields:
            field.set_content(field.minimum())

    def set_content(self, six: Sequence[float]) -> None:
        """Show these numbers, rounded to what matters at the size of the box, without telling."""
        size = max(high - low for low, high in zip(six[:3], six[3:], strict=True))
        digits = DIGITS - 1 - math.floor(math.log10(max(size, 1e-9)))
        for field, value in zip(self.fields, six, strict=True):
            field.setSingleStep(size / STEPS)
            field.set_content(round(value, digits))
