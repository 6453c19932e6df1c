"""The folder in which poses are found: kept in the cache, so that work goes on where it was.

A working folder is a standard COLMAP project. It belongs to one set of photos and to the
settings on which features and matches depend; leaving photos out or another way of mapping
uses the same one. Nothing is ever written among a person's photos.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from assets.errors import InputError
from assets.files import atomic_folder, atomic_write_json, write_failure
from assets.samples.store import cache_folder, spare_folder
from assets.unposed import UnposedPhotos, Video
from engines.poses import job, outcome
from engines.poses.config import PosesConfig
from engines.poses.lock import FolderLock

IMAGES, MASKS, SPARSE, DATABASE = job.IMAGES, job.MASKS, job.SPARSE, job.DATABASE
FRAMES = "frames"
LOG = "child.log"
KEPT = 8
"""Working folders that stay in the cache."""
METHOD = 1
"""Goes up when what is done with photos changes, so that older work is not gone on with."""
_RECORD = "workspace.json"
_EXPORTED = frozenset({IMAGES, MASKS, SPARSE, outcome.FILE_NAME, ".DS_Store"})
"""All that an export and the Finder leave; a folder with more in it is somebody's."""
_LOCK = ".lock"


class Workspace:
    """A working folder that nobody else uses until `close`; use as a context manager."""

    def __init__(self, folder: Path, lock: FolderLock, made_of: dict[str, str]) -> None:
        """`made_of` says what the contents follow from; other contents are taken away."""
        self.folder, self.lock = folder, lock
        try:
            recorded = _recorded(folder)
            if recorded != made_of:
                _clear(folder, frames=recorded.get("photos") != made_of["photos"])
                atomic_write_json(folder / _RECORD, made_of)
            os.utime(folder)
        except OSError as error:
            self.close()
            raise InputError(write_failure(folder, error)) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others have the folder."""
        self.lock.release()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def database(self) -> Path:
        """Features and matches."""
        return self.folder / DATABASE

    def forget_database(self) -> None:
        """Begin anew with the next run."""
        for path in self.folder.glob(DATABASE + "*"):
            path.unlink(missing_ok=True)

    def forget_result(self) -> None:
        """Take an older run's poses away."""
        shutil.rmtree(self.folder / SPARSE, ignore_errors=True)
        for name in (outcome.FILE_NAME, job.SNAPSHOT, job.FILE_NAME):
            (self.folder / name).unlink(missing_ok=True)


def open_workspace(
    source: UnposedPhotos | Video, config: PosesConfig, folder: Path | None = None
) -> Workspace:
    """The working folder for `source`: `folder`, or else one in the cache, the same every time.

    While another run uses it, a cached folder is replaced by one beside it, which begins
    anew. Raises InputError where `folder` is in use or nothing can be written.
    """
    made_of = {"photos": _photos_key(source, config), "settings": _settings_key(config)}
    if folder is not None:
        lock = _locked(folder)
        if lock is None:
            raise InputError(
                f"{folder} is in use by another run; wait for its end or choose another folder"
            )
        return Workspace(folder, lock, made_of)
    home = _home_of(source)
    if home is not None:
        lock = _locked(home)
        if lock is not None:
            return Workspace(home, lock, made_of | {"photos": _recorded(home)["photos"]})
    base = _base()
    name = f"{_plain(source.name)}-{_hash(list(made_of.values()))[:12]}"
    number = 1
    while True:
        place = base / (name if number == 1 else f"{name}-{number}")
        lock = _locked(place)
        if lock is not None:
            break
        number += 1
    workspace = Workspace(place, lock, made_of)
    _prune(base, keep=place)
    return workspace


def folders_of(source: UnposedPhotos | Video) -> list[Path]:
    """Working folders in the cache that were made for `source`, the last used first.

    For a video those with the usual number of frames count.
    """
    home = _home_of(source)
    if home is not None:
        return [home]
    key = _photos_key(source, PosesConfig())
    used: dict[Path, float] = {}
    with contextlib.suppress(OSError):  # no such folder, or somebody prunes it
        for place in _base().iterdir():
            if not place.name.startswith(".") and _recorded(place).get("photos") == key:
                used[place] = place.stat().st_mtime
    return sorted(used, key=lambda place: used[place], reverse=True)


def _base() -> Path:
    """Where working folders are kept: in the cache, or elsewhere where that is read-only."""
    places = [cache_folder() / "poses", spare_folder() / "poses"]
    for place in places:
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return place
    return places[0]


def export_colmap(work: Path, out: Path) -> None:
    """Leave the result in the working folder `work` as a standard COLMAP folder at `out`.

    That is images/, sparse/0, masks/ where there are any, and outcome.json for the doctor;
    whole or not at all. Raises InputError where there is no result or `out` cannot be written.
    """
    if not (work / SPARSE / "0").is_dir():
        raise InputError(f"{work} holds no poses; find them first")
    check_export(out)
    photos = job.read_job(work).photos
    with atomic_folder(out) as part:
        shutil.copytree(work / SPARSE / "0", part / SPARSE / "0")
        _copy(work / outcome.FILE_NAME, part / outcome.FILE_NAME)
        for photo in photos:
            _copy(work / IMAGES / photo.file, part / IMAGES / photo.file)
            if photo.masked:
                mask = photo.file + ".png"
                _copy(work / MASKS / mask, part / MASKS / mask)


def check_export(out: Path, photos: Path | None = None) -> None:
    """Raise InputError where an export to `out` would take other files away.

    `photos` is what the poses are found for.
    """
    try:
        names = {path.name for path in out.iterdir()} if os.path.isdir(out) else set()
    except OSError as error:
        raise InputError(write_failure(out, error)) from error
    of_export = outcome.FILE_NAME in names and names <= _EXPORTED
    taken = bool(names) and not of_export
    if taken or (photos is not None and photos.resolve().is_relative_to(out.resolve())):
        raise InputError(f"{out} holds other files, which would be lost; choose a new folder")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _photos_key(source: UnposedPhotos | Video, config: PosesConfig) -> str:
    """A fingerprint of the photos, kept or not."""
    words: list[object] = [os.path.abspath(source.source)]
    if isinstance(source, Video):
        words += [config.frames, *_stamp(source.source)]
    else:
        for shot in source.views:
            words += [shot.name, *_stamp(shot.path)]
            if shot.mask is not None:
                words += [str(shot.mask), *_stamp(shot.mask)]
    return _hash(words)


def _settings_key(config: PosesConfig) -> str:
    """A fingerprint of what the database depends on: the method and its settings."""
    return _hash([METHOD, config.preset, config.photo_size, config.features, config.intrinsics])


def _hash(words: list) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def _home_of(source: UnposedPhotos | Video) -> Path | None:
    """The working folder in which `source` was chosen from a video, if it was."""
    if isinstance(source, Video) or not source.views:
        return None
    frames = source.views[0].path.parent
    home = frames.parent
    known = frames.name == FRAMES and "photos" in _recorded(home)
    return home if known else None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror or error}") from error
    return stat.st_size, stat.st_mtime_ns


def _plain(name: str) -> str:
    """`name` as every file system bears it."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-")[:40] or "photos"


def _locked(folder: Path) -> FolderLock | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FolderLock.take(folder / _LOCK)
    except OSError as error:
        raise InputError(write_failure(folder, error)) from error


def _recorded(folder: Path) -> dict[str, str]:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _clear(folder: Path, *, frames: bool) -> None:
    """Take away what a run with other photos or settings left, and nothing else."""
    for name in (IMAGES, MASKS, SPARSE, *((FRAMES,) if frames else ())):
        shutil.rmtree(folder / name, ignore_errors=True)
    names = (_RECORD, outcome.FILE_NAME, job.FILE_NAME, job.SNAPSHOT, LOG)
    for path in [*(folder / name for name in names), *folder.glob(DATABASE + "*")]:
        path.unlink(missing_ok=True)


def _prune(base: Path, *, keep: Path) -> None:
    """Delete all working folders but the newest few and those in use."""
    with contextlib.suppress(OSError):  # another program may do the same
        for folder in _newest_first(base.iterdir())[KEPT:]:
            lock = None if folder == keep else FolderLock.take(folder / _LOCK)
            if lock is not None:
                try:
                    gone = folder
                    with contextlib.suppress(OSError):  # Windows moves no folder in use
                        # At once, so that nobody begins in half a folder.
                        gone = folder.rename(base / f".gone-{secrets.token_hex(6)}")
                    shutil.rmtree(gone, ignore_errors=True)
                finally:
                    lock.release()


def _newest_first(folders: Iterable[Path]) -> list[Path]:
    known = [folder for folder in folders if (folder / _RECORD).is_file()]
    return sorted(known, key=lambda folder: folder.stat().st_mtime, reverse=True)
