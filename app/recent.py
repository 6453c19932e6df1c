"""The submenu of what was opened lately."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QMenu, QWidget

from app.memory import Memory


class RecentMenu(QMenu):
    """Filled anew whenever it is about to be seen."""

    def __init__(
        self, memory: Memory, chosen: Callable[[Path], None], parent: QWidget | None = None
    ) -> None:
        """`chosen(path)` is called with what a person picks."""
        super().__init__("Open recent", parent)
        self._memory, self._chosen = memory, chosen
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Offer what is still there, newest first."""
        self.clear()
        for path in self._memory.recent:
            action = self.addAction(path.name)
            action.setToolTip(str(path))
            action.triggered.connect(lambda _=False, path=path: self._chosen(path))
        if self.isEmpty():
            self.addAction("Nothing yet").setEnabled(False)
            return
        self.addSeparator()
        self.addAction("Forget these", self._memory.forget_recent)
