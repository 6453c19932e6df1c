"""Short pages of help: keys and mouse, what the machine can do, what this program is."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.theme import set_role

MOUSE = (
    ("Orbit", "drag"),
    ("Pan", "Shift + drag, or drag with the middle button"),
    ("Zoom to the pointer", "wheel"),
    ("Focus on a place", "double click"),
    ("See what made a pixel", "click it, Escape forgets its ray"),
    ("Look through a camera", "click its frustum or its thumbnail"),
    ("Fly", "W A S D, Q and E for down and up, Shift for fast"),
)
LISTED = (
    "run",
    "step",
    "stop",
    "export",
    "save_checkpoint",
    "mode_colour",
    "mode_depth",
    "mode_ellipsoids",
    "mode_points",
    "mode_exact",
    "mode_normals",
    "mode_accumulation",
    "mode_occupancy",
    "mode_slice",
    "cameras",
    "grid",
    "photo",
    "next_photo",
    "reset_view",
    "full_screen",
)

ABOUT = (
    "Drop photos on it and watch Gaussians or a radiance field learn from them, or a folder of\n"
    "images and watch a diffusion model learn to draw them\n"
    "Licence: Apache 2.0\n"
    "Works without a network: nothing is downloaded or sent"
)


def keys_page(actions: Actions, parent: QWidget) -> QDialog:
    """What the mouse and the keys do."""
    page = _Page("Keys and mouse", parent)
    for what, how in MOUSE:
        page.add(what, how)
    page.rule()
    for name in LISTED:
        action = actions[name]
        if not action.isVisible():
            continue
        page.add(action.text().rstrip("…"), action.shortcut().toString())
    return page


def text_page(title: str, text: str, parent: QWidget) -> QDialog:
    """A title and lines of "name: value"; other lines are sentences."""
    page = _Page(title, parent)
    for line in text.splitlines():
        name, colon, value = line.partition(": ")
        page.add(name, value) if colon else page.say(line)
    return page


class _Page(QDialog):
    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        heading = QLabel(title)
        set_role(heading, "heading")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(28)
        self._grid.setVerticalSpacing(7)
        self._grid.setColumnStretch(1, 1)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(14)
        column.addWidget(heading)
        column.addLayout(self._grid)
        column.addLayout(buttons)
        self.setMinimumWidth(420)

    def add(self, name: str, value: str) -> None:
        row = self._grid.rowCount()
        left, right = QLabel(name), QLabel(value)
        set_role(right, "value")
        right.setWordWrap(True)
        right.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(left, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(right, row, 1)

    def say(self, sentence: str) -> None:
        label = QLabel(sentence)
        label.setWordWrap(True)
        self._grid.addWidget(label, self._grid.rowCount(), 0, 1, 2)

    def rule(self) -> None:
        line = QFrame()
        set_role(line, "rule")
        self._grid.addWidget(line, self._grid.rowCount(), 0, 1, 2)
