"""One sentence over the viewport: what went wrong and what to do, or what was done."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app import theme
from app.theme import set_role

WIDTH = 560
INFO_S = 10.0
"""How long it says what went well; what went wrong stays."""


class Banner(QFrame):
    """Stays until it is dismissed or something better has happened; the log keeps the words.

    What went well goes by itself.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("banner")
        self._level = "error"
        self._goes = QTimer(self, singleShot=True, interval=round(1e3 * INFO_S))
        self._goes.timeout.connect(self.clear)
        self._icon = QLabel()
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._dismiss = QPushButton()
        self._dismiss.setToolTip("Dismiss")
        set_role(self._dismiss, "quiet")
        self._dismiss.clicked.connect(self.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 8, 10)
        row.setSpacing(12)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._words, 1)
        row.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()
        theme.follow(self._recolour)

    @property
    def text(self) -> str:
        """The sentence on show, empty when there is none."""
        return "" if self.isHidden() else self._words.text()

    def say(self, text: str, *, level: str = "error") -> None:
        """Show a sentence ("error", "warn" or "info") in place of an older one."""
        self._level = level
        if level == "info":
            self._goes.start()
        else:
            self._goes.stop()
        self._words.setText(text)
        self._recolour()
        self.show()
        self.raise_()
        self.updateGeometry()

    def clear(self) -> None:
        """Take the sentence away."""
        self.hide()

    def sizeHint(self) -> QSize:
        """As wide as a sentence reads well, as high as it then needs."""
        parent = self.parentWidget()
        width = min(WIDTH, parent.width() - 24) if parent else WIDTH
        return QSize(width, max(44, self.heightForWidth(width)))

    def _recolour(self) -> None:
        colours = theme.current()
        line = {"error": colours.prune, "warn": colours.mark}.get(self._level, colours.outline)
        icon = {"error": "mdi6.alert-circle-outline", "warn": "mdi6.alert-outline"}.get(
            self._level, "mdi6.information-outline"
        )
        role = {"error": "prune", "warn": "mark"}.get(self._level, "label")
        self._icon.setPixmap(theme.icon(icon, role).pixmap(20, 20))
        self._dismiss.setIcon(theme.icon("mdi6.close"))
        self.setStyleSheet(
            f"#banner {{ background: {colours.card}; border: 1px solid {line};"
            " border-radius: 8px; }"
            f"#banner QLabel {{ color: {colours.text}; }}"
        )
