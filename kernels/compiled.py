"""numba keeps compiled kernels per source file; this forgets them when a neighbour changed.

numba compiles constants and functions of other files into a kernel but looks only at the
kernel's own file to see whether it is out of date. After an update of the program that would
run old machine code with new numbers around it.
"""

import contextlib
import hashlib
from pathlib import Path

_NOTE = "sources.sha256"


def forget_stale_kernels(folder: Path) -> bool:
    """Delete what numba compiled in `folder` if any source file in it changed since.

    Returns whether there was a change. Where the folder cannot be written, numba keeps its
    files elsewhere and nothing is done.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    note = folder / "__pycache__" / _NOTE
    with contextlib.suppress(OSError):  # no note yet: the first start
        if note.read_text() == digest.hexdigest():
            return False
    with contextlib.suppress(OSError):  # a folder that cannot be written
        for compiled in folder.rglob("*.nb[ic]"):
            compiled.unlink(missing_ok=True)
        note.parent.mkdir(exist_ok=True)
        note.write_text(digest.hexdigest())
    return True
