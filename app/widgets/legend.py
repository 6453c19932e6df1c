"""Rows of a colour, a name and a figure: the legend that is a table as well."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app import theme
from app.widgets.labels import ElidedLabel

RIGHT = Qt.AlignmentFlag.AlignRight


class Swatch(QWidget):
    """A small rounded square in a colour of the theme."""

    def __init__(self, colour: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = colour
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """Eight pixels square."""
        return QSize(8, 8)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(getattr(theme.current(), self.colour)))
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)


class Legend(QWidget):
    """A table whose rows are a swatch (or none), a name and up to two figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 1)
        self._rows: dict[str, tuple[QWidget, ...]] = {}

    def add_row(self, key: str, label: str, *, colour: str = "") -> None:
        """Add a row named `key`; `colour` is a field of the theme."""
        row = self._grid.rowCount()
        name = ElidedLabel(label)
        value, more = ElidedLabel(role="value", align=RIGHT), ElidedLabel(role="muted", align=RIGHT)
        for figure in (value, more):
            figure.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        widgets: tuple[QWidget, ...] = (name, value, more)
        if colour:
            swatch = Swatch(colour)
            self._grid.addWidget(swatch, row, 0, Qt.AlignmentFlag.AlignVCenter)
            widgets = (*widgets, swatch)
        for column, widget in enumerate((name, value, more), start=1):
            self._grid.addWidget(widget, row, column)
        self._rows[key] = widgets

    def set_heads(self, value: str, more: str) -> None:
        """Name the two columns of figures."""
        for column, text in ((2, value), (3, more)):
            self._grid.addWidget(ElidedLabel(text, role="muted", align=RIGHT), 0, column)

    def set_row(self, key: str, value: str, more: str = "", *, tooltip: str = "") -> None:
        """Change the figures of a row."""
        for widget, text in zip(self._rows[key][1:3], (value, more), strict=True):
            if isinstance(widget, ElidedLabel):
                widget.setText(text)
        for widget in self._rows[key]:
            widget.setToolTip(tooltip)

    def value(self, key: str) -> str:
        """The first figure of a row."""
        label = self._rows[key][1]
        return label.text() if isinstance(label, ElidedLabel) else ""

    def show_row(self, key: str, shown: bool) -> None:
        """Show a row or take its room away."""
        for widget in self._rows[key]:
            widget.setVisible(shown)

    def is_shown(self, key: str) -> bool:
        """Whether a row takes room."""
        return not self._rows[key][0].isHidden()

    def show_second(self, shown: bool) -> None:
        """Show or hide the second figures of all shown rows."""
        for key, widgets in self._rows.items():
            widgets[2].setVisible(shown and self.is_shown(key))
        for column in (2, 3):
            head = self._grid.itemAtPosition(0, column)
            if head is not None:
                head.widget().setVisible(shown)
