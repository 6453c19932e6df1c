"""A lock on a folder that the system lifts by itself when its holder dies."""

import os
from pathlib import Path
from typing import Self


class FolderLock:
    """Held from `take` to `release`; on POSIX also by every process that inherits `descriptor`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock that the file at `path` stands for, or None while somebody else has it.

        Raises OSError where the file cannot be made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it; a second call does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


if os.name == "nt":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(  # pyright: ignore[reportAttributeAccessIssue]
            descriptor,
            msvcrt.LK_NBLCK,  # pyright: ignore[reportAttributeAccessIssue]
            1,
        )

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
