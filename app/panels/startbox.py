"""What samples start from: noise, or an image, forgotten in part or where it is painted over."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.droptarget import local_paths
from app.theme import set_role
from app.widgets.fields import WholeField
from app.widgets.labels import ElidedLabel
from app.widgets.maskcanvas import MaskCanvas
from app.widgets.panel import note
from app.widgets.tools import quiet_button
from assets.open import Kind, identify
from engines.settings import Setting

STRENGTH = 60
"""Percent of an image that is forgotten unless a person wants something else."""
WHOLE = "Paint on it to have only that part drawn anew"
PART = "What is painted is drawn anew, all else stays"
STRENGTH_TIP = "How much of the image is forgotten: little of it keeps its colours, 100 % nothing"
ERASE_TIP = "Take paint away; the right mouse button does so at any time"
REPEATS = Setting(
    "How often each step is gone through, so that the filling agrees with what surrounds it",
    low=1,
    high=20,
)
NOT_REPEATED = "Only the filling of what is painted is repeated; paint on the image first"
NOT_READ = "What is painted starts from noise, so the strength is not read; clear the mask first"


class StartBox(QWidget):
    """A place to drop an image on; once there is one, its strength and a mask to paint."""

    asked = Signal()
    """A person wants to choose an image."""
    changed = Signal()
    """There is another image, another mask or none."""
    dropped = Signal(object)
    """The `Path` of what may be an image."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._hovered = False
        self._remark = ""
        self.name = ""
        """Of the image; empty where there is none."""
        self.choose = QPushButton("Start from an image…")
        self.choose.clicked.connect(self.asked)
        self.hint = QLabel("or drop one here")
        set_role(self.hint, "muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.offer = QWidget()
        column = QVBoxLayout(self.offer)
        column.setContentsMargins(10, 10, 10, 8)
        column.setSpacing(4)
        column.addWidget(self.choose)
        column.addWidget(self.hint)
        self._make_tools()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.offer)
        whole.addWidget(self.tools)
        self.canvas.painted.connect(self._follow)
        self._follow()
        theme.follow(self._recolour)

    def _make_tools(self) -> None:
        self.title = ElidedLabel(role="value")
        self.remove = quiet_button("", "Start from noise again")
        self.remove.clicked.connect(self.clear)
        self.canvas = MaskCanvas()
        self.strength, self.brush = _slider(0, 100, "Strength"), _slider(1, 16, "Brush")
        self.strength.setValue(STRENGTH)
        self.strength.valueChanged.connect(self._follow)
        self.brush.valueChanged.connect(self._follow)
        self.erase = quiet_button("Erase", ERASE_TIP, checkable=True)
        self.erase.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.erase.toggled.connect(self._follow)
        self.repeats = WholeField(REPEATS)
        self.repeats.setAccessibleName("Repeats")
        self.repeats.setMinimumWidth(40)
        self.unpaint = quiet_button("Clear mask", "Take all paint away")
        self.unpaint.clicked.connect(self.canvas.clear)
        self._labels = ElidedLabel("Strength"), ElidedLabel("Brush"), ElidedLabel("Repeats")
        self._values = QLabel(), QLabel()
        header = QHBoxLayout()
        header.setSpacing(4)
        header.addWidget(self.title, 1)
        header.addWidget(self.remove)
        rows = QGridLayout()
        rows.setHorizontalSpacing(8)
        rows.setVerticalSpacing(4)
        for row, slider in enumerate((self.strength, self.brush)):
            value = self._values[row]
            set_role(value, "muted")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setFixedWidth(40)
            rows.addWidget(self._labels[row], row, 0)
            rows.addWidget(slider, row, 1)
            rows.addWidget(value, row, 2)
        rows.addWidget(self._labels[2], 2, 0)
        rows.addWidget(self.repeats, 2, 1, 1, 2)
        rows.setColumnStretch(1, 1)
        paint = QHBoxLayout()
        paint.setSpacing(4)
        paint.addWidget(self.erase)
        paint.addWidget(self.unpaint)
        paint.addStretch(1)
        self.note = note()
        self.tools = QWidget()
        column = QVBoxLayout(self.tools)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(header)
        column.addWidget(self.canvas)
        column.addLayout(rows)
        column.addLayout(paint)
        column.addWidget(self.note)

    # -- the image ---------------------------------------------------------------------------

    def show_image(self, pixels: np.ndarray, name: str, remark: str = "") -> None:
        """Start from [h, w, 3] uint8; `remark` says what was done to it."""
        self.name, self._remark = name, remark
        self.title.setText(name)
        self.title.setToolTip(name)
        self.brush.setRange(1, max(2, min(pixels.shape[:2]) // 2))
        self.brush.setValue(max(2, min(pixels.shape[:2]) // 6))
        self.erase.setChecked(False)
        self.canvas.show_pixels(pixels)

    def clear(self) -> None:
        """Start from noise."""
        self.name = self._remark = ""
        self.canvas.show_pixels(None)

    def forget(self) -> None:
        """Start from noise, and let nothing be left of how an image was to be used."""
        self.clear()
        self.strength.setValue(STRENGTH)
        self.repeats.set_content(1)

    @property
    def words(self) -> str:
        """What samples start from, for people; empty where that is noise."""
        if self.image is None:
            return ""
        part = self.canvas.mask.any()
        return f"Draws what is painted of {self.name} anew" if part else f"Starts from {self.name}"

    @property
    def image(self) -> np.ndarray | None:
        """[h, w, 3] uint8, or None to start from noise."""
        return self.canvas.pixels

    @property
    def hole(self) -> np.ndarray | None:
        """[h, w] bool, a copy: True where it is painted; None where it is nowhere."""
        return self.canvas.mask.copy() if self.canvas.mask.any() else None

    def _follow(self) -> None:
        """Have everything in sight fit what there is."""
        has_image, painted = self.image is not None, bool(self.canvas.mask.any())
        self.offer.setVisible(not has_image)
        self.tools.setVisible(has_image)
        self.canvas.brush, self.canvas.erasing = self.brush.value(), self.erase.isChecked()
        self._values[0].setText(f"{self.strength.value()} %")
        self._values[1].setText(f"{self.brush.value()} px")
        for widget in (self.strength, self._labels[0], self._values[0]):
            widget.setEnabled(not painted)
            widget.setToolTip(NOT_READ if painted else STRENGTH_TIP)
        for widget in (self.repeats, self._labels[2]):
            widget.setEnabled(painted)
            widget.setToolTip(REPEATS.help if painted else NOT_REPEATED)
        self.unpaint.setEnabled(painted)
        sentences = (self._remark if has_image else "", PART if painted else WHOLE)
        self.note.setText(". ".join(filter(None, sentences)))
        self.changed.emit()

    # -- drops -------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one file that may be an image; all else is for the window."""
        if _image_among(local_paths(event.mimeData())) is None:
            event.ignore()
            return
        event.acceptProposedAction()
        self._hover(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing hovers any more."""
        super().dragLeaveEvent(event)
        self._hover(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell what was dropped."""
        self._hover(False)
        path = _image_among(local_paths(event.mimeData()))
        if path is None:
            event.ignore()
            return
        event.acceptProposedAction()
        self.dropped.emit(path)

    def _hover(self, hovered: bool) -> None:
        self._hovered = hovered
        self.update()

    # -- looks -------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A dashed frame where an image can be dropped."""
        if self.image is not None and not self._hovered:
            return
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = colours.mark if self._hovered else colours.outline
        painter.setPen(QPen(theme.colour(colour), 1.2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def _recolour(self) -> None:
        self.remove.setIcon(theme.icon("mdi6.close"))
        self.erase.setIcon(theme.icon("mdi6.eraser"))
        self.update()


def _slider(low: int, high: int, name: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(low, high)
    slider.setAccessibleName(name)
    return slider


def _image_among(paths: list[Path]) -> Path | None:
    """The one file that is dropped, unless it is known to be something else."""
    if len(paths) != 1 or paths[0].is_dir():
        return None
    return paths[0] if identify(paths[0]).kind in (Kind.PHOTOS, Kind.UNKNOWN) else None
