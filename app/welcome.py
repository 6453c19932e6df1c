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
from app.enginekinds import EngineKind
from app.imagesets import BUNDLED
from app.mark import Mark
from app.theme import set_role
from app.widgets.labels import ElidedLabel

WELCOMED = (
    ("mdi6.image-multiple-outline", "Photos or a video", "where they were taken is found out"),
    ("mdi6.camera-marker-outline", "Posed photos", "COLMAP, transforms.json, Bundler"),
    ("mdi6.blur", "Splats and fields", ".ply, .splat, .safetensors"),
    ("mdi6.cube-outline", "Meshes and points", ".glb, .obj, .ply, .stl"),
    ("mdi6.history", "Checkpoints", "go on with a run that was saved"),
    ("mdi6.brush-outline", "Images to draw like", "a folder a class, or captions beside"),
    ("mdi6.image-outline", "Other images", "choose Diffusion above first"),
)
"""Icon, what it is, in which forms."""
WELCOMED_IMAGES = (
    ("mdi6.image-multiple-outline", "A folder of images", "of any sizes; cut or padded square"),
    ("mdi6.folder-multiple-outline", "Images by class", "a folder for each class"),
    ("mdi6.text-box-outline", "Images with captions", "a .txt file beside each image"),
    ("mdi6.brush-outline", "Diffusion models", ".safetensors, to draw from at once"),
    ("mdi6.history", "Checkpoints", "go on with a run that was saved"),
)
HEADINGS = {
    "scenes": "Drop photos here and watch a scene emerge from them",
    "images": "Drop a folder of images and watch a model learn to draw them",
}
SHOWN_RECENT = 4


class Welcome(QFrame):
    """A card in the middle of an empty viewport."""

    recent_chosen = Signal(object)
    """The path that was clicked."""
    bundled_chosen = Signal(str)
    """Name of images or points that the program makes itself."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("welcome")
        self._icons: list[tuple[QLabel, str]] = []
        heading = self._heading = QLabel(HEADINGS["scenes"])
        heading.setWordWrap(True)
        set_role(heading, "heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 28, 32, 26)
        column.setSpacing(16)
        column.addWidget(Mark(), 0, Qt.AlignmentFlag.AlignHCenter)
        heading.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(heading)
        column.addSpacing(2)
        self._offers = {"scenes": self._kinds(WELCOMED), "images": self._kinds(WELCOMED_IMAGES)}
        for offer in self._offers.values():
            column.addWidget(offer)
        column.addSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self._sample = ActionButton(actions["sample"], role="primary", text="Try the sample scene")
        row.addWidget(self._sample)
        self.bundled: dict[str, QPushButton] = {}
        for name, words in BUNDLED.items():
            self.bundled[name] = button = QPushButton(words)
            button.clicked.connect(lambda _=False, name=name: self.bundled_chosen.emit(name))
            if name == "shapes":
                set_role(button, "primary")
                row.addWidget(button)
        row.addWidget(ActionButton(actions["open_folder"], text="Open folder"))
        row.addWidget(ActionButton(actions["open_file"], text="Open file"))
        row.addStretch(1)
        column.addLayout(row)
        self._toys = QWidget()
        toys = QHBoxLayout(self._toys)
        toys.setContentsMargins(0, 0, 0, 0)
        toys.setSpacing(8)
        toys.addStretch(1)
        label = QLabel("Points")
        set_role(label, "muted")
        toys.addWidget(label)
        for name, button in self.bundled.items():
            if name != "shapes":
                toys.addWidget(button)
        toys.addStretch(1)
        column.addWidget(self._toys)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        theme.follow(self._recolour)

    def sizeHint(self) -> QSize:
        """As wide as the heading reads well."""
        return QSize(470, self.heightForWidth(470))

    def show_kind(self, kind: EngineKind) -> None:
        """Say what the chosen engine learns from, and offer what comes with the program."""
        self._heading.setText(HEADINGS[kind.learns])
        for learns, offer in self._offers.items():
            offer.setVisible(learns == kind.learns)
        images = kind.learns == "images"
        self._sample.setVisible(not images)
        self.bundled["shapes"].setVisible(images)
        self._toys.setVisible(images)
        self.updateGeometry()

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

    def _kinds(self, welcomed: Sequence[tuple[str, str, str]]) -> QWidget:
        kinds = QWidget()
        grid = QGridLayout(kinds)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        for i, (icon, what, forms) in enumerate(welcomed):
            picture = QLabel()
            self._icons.append((picture, icon))
            name, detail = QLabel(what), QLabel(forms)
            set_role(name, "value")
            set_role(detail, "muted")
            grid.addWidget(picture, i, 0)
            grid.addWidget(name, i, 1)
            grid.addWidget(detail, i, 2)
        grid.setColumnStretch(2, 1)
        return kinds

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
