"""Radiance fields in files: taken away from a run, dropped on the window, looked at."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from app_drop import drag_over, drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.questions import Choice
from app.run import State
from assets.export import export
from assets.open import open_path

pytestmark = pytest.mark.gl


@pytest.fixture
def field_file(tmp_path, a_field):
    path = tmp_path / "kleine Szene.safetensors"
    export(a_field, path)
    return path


def log_of(window) -> str:
    return "\n".join(entry.to_text() for entry in window.docks.log.entries)


def test_a_run_is_exported_as_a_field_and_nothing_else(window, photos, tmp_path, wait):
    window.questions.choice = Choice.DISCARD
    QTest.mouseClick(window.topbar.engine.button("nerf"), Qt.MouseButton.LeftButton)
    drop(window, photos)
    wait(lambda: window.bench.run.state is State.FINISHED)
    window.actions_["export"].trigger()
    wait(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert dialog.windowTitle() == "Export radiance field"
    assert dialog.path.text().endswith(".safetensors")
    assert list(dialog.format._buttons) == [".safetensors"]
    assert not dialog.frame.isVisible()
    dialog.path.setText(str(tmp_path / "out.safetensors"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    wait(lambda: "Read back: a radiance field of 300 numbers" in dialog.message.text())
    dialog.reject()
    assert window.bench.run.unsaved_steps == 0
    back = open_path(tmp_path / "out.safetensors")
    assert back.about == {"step": 40}
    np.testing.assert_array_equal(back.arrays["table"].ravel(), np.arange(300))


def test_a_dropped_field_is_shown_from_where_it_can_be_seen(window, field_file, wait):
    drag_over(window, field_file)
    assert window.drop.highlight.text == f"Radiance field: {field_file.name}"
    drop(window, field_file)
    wait(lambda: window.view.asked.shown)
    assert window.bench.run.state is State.IDLE
    assert window.welcome.isHidden()
    assert window.windowTitle().startswith(field_file.name)
    assert "Opened kleine Szene.safetensors: a radiance field of 300 numbers" in log_of(window)
    assert window.view.modes == window.view.subject.source.modes
    assert window.docks.population.is_absent
    assert window.topbar.engine.value == "splats", "what is trained next is another matter"
    camera = window.viewport.camera
    pixels, depth = camera.project(window.view.subject.source.box)
    assert (depth > 0).all()
    assert ((pixels > 0) & (pixels < (camera.width, camera.height))).all()
    window.viewport.orbit(200.0, 30.0)
    window.actions_["reset_view"].trigger()
    pixels, depth = window.viewport.camera.project(window.view.subject.source.box)
    assert (depth > 0).all()
    assert window.actions_["export"].isEnabled()
    assert not window.balance.isVisible(), "nothing is trained"
    window.actions_["close_all"].trigger()
    assert not window.view.asked.shown
    assert window.view.subject is None
    assert window.welcome.isVisible()


def test_a_broken_field_is_a_sentence_and_what_is_open_stays(window, tmp_path, a_field, wait):
    field_file = tmp_path / "good.safetensors"
    export(a_field, field_file)
    drop(window, field_file)
    wait(lambda: window.view.asked.shown)
    bad = tmp_path / "bad.safetensors"
    export(replace(a_field, name="bad", arrays={"other": np.zeros(3, np.float32)}), bad)
    drop(window, bad)
    wait(lambda: "has no table" in window.banner.text)
    assert window.bench.session.result_name == field_file.name
    bad.write_bytes(field_file.read_bytes()[:100])
    drop(window, bad)
    wait(lambda: "cut off" in window.banner.text)
    assert window.view.asked.shown


def test_gaussians_and_fields_take_each_others_place(window, field_file, tmp_path, gaussians, wait):
    export(gaussians(30), tmp_path / "ball.ply")
    drop(window, field_file)
    wait(lambda: window.view.asked.shown)
    drop(window, tmp_path / "ball.ply")
    wait(lambda: window.view.cloud is not None)
    assert not window.view.asked.shown
    assert "ellipsoids" in window.view.modes
    drop(window, field_file)
    wait(lambda: window.view.asked.shown)
    assert window.view.cloud is None
    assert "normals" in window.view.modes
    window.actions_["export"].trigger()
    dialog = QApplication.activeModalWidget()
    assert dialog.facts.text() == "300 numbers, 1.2 kB"
    dialog.reject()


def test_a_field_comes_with_photos_and_is_looked_at_first(window, field_file, photos, wait):
    drop(window, photos, field_file)
    wait(lambda: window.view.asked.shown)
    assert window.bench.session.dataset is not None
    assert window.bench.run.state is State.IDLE
    window.actions_["run"].trigger()
    wait(lambda: window.view.cloud is not None)
    assert window.bench.session.result is None


def test_a_field_dropped_before_pytorch_is_there_waits_for_it(
    make_window, small_machine, field_file, live_for, wait
):
    gate = threading.Event()

    def load():
        gate.wait(10)
        return small_machine

    window = make_window(ready=False, load=load)
    drop(window, field_file)
    wait(lambda: window.status.phase.text() == f"Opening {field_file.name}")
    live_for(0.1)
    assert window.view.subject is None
    gate.set()
    wait(lambda: window.view.asked.shown)


def test_what_was_opened_since_is_not_covered_by_a_field(
    make_window, small_machine, field_file, photos, live_for, wait
):
    gate = threading.Event()

    def load():
        gate.wait(10)
        return small_machine

    window = make_window(ready=False, load=load)
    window.questions.choice = Choice.DISCARD
    drop(window, field_file)
    wait(lambda: window.status.phase.text() == f"Opening {field_file.name}")
    drop(window, photos)
    wait(lambda: window.bench.session.dataset is not None)
    gate.set()
    wait(lambda: window.bench.run.state is State.FINISHED)
    live_for(0.2)
    assert window.bench.session.result is None
    assert window.view.cloud is not None
