"""The bar at the top: name, menus, what to open, the run's buttons, the device, the way out."""

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenuBar, QSizePolicy, QWidget

from app import theme
from app.actions import Actions
from app.buttons import ActionButton
from app.enginekinds import EngineKind
from app.theme import set_role
from app.widgets.labels import ElidedLabel
from app.widgets.segmented import Segmented

COMPARE_PX, STEP_PX = 1_180, 1_080
"""Narrower bars do without these two buttons."""
LOCKED = "Fixed while a run is going; stop or clear it to choose another engine"


class TopBar(QFrame):
    """Sits where a window has its menus; the menus are part of it."""

    def __init__(
        self,
        actions: Actions,
        menus: QMenuBar,
        kinds: Mapping[str, EngineKind],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._kinds = kinds
        self.engine = Segmented({name: kind.label for name, kind in kinds.items()})
        self.engine.setAccessibleName("Engine")
        self.device = DeviceBadge()
        self.run = ActionButton(actions["run"], role="primary", least_width=88)
        self._step = ActionButton(actions["step"])
        self._compare = ActionButton(actions["photo"], text="Compare")
        self._name = QLabel()
        menus.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        menus.setNativeMenuBar(menus.isNativeMenuBar())
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 12, 7)
        row.setSpacing(8)
        row.addWidget(self._name)
        row.addSpacing(4)
        row.addWidget(menus)
        row.addSpacing(6)
        row.addWidget(ActionButton(actions["open_folder"], text="Open"))
        row.addWidget(self.engine)
        row.addWidget(self.run)
        row.addWidget(self._step)
        row.addWidget(ActionButton(actions["stop"]))
        row.addStretch(1)
        row.addWidget(self.device)
        row.addWidget(self._compare)
        row.addWidget(ActionButton(actions["export"]))
        theme.follow(self._recolour)

    def show_engine(self, kind: EngineKind, *, locked: bool) -> None:
        """Say which engine the next run will have, and whether that can be changed."""
        self.engine.set_value(kind.id)
        self.engine.setEnabled(not locked)
        for name, other in self._kinds.items():
            self.engine.button(name).setToolTip(LOCKED if locked else other.tip)

    def show_primary(self, primary: bool) -> None:
        """Whether to run is what to do next; it is not where a finished model is looked at."""
        role = "primary" if primary else ""
        if self.run.property("role") != role:
            set_role(self.run, role)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window what the menus have too makes room for the rest."""
        super().resizeEvent(event)
        self._compare.setVisible(self.width() >= COMPARE_PX)
        self._step.setVisible(self.width() >= STEP_PX)

    def _recolour(self) -> None:
        colours = theme.current()
        self.setStyleSheet(
            f"#topbar {{ background: {colours.panel}; border-bottom: 1px solid {colours.line}; }}"
        )
        self._name.setText(
            f'<span style="font-size:14px; font-weight:600; color:{colours.text}">Zogra</span>'
            f'<span style="font-size:14px; font-weight:600; color:{colours.mark}">scope</span>'
        )


class DeviceBadge(QFrame):
    """What the program trains with; a green dot for a GPU that works, and why if there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("badge")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._dot = _Dot()
        self._words = ElidedLabel("Looking for a device…")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 12, 4)
        row.setSpacing(7)
        row.addWidget(self._dot)
        row.addWidget(self._words)
        theme.follow(self._recolour)

    @property
    def text(self) -> str:
        """What it says."""
        return self._words.text()

    def show_device(self, text: str, reason: str, *, good: bool) -> None:
        """Say `text`, explain by `reason` on hovering; `good` for a green dot."""
        self._words.setText(text)
        self._dot.show_colour("good" if good else "muted")
        self.setToolTip(reason)

    def _recolour(self) -> None:
        colours = theme.current()
        self.setStyleSheet(
            f"#badge {{ background: {colours.field}; border: 1px solid {colours.outline};"
            " border-radius: 13px; }"
        )


class _Dot(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._colour = "faint"
        self.setFixedSize(8, 8)
        theme.follow(self.update)

    def show_colour(self, colour: str) -> None:
        self._colour = colour
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(getattr(theme.current(), self._colour)))
        painter.drawEllipse(QRectF(0.5, 0.5, 7, 7))
