"""Large pages for torch's memory.

Fresh memory is handed out page by page, each cleared on its first touch. Every step of training
takes and gives back hundreds of megabytes: in pages of 4 KiB that alone cost a tenth of it (see
`benchmarks`).
"""

import os


def ask_for_large_pages() -> None:
    """Let torch ask the system for pages of 2 MiB where it takes as much at once.

    Only Linux has them, and torch looks when it first takes memory. Who has set the variable
    that says so, for or against it, is not overruled.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
