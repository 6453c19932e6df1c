"""Asks where to, writes one file at a time beside the window and says how it ended."""

import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.questions import asked_file
from app.theme import set_role
from app.widgets.panel import note
from assets.errors import InputError

POLL_MS = 50


class Keeper(QObject):
    """Where the files of a panel go, and what became of them, for whoever knows both."""

    ended = Signal(str, bool)
    """A sentence, and whether all went well."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ask: Callable[[QWidget, str, str, str], Path | None] = asked_at_home
        """Called with a parent, a title, what the file holds ("path.mp4") and filters."""


class Saver(Keeper):
    """One thread that lives while something is written; who asks meanwhile is turned away."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.said = note()
        """What is being written, and how it ended; for the panel to place."""
        self._thread: threading.Thread | None = None
        self._said: list[tuple[str, bool]] = []
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._collect)

    @property
    def busy(self) -> bool:
        """Something is being written."""
        return self._thread is not None

    def save(self, path: Path, write: Callable[[Path], None], words: str) -> None:
        """Have `write(path)` done and say so in `words`; not while another file is written."""
        if self.busy:
            return
        self._say(words, "muted")
        said = self._said = []

        def work() -> None:
            try:
                write(path)
            except InputError as error:
                said.append((str(error), False))
            except Exception as error:  # noqa: BLE001 - whatever goes wrong must reach the person
                last = traceback.format_exception_only(error)[-1].strip()
                said.append((f"{path.name} could not be written: {last}", False))
            else:
                said.append((f"Saved {path}", True))

        # Not a daemon: a file that was asked for is finished even if the window closes.
        self._thread = threading.Thread(target=work, name="saving")
        self._thread.start()
        self._timer.start()

    def _collect(self) -> None:
        if self._said and self._thread is not None:
            self._thread.join()
            self._thread = None
            self._timer.stop()
            sentence, well = self._said[0]
            self._say(sentence, "muted" if well else "error")
            self.ended.emit(sentence, well)

    def _say(self, sentence: str, role: str) -> None:
        set_role(self.said, role)
        self.said.setText(sentence)
        self.said.show()


def asked_at_home(parent: QWidget, title: str, name: str, filters: str) -> Path | None:
    """Where a person wants a file, for a panel that stands alone."""
    return asked_file(parent, title, Path.home() / name, filters)
