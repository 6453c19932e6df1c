"""Plain photos dropped on the real window: cameras are found, then a splat is learnt from them."""

import dataclasses
import shutil
import time

import numpy as np
import psutil
import pytest
from app_drop import drop
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import KINDS, load_machine
from app.questions import Choice
from app.run import State
from assets.open import open_path
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos
from engines.events import Diagnosed, Posed, Registered, Stepped

pytestmark = pytest.mark.gl

STEPS = 60


@pytest.fixture
def window(make_window, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    window = make_window(kinds=KINDS, load=load_machine)
    config = dataclasses.replace(window.docks.config(), steps=STEPS, downscale=4)
    window.docks.settings.set_config(config)
    poses = window.docks.poses
    poses.set_config(dataclasses.replace(poses.config, preset="fast"))
    return window


@pytest.fixture
def kermit(shared_data, tmp_path):
    """Eleven photos and nothing else."""
    folder = tmp_path / "kermit"
    folder.mkdir()
    for photo in (shared_data / "kermit").glob("*.jpg"):
        shutil.copy(photo, folder)
    return folder


def log_of(window) -> str:
    return "\n".join(entry.to_text() for entry in window.docks.log.entries)


def told_by(window) -> list:
    told = []
    window.feed.happened.connect(told.append)
    return told


def grey_photos(folder, count, make):
    folder.mkdir()
    for i in range(count):
        Image.fromarray(make(i)).save(folder / f"{i:02d}.png")
    return folder


def test_plain_photos_become_a_splat_without_another_click(window, kermit, wait, tmp_path, answers):
    before = sorted(kermit.iterdir())
    told = told_by(window)
    drop(window, kermit)
    wait(lambda: isinstance(window.bench.session.photos, UnposedPhotos))
    assert window.bench.session.dataset is None
    wait(lambda: any(isinstance(e, Registered) for e in told), 60)
    wait(lambda: isinstance(window.bench.session.dataset, PosedPhotos), 60)
    view = window.viewport.camera.camera_to_world.copy()
    run = window.bench.run
    wait(lambda: any(isinstance(e, Stepped) for e in told), 60)
    np.testing.assert_allclose(window.viewport.camera.camera_to_world, view)
    wait(lambda: run.state is State.FINISHED, 120)

    assert run.step == STEPS
    (posed,) = [e for e in told if isinstance(e, Posed)]
    assert posed.registered >= 9
    assert [e.stage for e in told if isinstance(e, Diagnosed)] == ["photos", "poses"]
    assert len(window.bench.session.dataset.views) == posed.registered
    assert window.view.cloud is not None
    assert window.viewport.grab()[..., :3].std() > 10
    assert sorted(kermit.iterdir()) == before, "nothing is written among a person's photos"

    answers.path = tmp_path / "colmap"
    answers.starts.clear()
    window.actions_["export_cameras"].trigger()
    wait(lambda: "Exported cameras" in log_of(window))
    assert window.banner.text == f"Exported cameras and photos to {tmp_path / 'colmap'}"
    assert [start.name for start in answers.starts] == ["kermit-colmap"]
    back = open_path(tmp_path / "colmap")
    assert isinstance(back, PosedPhotos)
    assert len(back.views) == posed.registered


def test_a_photo_that_is_left_out_is_not_used_the_next_time(window, kermit, wait):
    drop(window, kermit)
    wait(lambda: window.bench.session.dataset is not None, 60)
    window.actions_["stop"].trigger()
    strip, doctor = window.docks.photos, window.docks.doctor
    assert "11 placed" in strip.header.value
    strip.grid.setCurrentIndex(strip.model.index(3))
    QTest.keyClick(strip.grid, Qt.Key.Key_Space)
    assert window.bench.session.photos.left_out == {"kermit003.jpg"}
    assert doctor.left_out == {"kermit003.jpg"}
    window.docks["doctor"].raise_()
    wait(lambda: doctor.again.isVisible())
    window.questions.choice = Choice.DISCARD
    QTest.mouseClick(doctor.again, Qt.MouseButton.LeftButton)
    wait(lambda: window.bench.session.dataset is None)
    wait(lambda: window.bench.session.dataset is not None, 60)
    names = {view.name for view in window.bench.session.dataset.views}
    assert len(names) >= 8
    assert "kermit003.jpg" not in names


def test_finding_cameras_can_be_paused_stopped_and_taken_up(window, kermit, wait, live_for):
    told = told_by(window)
    run = window.bench.run
    drop(window, kermit)
    wait(lambda: run.state is State.PREPARING and bool(told), 30)
    QTest.mouseClick(window.topbar.run, Qt.MouseButton.LeftButton)
    assert run.state is State.PAUSED
    live_for(0.5)
    count = len(told)
    live_for(0.5)
    assert len(told) == count
    window.actions_["stop"].trigger()
    assert run.state is State.STOPPED
    window.actions_["run"].trigger()
    wait(lambda: window.bench.session.dataset is not None, 60)


def test_closing_while_cameras_are_found_ends_everything_quickly(window, kermit, wait):
    told = told_by(window)
    drop(window, kermit)
    wait(lambda: any(type(e).__name__ == "FeaturesFound" for e in told), 60)
    began = time.monotonic()
    window.close()
    assert time.monotonic() - began < 1.5
    assert not window.isVisible()
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "engines.poses" in command]


@pytest.mark.parametrize(
    ("count", "make", "words"),
    [
        (2, lambda i: np.random.default_rng(i).integers(0, 255, (120, 160, 3), np.uint8), "photos"),
        (6, lambda i: np.full((240, 320, 3), 180 + i, np.uint8), ""),
    ],
    ids=["two photos", "blank wall"],
)
def test_what_cannot_work_ends_in_a_sentence(window, tmp_path, wait, count, make, words):
    drop(window, grey_photos(tmp_path / "hopeless", count, make))
    wait(lambda: window.bench.run.state is State.FAILED, 60)
    assert window.banner.isVisible()
    assert len(window.bench.run.outcome.split()) > 5
    assert words in window.bench.run.outcome
    assert "Traceback" not in log_of(window)
    assert window.bench.session.dataset is None
