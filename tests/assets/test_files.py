"""Nothing partial is ever left, whatever goes wrong while writing."""

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from assets.errors import InputError
from assets.files import atomic_folder, atomic_write, atomic_write_json, atomic_write_text


def write_and_raise(path: Path, error: BaseException | type[BaseException]) -> None:
    with atomic_write(path) as file:
        file.write(b"half")
        raise error


def fill_and_raise(path: Path, error: type[BaseException]) -> None:
    with atomic_folder(path) as part:
        (part / "a").write_text("half")
        raise error


def failing(number: int):
    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "où ça 写真"
    folder.mkdir()
    return folder


def test_writes_and_replaces(place: Path) -> None:
    path = place / "a b.bin"
    with atomic_write(path) as file:
        file.write(b"first")
        assert not path.exists()
    with atomic_write(path) as file:
        file.write(b"second")
        assert path.read_bytes() == b"first"
    assert path.read_bytes() == b"second"
    assert os.listdir(place) == ["a b.bin"]


def test_text_and_json(place: Path) -> None:
    atomic_write_text(place / "t.txt", "größer\n")
    assert (place / "t.txt").read_bytes() == "größer\n".encode()
    atomic_write_json(place / "j.json", {"é": [1.5, None]})
    assert json.loads((place / "j.json").read_text("utf-8")) == {"é": [1.5, None]}
    with pytest.raises(ValueError):
        atomic_write_json(place / "j.json", float("nan"))
    assert json.loads((place / "j.json").read_text("utf-8")) == {"é": [1.5, None]}


@pytest.mark.skipif(os.name == "nt", reason="permissions of another kind")
def test_permissions_are_ordinary_and_kept(place: Path) -> None:
    old = os.umask(0o022)
    try:
        atomic_write_text(place / "new", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((place / "new").stat().st_mode) == 0o644
    (place / "new").chmod(0o600)
    atomic_write_text(place / "new", "y")
    assert stat.S_IMODE((place / "new").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_followed(place: Path) -> None:
    (place / "real").write_text("old")
    (place / "link").symlink_to(place / "real")
    atomic_write_text(place / "link", "new")
    assert (place / "link").is_symlink()
    assert (place / "real").read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_any_exception_leaves_the_old_file(place: Path, error: type[BaseException]) -> None:
    (place / "f").write_text("old")
    with pytest.raises(error):
        write_and_raise(place / "f", error)
    assert (place / "f").read_text() == "old"
    assert os.listdir(place) == ["f"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk(place: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    (place / "f").write_text("old")
    monkeypatch.setattr(os, call, failing(errno.ENOSPC))
    with pytest.raises(InputError, match="disk is full"):
        atomic_write_text(place / "f", "new")
    assert (place / "f").read_text() == "old"
    assert os.listdir(place) == ["f"]


def test_full_disk_while_the_block_writes(place: Path) -> None:
    with pytest.raises(InputError, match="disk is full"):
        write_and_raise(place / "f", OSError(errno.ENOSPC, "No space left on device"))
    assert os.listdir(place) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_read_only_folder(place: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "open", failing(number))
    with pytest.raises(InputError, match="may not be written to"):
        atomic_write_text(place / "f", "new")


def test_places_that_are_none(place: Path) -> None:
    (place / "file").write_text("x")
    (place / "folder").mkdir()
    with pytest.raises(InputError, match="does not exist"):
        atomic_write_text(place / "missing" / "f", "x")
    with pytest.raises(InputError, match="is a file, not a folder"):
        atomic_write_text(place / "file" / "f", "x")
    with pytest.raises(InputError, match="it is a folder"):
        atomic_write_text(place / "folder", "x")
    with pytest.raises(InputError, match="too long"):
        atomic_write_text(place / ("n" * 300), "x")
    assert sorted(os.listdir(place)) == ["file", "folder"]


@pytest.mark.skipif(os.name == "nt", reason="no device files there")
def test_devices_are_not_replaced() -> None:
    with pytest.raises(InputError, match="ordinary file"):
        atomic_write_text("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_folder_appears_whole_and_replaces(place: Path) -> None:
    target = place / "check point"
    for text in ("one", "two"):
        with atomic_folder(target) as part:
            (part / "sub").mkdir()
            (part / "sub" / text).write_text(text)
        assert os.listdir(target / "sub") == [text]
    assert os.listdir(place) == ["check point"]


def test_failing_folder_leaves_the_old_one(place: Path) -> None:
    target = place / "c"
    with atomic_folder(target) as part:
        (part / "a").write_text("old")
    with pytest.raises(RuntimeError):
        fill_and_raise(target, RuntimeError)
    assert (target / "a").read_text() == "old"
    assert os.listdir(place) == ["c"]


def test_folder_on_a_full_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = place / "c"
    with atomic_folder(target) as part:
        (part / "a").write_text("old")
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(InputError, match="disk is full"), atomic_folder(target) as part:
        (part / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert os.listdir(place) == ["c"]


def test_failing_swap_puts_the_old_folder_back(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = place / "c"
    with atomic_folder(target) as part:
        (part / "a").write_text("old")
    rename = os.rename

    def fails_on_the_new_one(source, goal):
        if Path(source).name.endswith(".part"):
            raise PermissionError(errno.EACCES, "in use")
        rename(source, goal)

    monkeypatch.setattr(os, "rename", fails_on_the_new_one)
    with pytest.raises(InputError, match="may not be written to"), atomic_folder(target) as part:
        (part / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert os.listdir(place) == ["c"]


def test_crash_between_the_renames_is_mended(place: Path) -> None:
    target = place / "c"
    with atomic_folder(target) as part:
        (part / "a").write_text("old")
    os.rename(target, place / ".c.previous")
    with pytest.raises(RuntimeError):
        fill_and_raise(target, RuntimeError)
    assert (target / "a").read_text() == "old"
    assert os.listdir(place) == ["c"]


def test_folder_over_a_file_is_refused(place: Path) -> None:
    (place / "f").write_text("keep")
    with pytest.raises(InputError, match="it is a file"), atomic_folder(place / "f"):
        pass
    assert (place / "f").read_text() == "keep"
