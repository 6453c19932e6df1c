"""Text that shortens itself rather than pushing its neighbours about, and panel titles."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.theme import set_role


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where there is no room; the tooltip has it all."""

    def __init__(
        self,
        text: str = "",
        *,
        role: str = "",
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(align | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if role:
            set_role(self, role)

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        return QSize(self.fontMetrics().horizontalAdvance("00…"), super().sizeHint().height())

    @property
    def shown_text(self) -> str:
        """What fits into the present width; nothing rather than a mere ellipsis."""
        shown = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width()
        )
        return "" if shown == "…" else shown

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what fits."""
        shown = self.shown_text
        if shown == self.text():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), self.alignment(), shown)


class SectionTitle(QWidget):
    """A quiet upper-case title at the left and a muted value at the right."""

    def __init__(self, title: str, value: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = ElidedLabel(title.upper(), role="title")
        self._value = ElidedLabel(value, role="muted", align=Qt.AlignmentFlag.AlignRight)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(10)
        self.row.addWidget(self.title)
        self.row.addWidget(self._value, 1)
        # The title keeps its width, the value takes what is left.
        self.title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def value(self) -> str:
        """What stands at the right."""
        return self._value.text()

    def set_value(self, value: str, tooltip: str = "") -> None:
        """Change what stands at the right."""
        if value != self._value.text():
            self._value.setText(value)
        self._value.setToolTip(tooltip)
