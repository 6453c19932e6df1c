"""Small pictures of photos, read by a thread that lives only while there is something to read."""

import threading
import time
from collections.abc import Sequence
from operator import itemgetter
from queue import Empty, SimpleQueue

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap

from assets.errors import InputError
from assets.posed import View
from assets.thumbnails import thumbnail
from assets.unposed import Shot

SIDE_PX = 112
"""Side of a thumbnail: twice what is shown, for screens with fine pixels."""
POLL_MS = 40
TOGETHER_S = 0.2
"""Asks this close to each other are served in order, before all earlier ones."""


class Thumbnails(QObject):
    """Square thumbnails of views by index; asks of the moment are read first.

    Nothing is read on the caller's thread. When this object goes, the thread ends after the
    photo at hand and what it read is dropped.
    """

    loaded = Signal(int)
    """The thumbnail of a view, or the sentence why there is none, has arrived."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = _Work(())
        # The list outlives this object and says what is to be closed then.
        current = self._current = [self._work]
        self.destroyed.connect(lambda: current[0].close())
        self._asked: set[int] = set()
        self._pixmaps: dict[int, QPixmap] = {}
        self._errors: dict[int, str] = {}
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._collect)

    def show_views(self, views: Sequence[View] | Sequence[Shot]) -> None:
        """Forget what was read and read these when asked."""
        self.close()
        self._work = self._current[0] = _Work(views)
        self._asked.clear()
        self._pixmaps.clear()
        self._errors.clear()

    def get(self, index: int) -> QPixmap | None:
        """The thumbnail of a view; None while it is being read or where it cannot be."""
        if index not in self._asked:
            self._asked.add(index)
            self._work.ask(index)
            self._timer.start()
        return self._pixmaps.get(index)

    def error(self, index: int) -> str:
        """Why there is no thumbnail, or nothing."""
        return self._errors.get(index, "")

    def close(self) -> None:
        """Read no more."""
        self._work.close()
        self._timer.stop()

    def _collect(self) -> None:
        for index, result in self._work.results():
            if isinstance(result, str):
                self._errors[index] = result
            else:
                self._pixmaps[index] = QPixmap.fromImage(result)
            self.loaded.emit(index)
        if len(self._pixmaps) + len(self._errors) == len(self._asked):
            self._timer.stop()


class _Work:
    """What the thread and the window's thread share: no Qt objects, so either may go first."""

    def __init__(self, views: Sequence[View] | Sequence[Shot]) -> None:
        self._views = views
        self._lock = threading.Lock()
        self._wanted: list[tuple[int, int]] = []
        self._done: SimpleQueue[tuple[int, QImage | str]] = SimpleQueue()
        self._running = False
        self._closed = False

    def ask(self, index: int) -> None:
        with self._lock:
            self._wanted.append((int(time.monotonic() / TOGETHER_S), index))
            if self._running or self._closed:
                return
            self._running = True
        threading.Thread(target=self._read_all, name="thumbnails", daemon=True).start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._wanted.clear()

    def results(self) -> list[tuple[int, QImage | str]]:
        """Everything that has come in since the last call."""
        found = []
        try:
            while True:
                found.append(self._done.get_nowait())
        except Empty:
            return found

    def _read_all(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._running = False
                    return
                newest = max(self._wanted, key=itemgetter(0))  # the first among equals
                self._wanted.remove(newest)
            index = newest[1]
            try:
                self._done.put((index, to_image(square(self._views[index]))))
            except InputError as error:
                self._done.put((index, str(error)))
            except Exception as error:  # noqa: BLE001 - one odd photo must not hide the others
                self._done.put((index, f"The photo cannot be read: {error}"))


def square(view: View | Shot) -> np.ndarray:
    """[s, s, 3] uint8 middle of a view's photo; raises InputError when it is broken."""
    width, height = view.photo.width, view.photo.height
    pixels = thumbnail(view, round(SIDE_PX * max(width, height) / max(1, min(width, height))))
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top : top + side, left : left + side]


def to_image(pixels: np.ndarray) -> QImage:
    """A picture of [h, w, 3] uint8, with memory of its own."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
