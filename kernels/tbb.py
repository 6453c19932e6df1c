"""Let numba find the TBB library that pip puts where the system's loader does not look."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_FILES = {"linux": "lib/libtbb.so.12", "win32": "Library/bin/tbb12.dll"}


def load_tbb() -> bool:
    """Load the TBB of this Python environment so that numba's own request for it succeeds.

    Must come before numba's first parallel kernel. False where there is none: numba then
    takes the system's TBB, OpenMP or its own work queue.
    """
    path = Path(sys.prefix) / _FILES.get(sys.platform, "")
    if not path.is_file():
        return False
    if sys.platform == "win32":
        os.add_dll_directory(str(path.parent))
    with contextlib.suppress(OSError):  # there, but for another processor: as if absent
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
        return True
    return False
