"""One sample at its largest, and beside it the training image that is most like it."""

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.theme import set_role
from app.widgets.labels import ElidedLabel
from app.widgets.panel import note
from app.widgets.samplegrid import picture_of
from app.widgets.tools import quiet_button

GAP_PX = 16
WORDS_PX = 150
"""Height of all words above and below the pictures."""


class SampleView(QWidget):
    """Two pictures side by side and a sentence on how like they are."""

    closed = Signal()
    """Back to all samples."""
    stepped = Signal(int)
    """To the next sample (1) or the one before (-1)."""

    start_asked = Signal()
    """Further samples are to start from this one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.back = quiet_button("All samples", "Back to all samples (Escape)")
        self.back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.back.clicked.connect(self.closed)
        self.before = quiet_button("", "Sample before (Left)")
        self.after = quiet_button("", "Next sample (Right)")
        self.before.clicked.connect(lambda: self.stepped.emit(-1))
        self.after.clicked.connect(lambda: self.stepped.emit(1))
        self.start = quiet_button("Start from this", "Draw further samples from this one")
        self.start.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.start.clicked.connect(self.start_asked)
        self.caption = ElidedLabel(role="value")
        tools = QHBoxLayout()
        tools.setSpacing(6)
        for tool in (self.back, self.before, self.after):
            tools.addWidget(tool)
        tools.addSpacing(8)
        tools.addWidget(self.caption, 1)
        tools.addWidget(self.start)
        self.sample, self.nearest = _Picture(), _Picture()
        self.nearest_name = ElidedLabel(role="muted")
        self.sentence = note()
        pair = QHBoxLayout()
        pair.setSpacing(GAP_PX)
        for words, picture, below in (
            ("Sample", self.sample, None),
            ("Nearest training image", self.nearest, self.nearest_name),
        ):
            side = QVBoxLayout()
            side.setSpacing(6)
            title = QLabel(words)
            set_role(title, "muted")
            side.addWidget(title)
            side.addWidget(picture)
            side.addWidget(below if below is not None else ElidedLabel(role="muted"))
            pair.addLayout(side, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(tools)
        column.addLayout(pair)
        column.addWidget(self.sentence)
        column.addStretch(1)
        theme.follow(self._recolour)

    def show_sample(self, image: np.ndarray, caption: str) -> None:
        """Show [h, w, c] uint8; what is nearest to it is not known yet."""
        self.sample.show_image(image)
        self.caption.setText(caption)
        self.caption.setToolTip(caption)
        self.show_nearest(None, "", "")

    def show_nearest(self, image: np.ndarray | None, name: str, sentence: str) -> None:
        """Show the training image that is nearest and a sentence on what that means."""
        self.nearest.show_image(image)
        self.nearest_name.setText(name)
        self.sentence.setText(sentence)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Both pictures as large as there is room, with what is said of them right below."""
        super().resizeEvent(event)
        side = min((self.width() - GAP_PX) // 2, self.height() - WORDS_PX)
        for picture in (self.sample, self.nearest):
            picture.setFixedHeight(max(40, side))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back, arrows go on."""
        match event.key():
            case Qt.Key.Key_Escape:
                self.closed.emit()
            case Qt.Key.Key_Left:
                self.stepped.emit(-1)
            case Qt.Key.Key_Right:
                self.stepped.emit(1)
            case _:
                super().keyPressEvent(event)

    def _recolour(self) -> None:
        self.back.setIcon(theme.icon("mdi6.view-grid-outline"))
        self.before.setIcon(theme.icon("mdi6.chevron-left"))
        self.start.setIcon(theme.icon("mdi6.image-edit-outline"))
        self.after.setIcon(theme.icon("mdi6.chevron-right"))


class _Picture(QWidget):
    """An image as large as there is room, each pixel a square."""

    def __init__(self) -> None:
        super().__init__()
        self.image: np.ndarray | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 40)

    def show_image(self, image: np.ndarray | None) -> None:
        self.image = image
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        side = min(self.width(), self.height())
        place = QRect(0, 0, side, side)
        if self.image is None:
            painter.setPen(theme.colour(theme.current().line))
            painter.drawRect(place.adjusted(0, 0, -1, -1))
            return
        painter.drawImage(place, picture_of(self.image))
