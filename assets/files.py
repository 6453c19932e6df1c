"""Files that are written whole or not at all, so that a full disk or a crash loses nothing.

Everything goes to a temporary sibling first, is flushed to the disk and then takes the
place of what was there (rename is atomic within one file system).
"""

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from assets.errors import InputError


@contextmanager
def atomic_write(path: Path | str) -> Iterator[BinaryIO]:
    """A binary file that appears at `path` only when the block ends well.

    Links are followed and an existing file keeps its permissions. On any exception what was
    at `path` before stays and nothing partial is left. Every OSError, of the block too,
    becomes an InputError that says what to do; other exceptions pass.
    """
    with _explained(Path(path)):
        target = Path(os.path.realpath(path))
        _check_target(target, wanted="file")
        part = target.parent / f".zograscope-{secrets.token_hex(6)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(part, flags, 0o666)
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, part)
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)


def atomic_write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8 with the promises of `atomic_write`."""
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


def atomic_write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented strict JSON (no NaN) with the promises of `atomic_write`.

    Raises TypeError or ValueError for what JSON cannot hold, before a file is touched.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    atomic_write_text(path, text + "\n")


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """A fresh folder to fill that takes the place of `path` only when the block ends well.

    An older folder at `path` is swapped out whole; its files are not kept. Two renames
    cannot be one, so a crash just between them leaves the old folder beside `path` as
    `.NAME.previous`; the next call for the same `path` puts it back first. On any exception
    the old folder stays. Every OSError becomes an InputError that says what to do.
    """
    with _explained(Path(path)):
        target = Path(os.path.realpath(path))
        previous = target.parent / f".{target.name}.previous"
        if not target.exists() and previous.is_dir():
            os.rename(previous, target)
        _check_target(target, wanted="folder")
        part = target.parent / f".zograscope-{secrets.token_hex(6)}.part"
        part.mkdir()
        try:
            yield part
            _sync_tree(part)
            if target.exists():
                if previous.exists():
                    shutil.rmtree(previous)
                os.rename(target, previous)
            try:
                os.rename(part, target)
            except BaseException:
                if previous.exists():
                    os.rename(previous, target)
                raise
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        _sync_folder(target.parent)
        shutil.rmtree(previous, ignore_errors=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(write_failure(path, error)) from error


def write_failure(path: Path, error: OSError) -> str:
    """One sentence or two for a person on why `path` could not be written."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            reason = "the disk is full; free some space or choose another folder"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            reason = "the folder may not be written to; choose another one"
        case errno.ENOENT:
            reason = f"the folder {path.parent} does not exist; create it or choose another one"
        case errno.ENOTDIR:
            reason = f"{path.parent} is a file, not a folder; choose another folder"
        case errno.EISDIR:
            reason = "it is a folder; name a file instead"
        case errno.EEXIST:
            reason = "it is a file; name a folder instead"
        case errno.ENAMETOOLONG:
            reason = "the name is too long; choose a shorter one"
        case errno.EINVAL:
            reason = "the name does not stand for an ordinary file; choose another one"
        case _:
            reason = f"{error.strerror or error}; try another folder"
    return f"{path} could not be written: {reason}. What was there before is unchanged"


def _check_target(target: Path, *, wanted: str) -> None:
    """Refuse to put a file over a folder, or anything over a device or a pipe."""
    if not target.name:
        raise OSError(errno.EISDIR, "root of the file system")
    if not target.exists():
        return
    mode = target.stat().st_mode
    if wanted == "file" and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if wanted == "folder" and stat.S_ISREG(mode):
        raise FileExistsError(errno.EEXIST, "is a file")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "not an ordinary file")


def _sync_tree(folder: Path) -> None:
    for place, _folders, names in os.walk(folder):
        for name in names:
            descriptor = os.open(Path(place) / name, os.O_RDWR | getattr(os, "O_BINARY", 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _sync_folder(Path(place))


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. The file is in place by now, so a refusal is not a failure."""
    if os.name == "nt":  # folders cannot be opened there
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
