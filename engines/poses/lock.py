"""A lock on a folder that the system lifts by itself when its holder dies."""

import errno
import os
from pathlib import Path
from typing import Self

_TAKEN = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


class FolderLock:
    """Held from `take` to `release`; on POSIX also by every process that inherits `descriptor`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock that the file at `path` stands for, or None while somebody else has it.

        None too when somebody deletes the file meanwhile. Where the file system knows no
        locks, as some network drives, everybody gets one. Raises OSError where the file
        cannot be made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return cls(descriptor)
        except FileNotFoundError:
            pass  # deleted, as below, before the lock was there
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return cls(descriptor)
            if error.errno not in _TAKEN:
                os.close(descriptor)
                raise
        os.close(descriptor)
        return None

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
