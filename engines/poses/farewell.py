"""Why the process that finds poses ended, in words for people, from what it left."""

import errno
import signal
from pathlib import Path

from assets.files import write_failure
from engines.poses.process import ChildDied

TAIL_BYTES = 8_192
_FULL = ("no space left on device", "database or disk is full", "disk quota exceeded")
_DAMAGED = ("database disk image is malformed", "file is not a database")


def last_words(died: ChildDied, log: Path) -> str:
    """A sentence or two on what happened and what to do; `log` holds the process's errors."""
    said = tail_of(log).lower()
    if any(words in said for words in _FULL):
        return write_failure(log.parent, OSError(errno.ENOSPC, ""))
    if "no module named 'pycolmap'" in said:
        return (
            "Finding camera poses needs pycolmap, which is not installed here; install it with "
            "pip, or find the poses with COLMAP and open its folder"
        )
    often = ""
    killed = died.signal_number in (signal.SIGABRT, getattr(signal, "SIGKILL", 9))
    if killed or "bad_alloc" in said:
        often = ", often because memory ran out"
    return (
        f"Finding the poses stopped unexpectedly ({died}){often}; start again, it goes on where "
        f"it was, or choose the preset fast. Details are in {log}"
    )


def is_damage(log: Path) -> bool:
    """Whether the process ended because its database is damaged."""
    said = tail_of(log).lower()
    return any(words in said for words in _DAMAGED)


def tail_of(log: Path) -> str:
    """The last lines of `log`; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
