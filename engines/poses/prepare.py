"""Photos and masks as files that every program reads, in the working folder."""

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from assets.errors import InputError
from assets.leftout import left_out_note, reason_for
from assets.masks import write_mask
from assets.unposed import Shot
from assets.upright import upright_name, write_upright
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


def prepare_photos(
    shots: tuple[Shot, ...], folder: Path, *, names: Iterable[str] = ()
) -> Iterator[Event]:
    """Write `shots` into `folder`; yields events and returns `PreparedPhotos`.

    `names` are those of the whole set, which no other photo's file is given, in this run or
    one that uses more of them. Photos that are damaged are left out with one note. Raises
    InputError where none is left or nothing can be written.
    """
    yield Prepared(phase=PHASE, done=0, total=len(shots))
    files: dict[str, str] = {}
    masked: set[str] = set()
    broken: dict[str, InputError] = {}
    done = 0
    taken = frozenset(name.casefold() for name in names)
    calls = [partial(_write, shot, folder, taken) for shot in shots]
    for found in in_background(calls, threads=THREADS):
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


def _write(shot: Shot, folder: Path, taken: frozenset[str]) -> tuple[Path, Path | None]:
    """The files of photo and mask; "a.tif" becomes "a.tif_.png" where "a.tif.png" is taken."""
    while (file := upright_name(shot)) != shot.name and file.casefold() in taken:
        shot = replace(shot, name=shot.name + "_")
    return write_upright(shot, folder / IMAGES), write_mask(shot, folder / MASKS)
