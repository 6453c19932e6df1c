"""What the window remembers between two sessions, and that it forgets what is gone."""

from pathlib import Path

import pytest

from app.memory import MOST_RECENT, Memory


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "settings.ini")


def again(memory: Memory, tmp_path: Path) -> Memory:
    memory.flush()
    return Memory(tmp_path / "settings.ini")


def test_recent_paths_come_back_newest_first_without_doubles(memory, tmp_path):
    folders = [tmp_path / name for name in ("a", "b äö ü", "c")]
    for folder in folders:
        folder.mkdir()
        memory.remember(folder)
    memory.remember(folders[0])
    found = again(memory, tmp_path).recent
    assert found == [folders[0], folders[2], folders[1]]


def test_one_recent_path_survives_the_settings_file(memory, tmp_path):
    (tmp_path / "only").mkdir()
    memory.remember(tmp_path / "only")
    assert again(memory, tmp_path).recent == [tmp_path / "only"]


def test_what_was_deleted_is_no_longer_recent(memory, tmp_path):
    (tmp_path / "gone").mkdir()
    memory.remember(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert memory.recent == []


def test_the_list_has_an_end_and_can_be_emptied(memory, tmp_path):
    for i in range(MOST_RECENT + 5):
        (tmp_path / str(i)).mkdir()
        memory.remember(tmp_path / str(i))
    assert len(memory.recent) == MOST_RECENT
    memory.forget_recent()
    assert memory.recent == []


def test_theme_and_folder_have_defaults_and_last(memory, tmp_path):
    assert memory.theme == "dark"
    assert memory.folder == Path.home()
    memory.theme = "light"
    memory.folder = tmp_path
    memory = again(memory, tmp_path)
    assert memory.theme == "light"
    assert memory.folder == tmp_path


def test_a_spoilt_settings_file_is_an_empty_one(tmp_path):
    (tmp_path / "settings.ini").write_bytes(b"\x00\xff[[[ recent = nonsense")
    memory = Memory(tmp_path / "settings.ini")
    assert memory.recent == []
    assert memory.theme == "dark"
    assert memory.load_layout() is None
