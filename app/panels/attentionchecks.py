"""Some of a list, or all of it: a button that opens a list with ticks."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app import theme


class CheckMenu(QPushButton):
    """All, or what has a tick; without any tick it is all again."""

    edited = Signal()

    def __init__(self, noun: str, parent: QWidget | None = None) -> None:
        """`noun` names several of what is listed, such as "layers"."""
        super().__init__(parent)
        self._noun = noun
        self.menu_ = _StayingMenu(self)
        self.every = self.menu_.addAction(f"All {noun}")
        self.every.setCheckable(True)
        self.every.setChecked(True)
        self.every.triggered.connect(self._take_all)
        self.menu_.addSeparator()
        self.items: list[QAction] = []
        """What can be ticked, in order."""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow stands at the right
        self.menu_.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.clicked.connect(self._open)
        theme.follow(self._recolour)
        self._say()

    @property
    def chosen(self) -> list[Any] | None:
        """The values that have a tick, None for all."""
        return [item.data() for item in self._ticked] or None

    @property
    def words(self) -> str:
        """What is chosen, in full: "all layers", "block 1, block 3"."""
        return ", ".join(item.text() for item in self._ticked).lower() or f"all {self._noun}"

    def offer(self, items: Sequence[tuple[str, Any]]) -> None:
        """List names and values; what had a tick and is still there keeps it. Tells nothing."""
        before = self.chosen or []
        for item in self.items:
            self.menu_.removeAction(item)
        self.items = [self.menu_.addAction(name) for name, _ in items]
        for item, (_, value) in zip(self.items, items, strict=True):
            item.setData(value)
            item.setCheckable(True)
            item.setChecked(value in before)
            item.triggered.connect(self._take)
        self.every.setChecked(not self._ticked)
        self._say()

    @property
    def _ticked(self) -> list[QAction]:
        return [item for item in self.items if item.isChecked()]

    def _open(self) -> None:
        self.menu_.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))

    def _take_all(self) -> None:
        for item in self.items:
            item.setChecked(False)
        self._take()

    def _take(self) -> None:
        self.every.setChecked(not self._ticked)
        self._say()
        self.edited.emit()

    def _say(self) -> None:
        ticked = self._ticked
        short = ticked[0].text() if len(ticked) == 1 else f"{len(ticked)} {self._noun}"
        self.setText(short if ticked else f"All {self._noun}")
        self.setToolTip(f"Shown: {self.words}")

    def _recolour(self) -> None:
        self.setIcon(theme.icon("mdi6.chevron-down", "muted"))


class _StayingMenu(QMenu):
    """Stays open while ticks are set, by mouse or keys; a click beside it or Escape closes it."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Set or take the tick under the mouse."""
        action = self.actionAt(event.position().toPoint())
        if action is None or not action.isCheckable():
            super().mouseReleaseEvent(event)
            return
        action.trigger()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Set or take the tick of the line that the arrow keys are on."""
        action = self.activeAction()
        if action is None or event.key() not in (Qt.Key.Key_Space, Qt.Key.Key_Return):
            super().keyPressEvent(event)
            return
        action.trigger()
