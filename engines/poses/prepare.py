"""Photos and masks as files that every program reads, in the working folder."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assets.errors import InputError
from assets.leftout import left_out_note, reason_for
from assets.masks import write_mask
from assets.unposed import Shot
from assets.upright import write_upright
from engines.events import Event, Prepared, Warned
from engines.poses.background import in_background
from engines.poses.workspace import IMAGES, MASKS

PHASE = "Preparing photos"
THREADS = 2
_NO_PLACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Failures that are no photo's fault."""


@dataclass(frozen=True, kw_only=True)
class PreparedPhotos:
    """What lies in the working folder now."""

    shots: tuple[Shot, ...]
    """Those that can be read."""
    files: dict[str, str]
    """Name in images/ by name of the shot."""
    masked: frozenset[str]
    """Names of shots that have a mask."""


def prepare_photos(shots: tuple[Shot, ...], folder: Path) -> Iterator[Event]:
    """Write `shots` into `folder`; yields events and returns `PreparedPhotos`.

    Photos that are damaged are left out with one note. Raises InputError where none is left
    or nothing can be written.
    """
    yield Prepared(phase=PHASE, done=0, total=len(shots))
    files: dict[str, str] = {}
    masked: set[str] = set()
    broken: dict[str, InputError] = {}
    done = 0
    for found in in_background([partial(_write, s, folder) for s in shots], threads=THREADS):
        for place, written in found:
            name = shots[place].name
            done += 1
            if isinstance(written, InputError):
                if getattr(written.__cause__, "errno", None) in _NO_PLACE:
                    raise written
                broken[name] = written
            elif isinstance(written, Exception):
                raise written
            else:
                files[name] = written[0].relative_to(folder / IMAGES).as_posix()
                if written[1] is not None:
                    masked.add(name)
        yield Prepared(phase=PHASE, done=done, total=len(shots))
    good = tuple(shot for shot in shots if shot.name in files)
    if broken and not good:
        raise next(iter(broken.values()))
    if broken:
        reasons = {shot.name: shot for shot in shots if shot.name in broken}
        words = {name: reason_for(name, broken[name]) for name in reasons}
        yield Warned(message=left_out_note(words, len(shots)))
    return PreparedPhotos(shots=good, files=files, masked=frozenset(masked))


def _write(shot: Shot, folder: Path) -> tuple[Path, Path | None]:
    return write_upright(shot, folder / IMAGES), write_mask(shot, folder / MASKS)
