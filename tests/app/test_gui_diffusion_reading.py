"""Many images are read: the window tells how far it is, holds, goes on and gives up on demand."""

import threading

import numpy as np
import pytest
from app_drop import drop
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import DIFFUSION
from app.questions import Choice
from app.run import State
from engines.diffusion.data import folder as reader

pytestmark = pytest.mark.gl

COUNT, HELD_AT = 60, 20
SMALL = {"size": 16, "batch": 4, "steps": 100_000, "samples": 4, "sample_steps": 2}


class Reading:
    """The real reading, which holds after some images until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.go_on = threading.Event()
        read_image = reader.read_image

        def held(*arguments: object, **named: object) -> object:
            if self.begun == HELD_AT:
                self.go_on.wait(100)
            self.begun += 1
            return read_image(*arguments, **named)

        monkeypatch.setattr(reader, "read_image", held)


@pytest.fixture
def wait(wait):
    """Patient, on a machine that may have other things to do."""
    return lambda condition: wait(condition, 120.0)


@pytest.fixture
def reading(monkeypatch):
    reading = Reading(monkeypatch)
    yield reading
    reading.go_on.set()


@pytest.fixture
def window(make_window, small_kinds, reading, tmp_path, wait):
    """A window that has begun to read a folder of images."""
    images = tmp_path / "many"
    images.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (COUNT, 18, 18, 3), np.uint8)
    for i, picture in enumerate(pixels):
        Image.fromarray(picture).save(images / f"{i:03}.png")
    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    window.questions.choice = Choice.DISCARD
    QTest.mouseClick(window.topbar.engine.button("diffusion"), Qt.MouseButton.LeftButton)
    window.docks.settings.set_config(type(window.docks.config())(**SMALL))
    drop(window, images)
    wait(lambda: reading.begun == HELD_AT and window.status.phase.text() == "Reading images")
    return window


def test_progress_is_shown_and_cancel_leaves_the_images_open(window, reading, wait):
    status, run = window.status, window.bench.run
    done, of, total = status.steps.text().split(" ")
    assert 1 <= int(done) <= HELD_AT
    assert (of, total) == ("of", str(COUNT))
    assert status.bar.isVisible()
    assert 0 < status.bar.value() / status.bar.maximum() <= HELD_AT / COUNT
    assert run.engine is None
    QTest.mouseClick(status.cancel, Qt.MouseButton.LeftButton)
    assert run.state is State.IDLE
    reading.go_on.set()
    wait(lambda: run._retired is None or run._retired.join(0))
    assert reading.begun == HELD_AT + 1  # the one at hand, and no other
    assert window.bench.session.images.count == COUNT
    assert window.banner.isHidden()
    assert window.actions_["run"].isEnabled()
    wait(lambda: status.phase.text() == "Ready" and not status.cancel.isVisible())
    QTest.mouseClick(window.topbar.run, Qt.MouseButton.LeftButton)
    wait(lambda: run.engine is not None)
    assert len(run.engine.data) == COUNT
    wait(lambda: run.step > 0 and not status.cancel.isVisible())


def test_reading_is_held_stopped_and_begun_anew(window, reading, live_for, wait):
    run = window.bench.run
    QTest.mouseClick(window.topbar.run, Qt.MouseButton.LeftButton)
    assert run.state is State.PAUSED
    reading.go_on.set()
    live_for(0.3)
    assert reading.begun == HELD_AT + 1
    window.actions_["stop"].trigger()
    assert run.state is State.STOPPED
    live_for(0.1)
    assert run.engine is None
    QTest.mouseClick(window.topbar.run, Qt.MouseButton.LeftButton)
    wait(lambda: run.engine is not None)
    assert reading.begun == HELD_AT + 1 + COUNT
    assert len(run.engine.data) == COUNT
