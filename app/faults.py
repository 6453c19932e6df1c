"""What happens when something happens that nobody thought of: it is told, the window lives on."""

import sys
import threading
import traceback
from datetime import datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QStandardPaths

KEPT_BYTES = 1_000_000
"""The log file begins anew when it has become larger than this."""


def log_path() -> Path:
    """Where unexpected errors are written, in the person's own folder for such things."""
    kind = QStandardPaths.StandardLocation.AppLocalDataLocation
    return Path(QStandardPaths.writableLocation(kind)) / "errors.log"


class Faults:
    """Takes the place of Python's hooks for uncaught exceptions while it is installed."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or log_path()
        self.told: list[str] = []
        """Tracebacks that `take` has not handed out yet; filled from any thread."""
        self._lock = threading.Lock()
        self._hooks = None

    def install(self) -> None:
        """From now on, uncaught exceptions of all threads come here."""
        self._hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._uncaught
        threading.excepthook = lambda args: self._uncaught(
            args.exc_type, args.exc_value, args.exc_traceback
        )

    def remove(self) -> None:
        """Give the hooks back."""
        if self._hooks is not None:
            sys.excepthook, threading.excepthook = self._hooks
            self._hooks = None

    def take(self) -> list[str]:
        """Tracebacks since the last call."""
        with self._lock:
            told, self.told = self.told, []
        return told

    def write(self, text: str) -> None:
        """Append to the log file; where that is not possible, standard error has to do."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            mode = "a"
            if self.path.exists() and self.path.stat().st_size > KEPT_BYTES:
                mode = "w"
            with self.path.open(mode, encoding="utf-8") as file:
                file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}\n{text}\n")
        except OSError:
            sys.stderr.write(text)

    def _uncaught(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        self.write(text)
        with self._lock:
            self.told.append(text)


def sentence_of(traceback: str) -> str:
    """What is said of a `traceback` in the window."""
    last = traceback.strip().splitlines()[-1]
    return f"Something unexpected went wrong ({last}). The log has the details"
