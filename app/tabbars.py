"""The tabs of docks that share a place: all of them in sight, however narrow that place is."""

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QMainWindow, QTabBar


class TabBars(QObject):
    """Looks after each tab bar of a window from when Qt makes it, which it does at any time."""

    clicked = Signal()
    """A person has chosen a tab."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        for bar in window.findChildren(QTabBar):
            self._take(bar)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A new bar is polished before it is shown for the first time."""
        if event.type() == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QTabBar):
                self._take(child)
        return super().eventFilter(watched, event)

    def _take(self, bar: QTabBar) -> None:
        """Names are shortened before a tab is out of reach; their tooltips have them in full."""
        bar.setElideMode(Qt.TextElideMode.ElideRight)
        bar.setUsesScrollButtons(False)
        bar.setExpanding(False)
        bar.tabBarClicked.connect(lambda _index: self.clicked.emit())
