"""Memory that costs no time: large pages, and little of it given back to the system.

Fresh memory is handed out page by page, each cleared on its first touch. Every step of training
takes and gives back hundreds of megabytes: in pages of 4 KiB that alone cost a tenth of it (see
`benchmarks`). Drawing takes and gives back as much in pieces that are too small for large pages.
"""

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of mallopt(3) in glibc's <malloc.h>."""
KEPT, LARGE = 128 << 20, 32 << 20
"""Bytes that are free and kept, and what is taken from the system and given back one by one; the
latter is the most that glibc allows."""


def ask_for_large_pages() -> None:
    """Let torch ask the system for pages of 2 MiB where it takes as much at once.

    Only Linux has them, and torch looks when it first takes memory. Who has set the variable
    that says so, for or against it, is not overruled.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def keep_free_memory() -> None:
    """Let malloc keep what tensors give back, up to `KEPT` bytes, for those that come next.

    Does nothing where the system's library is not glibc.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(MMAP_THRESHOLD, LARGE)
            mallopt(TRIM_THRESHOLD, KEPT)
