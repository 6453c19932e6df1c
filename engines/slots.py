"""The place where an engine leaves big things for whoever wants to look.

A viewer asks for a kind of artifact; the engine makes one at its next step and leaves it
there; the viewer takes the newest when it is ready to draw. What nobody asked for is
never made, and what was not taken in time is replaced.
"""

import threading
from typing import Any, TypeVar

T = TypeVar("T")


class Slots:
    """Latest values by type; safe between one producer and any number of consumers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: set[type] = set()
        self._latest: dict[type, Any] = {}

    def want(self, kind: type) -> None:
        """Ask the engine for a fresh artifact of `kind`; asking twice is asking once."""
        with self._lock:
            self._wanted.add(kind)

    def wants(self, kind: type) -> bool:
        """Whether somebody waits for `kind`; engines ask this before they make one."""
        return kind in self._wanted

    def put(self, artifact: object) -> None:
        """Leave an artifact, which takes the place of an older one of its type."""
        with self._lock:
            self._wanted.discard(type(artifact))
            self._latest[type(artifact)] = artifact

    def take(self, kind: type[T]) -> T | None:
        """The newest artifact of `kind` and None from then on until there is a newer one."""
        with self._lock:
            return self._latest.pop(kind, None)
