"""A folder of plain photos, or some photos dropped together: photos without poses."""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from assets.decode import PHOTO_SUFFIXES
from assets.errors import InputError
from assets.exif import Header, read_header
from assets.leftout import left_out_note, reason_for
from assets.masks import MaskFolders
from assets.unposed import Shot, UnposedPhotos
from assets.upright import UprightPhoto

PHOTO_FOLDERS = ("images", "input", "photos")
"""What a folder of photos within the folder of a set is called, in lower case."""
_BURST = timedelta(seconds=2)
_NUMBER = re.compile(r"\d+")


def read_photo_folder(folder: Path) -> UnposedPhotos:
    """The photos in `folder`, or in a folder "images", "input" or "photos" in it.

    Only headers are read. Files that cannot be opened are left out with a note. Raises
    InputError where no photo is left.
    """
    inside = photos_inside(folder)
    paths = photo_files(inside)
    if not paths:
        raise InputError(f"{folder} has no photos; drop a folder with photos of one scene")
    return _read(paths, inside, source=folder)


def photos_from_files(paths: Sequence[Path]) -> UnposedPhotos:
    """The photos at `paths` as one set; raises InputError as `read_photo_folder` does."""
    if not paths:
        raise InputError("No photo was given; drop the photos of one scene")
    absolute = sorted({Path(os.path.abspath(path)) for path in paths})
    folder = Path(os.path.commonpath([path.parent for path in absolute]))
    return _read(absolute, folder, source=folder)


def photos_inside(folder: Path) -> Path:
    """Where the photos of a set in `folder` lie: of it and its "images" etc. what has most."""
    places = [folder]
    try:
        within = [place for place in folder.iterdir() if place.is_dir()]
    except OSError:
        within = []
    for name in PHOTO_FOLDERS:
        places += [place for place in within if place.name.lower() == name]
    return max(places, key=lambda place: len(photo_files(place)))


def photo_files(folder: Path) -> list[Path]:
    """The files directly in `folder` that look like photos, sorted as people count."""
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES]
        visible = [path for path in found if not path.name.startswith(".") and path.is_file()]
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror or error}") from error
    return sorted(visible, key=lambda path: _as_counted(path.name))


def _read(paths: Sequence[Path], folder: Path, *, source: Path) -> UnposedPhotos:
    masks = MaskFolders.around(folder)
    shots: list[Shot] = []
    headers: list[Header] = []
    broken: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: _as_counted(path.relative_to(folder).as_posix())):
        name = path.relative_to(folder).as_posix()
        if (shown := name.encode(errors="replace").decode()) != name:
            broken[shown] = "has a name that is no text, rename it"
            continue
        try:
            header = read_header(path)
        except InputError as error:
            broken[name] = reason_for(name, error)
            continue
        headers.append(header)
        shots.append(
            Shot(
                name=name,
                photo=UprightPhoto(path, header.width, header.height),
                path=path,
                mask=masks.of(name),
                focal_px=header.focal_px,
                camera=header.camera,
            )
        )
    if not shots:
        name, reason = next(iter(broken.items()))
        raise InputError(
            f"None of the {len(broken)} photos in {source} can be read: {name} {reason}"
        )
    notes = [left_out_note(broken, len(paths))] if broken else []
    if masked := sum(shot.mask is not None for shot in shots):
        notes.append(f"{masked} of {len(shots)} photos have masks; what is black there is ignored")
    return UnposedPhotos(
        name=source.resolve().name,
        source=source,
        views=tuple(shots),
        ordered=_is_sequence([shot.name for shot in shots], headers),
        notes=tuple(notes),
    )


def _as_counted(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that puts photo 2 before photo 10."""
    parts = _NUMBER.split(name.lower())
    numbers = _NUMBER.findall(name)
    key: list[tuple[int, int | str]] = []
    for i, part in enumerate(parts):
        key.append((0, part))
        if i < len(numbers):
            key.append((1, int(numbers[i])))
    return (*key, (2, name))


def _is_sequence(names: list[str], headers: list[Header]) -> bool:
    """Whether neighbours were taken one after the other, by their numbers or their times.

    Names that other programs would put in another order do not count.
    """
    if len(names) < 3 or names != sorted(names):
        return False
    times = [header.taken for header in headers]
    if all(time is not None for time in times):
        steps = [b - a for a, b in pairwise(times) if a is not None and b is not None]
        if all(timedelta(0) <= step <= _BURST for step in steps):
            return True
    return _is_numbered(names)


def _is_numbered(names: list[str]) -> bool:
    """Whether names differ in one number only, which goes up by 1 nearly everywhere."""
    split = [_NUMBER.split(name) for name in names]
    if any(parts != split[0] for parts in split):
        return False
    numbers = [tuple(map(int, _NUMBER.findall(name))) for name in names]
    varying = [column for column in zip(*numbers, strict=True) if len(set(column)) > 1]
    if len(varying) != 1:
        return False
    steps = [b - a for a, b in pairwise(varying[0])]
    return sum(step == 1 for step in steps) >= 0.8 * len(steps)
