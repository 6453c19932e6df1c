"""Photos that show what another one shows from the same spot: copies, and bursts."""

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from assets.unposed import Shot
from engines.doctor.measure import Look

_ALIKE = 0.92
"""Correlation of fingerprints: copies at other sizes and qualities have 0.97 and more,
neighbours in a film that was taken slowly up to 0.6."""
_BLOCK = 256


def find_duplicates(
    looks: Sequence[tuple[Shot, Look]],
) -> Generator[None, None, dict[str, str]]:
    """Which photos repeat an earlier one: {name: the first that shows the same}.

    Yields now and then, so that whoever waits can stop; the answer is the return value.
    """
    first: dict[int, int] = {}
    prints = np.stack([look.fingerprint for _, look in looks]) if looks else np.zeros((0, 1))
    for start in range(0, len(looks), _BLOCK):
        rows = prints[start : start + _BLOCK].astype(np.float32)
        for before in range(0, start + 1, _BLOCK):
            columns = prints[before : before + _BLOCK].astype(np.float32)
            for i, j in np.argwhere(rows @ columns.T > _ALIKE):
                _note(first, start + int(i), before + int(j))
            yield
    for places in _may_be_same(looks):
        seen: dict[bytes, int] = {}
        for i in places:
            digest = _digest(looks[i][0].path)
            if digest is not None and seen.setdefault(digest, i) != i:
                _note(first, seen[digest], i)
            yield
    return {looks[i][0].name: looks[_origin(first, i)][0].name for i in sorted(first)}


def _note(first: dict[int, int], one: int, other: int) -> None:
    """Remember that two photos show the same."""
    low, high = sorted((_origin(first, one), _origin(first, other)))
    if low != high:
        first[high] = low


def _origin(first: dict[int, int], i: int) -> int:
    while i in first:
        i = first[i]
    return i


def _may_be_same(looks: Sequence[tuple[Shot, Look]]) -> list[list[int]]:
    """Places of photos whose files may be equal byte for byte; equal ones look equal, too."""
    alike: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for i, (shot, look) in enumerate(looks):
        with contextlib.suppress(OSError):  # gone meanwhile; it was read a moment ago
            alike[shot.path.stat().st_size, look.fingerprint.tobytes()].append(i)
    return [places for places in alike.values() if len(places) > 1]


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None
