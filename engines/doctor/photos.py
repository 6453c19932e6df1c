"""What can be told of photos before their poses are looked for, in seconds."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from functools import partial

from assets.errors import InputError
from assets.leftout import reason_for
from assets.unposed import Shot, UnposedPhotos
from assets.video import VIDEO_SUFFIXES
from engines.doctor.duplicates import find_duplicates
from engines.doctor.finding import Diagnosis, Finding
from engines.doctor.grade import diagnosis
from engines.doctor.headers import count_finding, header_findings
from engines.doctor.judge import judge
from engines.doctor.measure import Look, look_at
from engines.doctor.words import photos_are, them
from engines.poses.background import in_background

_THREADS = 4
_NAMED = 3

Measuring = Generator[tuple[int, int], None, tuple[dict[str, Look], dict[str, str]]]


def look_at_photos(photos: UnposedPhotos) -> Generator[tuple[int, int], None, Diagnosis]:
    """Measure the photos that are kept and say what is wrong with them.

    Yields (photos done, total) several times a second and may be closed in between; the
    diagnosis is the generator's return value. Photos that cannot be read are a finding.
    """
    shots = photos.kept
    total = len(shots)
    looks, broken = yield from _measure(shots)
    readable = [shot for shot in shots if shot.name in looks]
    comparing = find_duplicates([(shot, looks[shot.name]) for shot in readable])
    while True:
        try:
            next(comparing)
        except StopIteration as stop:
            copies: dict[str, str] = stop.value
            break
        yield total, total
    film = photos.source.suffix.lower() in VIDEO_SUFFIXES
    found = [
        _unreadable(broken),
        count_finding(len(readable) - len(copies), total),
        *judge(looks, copies, film=film),
        *header_findings(readable, film=film),
    ]
    told = [finding for finding in found if finding is not None]
    if all(finding.level == "note" for finding in told):
        told.append(_fine(total))
    measured = {name: look.measured for name, look in looks.items()}
    return diagnosis("photos", told, total=total, measured=measured)


def _measure(shots: Sequence[Shot]) -> Measuring:
    """What was seen of each photo, and why others could not be read, in the order of `shots`."""
    looks: dict[str, Look] = {}
    broken: dict[str, str] = {}
    yield 0, len(shots)
    calls = [partial(look_at, shot.photo) for shot in shots]
    threads = min(_THREADS, os.cpu_count() or 1)
    with closing(in_background(calls, threads=threads)) as working:  # pyright: ignore[reportArgumentType]
        for done in working:
            for place, value in done:
                name = shots[place].name
                if isinstance(value, Look):
                    looks[name] = value
                elif isinstance(value, InputError):
                    broken[name] = reason_for(name, value)
                else:
                    raise value
            yield len(looks) + len(broken), len(shots)
    order = [shot.name for shot in shots]
    return (
        {name: looks[name] for name in order if name in looks},
        {name: broken[name] for name in order if name in broken},
    )


def _unreadable(broken: Mapping[str, str]) -> Finding | None:
    if not broken:
        return None
    reasons = "; ".join(f"{name} {reason}" for name, reason in list(broken.items())[:_NAMED])
    more = len(broken) - _NAMED
    return Finding(
        kind="unreadable",
        level="warn",
        title=f"{photos_are(len(broken))} damaged",
        words=reasons + (f"; and {more:,} more" if more > 0 else ""),
        advice=f"Copy {them(len(broken))} from the camera again",
        photos=tuple(broken),
    )


def _fine(total: int) -> Finding:
    return Finding(
        kind="fine",
        level="good",
        title=f"{photos_are(total)} sharp and evenly exposed",
        words="Nothing was seen that stands in the way of finding their places",
    )
