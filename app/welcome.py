"""What an empty window says: what can be dropped on it, a sample to begin with, what was open."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.actions import Actions
from app.buttons import ActionButton
from app.mark import Mark
from app.theme import set_role
from app.widgets.labels import ElidedLabel

WELCOMED = (
    ("mdi6.image-multiple-outline", "Photos or a video", "where they were taken is found out"),
    ("mdi6.camera-marker-outline", "Posed photos", "COLMAP, transforms.json, Bundler"),
    ("mdi6.blur", "Splats", ".ply, .compressed.ply, .splat"),
    ("mdi6.weather-fog", "Radiance fields", ".safetensors"),
    ("mdi6.cube-outline", "Meshes and points", ".glb, .obj, .ply, .stl"),
    ("mdi6.history", "Checkpoints", "go on with a run that was saved"),
)
"""Icon, what it is, in which forms."""
SHOWN_RECENT = 4


class Welcome(QFrame):
    """A card in the middle of an empty viewport."""

    recent_chosen = Signal(object)
    """The path that was clicked."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("welcome")
        self._icons: list[tuple[QLabel, str]] = []
        heading = QLabel("Drop photos here and watch a scene emerge from them")
        heading.setWordWrap(True)
        set_role(heading, "heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 28, 32, 26)
        column.setSpacing(16)
        column.addWidget(Mark(), 0, Qt.AlignmentFlag.AlignHCenter)
        heading.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(heading)
        column.addSpacing(2)
        column.addLayout(self._kinds())
        column.addSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(ActionButton(actions["sample"], role="primary", text="Try the sample scene"))
        row.addWidget(ActionButton(actions["open_folder"], text="Open folder"))
        row.addWidget(ActionButton(actions["open_file"], text="Open file"))
        row.addStretch(1)
        column.addLayout(row)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        theme.follow(self._recolour)

    def sizeHint(self) -> QSize:
        """As wide as the heading reads well."""
        return QSize(470, self.heightForWidth(470))

    def show_recent(self, paths: Sequence[Path]) -> None:
        """Offer what was opened lately."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if not paths:
            return
        title = QLabel("RECENT")
        set_role(title, "title")
        self._recent.addSpacing(4)
        self._recent.addWidget(title)
        for path in paths[:SHOWN_RECENT]:
            self._recent.addWidget(_RecentRow(path, lambda p=path: self.recent_chosen.emit(p)))
        self.updateGeometry()

    def _kinds(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        for i, (icon, what, forms) in enumerate(WELCOMED):
            picture = QLabel()
            self._icons.append((picture, icon))
            name, detail = QLabel(what), QLabel(forms)
            set_role(name, "value")
            set_role(detail, "muted")
            grid.addWidget(picture, i, 0)
            grid.addWidget(name, i, 1)
            grid.addWidget(detail, i, 2)
        grid.setColumnStretch(2, 1)
        return grid

    def _recolour(self) -> None:
        colours = theme.current()
        for label, name in self._icons:
            label.setPixmap(theme.icon(name, "mark").pixmap(18, 18))
        self.setStyleSheet(
            f"#welcome {{ background: {colours.panel}; border: 1px solid {colours.line};"
            " border-radius: 12px; }"
        )


class _RecentRow(QPushButton):
    def __init__(self, path: Path, clicked: Callable[[], None]) -> None:
        super().__init__()
        set_role(self, "quiet")
        self.setToolTip(str(path))
        name = ElidedLabel(path.name, role="value")
        where = ElidedLabel(str(path.parent), role="muted", align=Qt.AlignmentFlag.AlignRight)
        for label in (name, where):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(14)
        row.addWidget(name)
        row.addWidget(where, 1)
        self.clicked.connect(clicked)

    def sizeHint(self) -> QSize:
        return QSize(200, 28)
