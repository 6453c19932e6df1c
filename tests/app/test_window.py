"""The real window with a small engine: drop, run, save, fail, close, at any moment."""

import threading

import numpy as np
import pytest
from app_drop import drag_over, drop
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QDragLeaveEvent, QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.questions import Choice
from app.run import COMMANDS, Command, State

pytestmark = pytest.mark.gl


def set_up(window, **changes) -> None:
    config = type(window.docks.config())(**changes)
    window.docks.settings.set_config(config)


def state(window) -> State:
    return window.bench.run.state


def log_of(window) -> str:
    return "\n".join(entry.to_text() for entry in window.docks.log.entries)


def test_an_empty_window_invites_and_offers_nothing_that_means_nothing(window):
    assert window.welcome.isVisible()
    for name in ("run", "step", "stop", "export", "save_checkpoint", "photo", "close_all"):
        assert not window.actions_[name].isEnabled(), name
    for name in ("open_folder", "open_file", "sample", "resume_checkpoint", "quit"):
        assert window.actions_[name].isEnabled(), name
    assert "no CUDA device found" in window.topbar.device.text


def test_what_hovers_is_named_and_a_drop_is_trained_on(window, photos, wait):
    event = drag_over(window, photos)
    assert event.isAccepted()
    assert window.drop.highlight.isVisible()
    assert window.drop.highlight.text == f"Posed photos: {photos.name}"
    drop(window, photos)
    assert window.drop.highlight.isHidden()
    wait(lambda: state(window) is State.FINISHED)
    assert window.welcome.isHidden()
    wait(lambda: len(window.view.cloud or ()) == window.bench.run.engine.count)
    assert len(window.docks.curves.run.series["loss"].values) == 40
    assert window.docks.photos.model.held_out == {0, 3}
    assert window.windowTitle().startswith(photos.name)
    assert window.bench.run.unsaved_steps == 40


def test_a_run_settles_in_on_its_own_thread_and_nowhere_else(window, photos, settled, wait):
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    assert settled == ["run"]


def test_what_leaves_again_is_not_opened(window, photos, live_for):
    drag_over(window, photos)
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert window.drop.highlight.isHidden()
    live_for(0.1)
    assert state(window) is State.IDLE


def test_a_drop_before_the_engine_is_imported_waits(make_window, small_machine, photos, wait):
    gate = threading.Event()

    def load():
        gate.wait(10)
        return small_machine

    window = make_window(ready=False, load=load)
    drop(window, photos)
    wait(lambda: window.bench.session.dataset is not None)
    assert state(window) is State.IDLE
    gate.set()
    wait(lambda: state(window) is State.FINISHED)


def test_every_button_follows_the_state(window, photos, wait):
    set_up(window, steps=10_000, step_ms=3.0)
    seen = set()

    def check():
        now = state(window)
        seen.add(now)
        allowed = COMMANDS[now]
        assert window.actions_["step"].isEnabled() == (Command.STEP in allowed)
        assert window.actions_["stop"].isEnabled() == (Command.STOP in allowed)
        assert window.actions_["clear"].isEnabled() == (Command.CLEAR in allowed)
        assert window.topbar.run.isEnabled()
        words = {
            State.IDLE: "Run",
            State.PREPARING: "Pause",
            State.RUNNING: "Pause",
            State.PAUSED: "Resume",
            State.STOPPED: "Resume",
        }
        assert window.topbar.run.text() == words[now]
        alive = now in (State.PREPARING, State.RUNNING, State.PAUSED)
        rows = window.docks.settings.rows.values()
        assert all(row.editor.isEnabled() != alive for row in rows)

    drop(window, photos)
    wait(lambda: state(window) is State.RUNNING)
    check()
    window.topbar.run.click()
    assert state(window) is State.PAUSED
    check()
    before = window.bench.run.engine.step
    window.actions_["step"].trigger()
    wait(lambda: window.bench.run.engine.step > before)
    assert state(window) is State.PAUSED
    window.topbar.run.click()
    assert state(window) is State.RUNNING
    window.actions_["stop"].trigger()
    assert state(window) is State.STOPPED
    check()
    window.topbar.run.click()
    assert state(window) is State.RUNNING
    window.questions.choice = Choice.DISCARD
    window.actions_["clear"].trigger()
    assert state(window) is State.IDLE
    check()
    assert seen == {State.RUNNING, State.PAUSED, State.STOPPED, State.IDLE}


def test_start_then_pause_at_once_then_on_to_the_end(window, photos, wait):
    drop(window, photos)
    wait(lambda: state(window) is State.PREPARING)
    window.actions_["run"].trigger()
    assert state(window) is State.PAUSED
    window.actions_["run"].trigger()
    wait(lambda: state(window) is State.FINISHED)


def test_clear_while_running_keeps_the_photos_and_a_new_run_works(window, photos, wait):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 5)
    window.questions.choice = Choice.DISCARD
    window.actions_["clear"].trigger()
    assert state(window) is State.IDLE
    assert window.bench.session.dataset is not None
    assert window.view.cloud is None
    assert not window.actions_["export"].isEnabled()
    set_up(window, steps=12)
    window.actions_["run"].trigger()
    wait(lambda: state(window) is State.FINISHED)
    assert len(window.docks.curves.run.series["loss"].values) == 12


def test_close_all_while_running_leaves_an_empty_window(window, photos, wait):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 5)
    window.questions.choice = Choice.DISCARD
    window.actions_["close_all"].trigger()
    assert window.welcome.isVisible()
    assert window.bench.session.is_empty
    assert window.docks.photos.model.dataset is None


def test_close_while_running_asks_and_cancel_keeps_everything(window, photos, wait):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 3)
    window.questions.choice = Choice.CANCEL
    window.close()
    assert window.isVisible()
    assert state(window) is State.RUNNING
    assert window.questions.asked == ["Closing the window (True)"]


def test_close_while_running_and_discard_ends_all_threads(window, photos, wait):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 3)
    engine = window.bench.run.engine
    window.questions.choice = Choice.DISCARD
    window.close()
    assert not window.isVisible()
    assert engine.closed == 1
    names = {thread.name.split("_")[0] for thread in threading.enumerate()}
    assert not names & {"run", "job", "exact"}


def test_close_and_save_writes_a_checkpoint_first(window, photos, wait, tmp_path):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 3)
    window.questions.choice = Choice.SAVE
    window.close()
    assert window.isVisible()
    wait(lambda: not window.isVisible())
    assert (tmp_path / "saved run" / "checkpoint.json").is_file()


def test_a_checkpoint_that_cannot_be_written_keeps_the_window(window, photos, wait, tmp_path):
    (tmp_path / "saved run").write_text("a file where a folder should be")
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 3)
    window.questions.choice = Choice.SAVE
    window.close()
    wait(lambda: "could not be written" in window.banner.text)
    assert window.isVisible()
    assert state(window) is State.RUNNING


def test_a_saved_run_says_so_and_closes_without_a_question(window, photos, wait, tmp_path):
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    window.actions_["save_checkpoint"].trigger()
    wait(lambda: window.bench.run.unsaved_steps == 0)
    assert window.banner.text.endswith(f"to {tmp_path / 'saved run'}")
    assert window.banner._goes.isActive(), "what went well need not be dismissed by hand"
    window.questions.asked.clear()
    window.close()
    assert window.questions.asked == []
    assert not window.isVisible()


def test_files_of_panels_begin_where_the_last_one_went_and_it_is_said_how_they_ended(
    window, photos, wait, tmp_path
):
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    asked = window.questions
    asked.path = tmp_path / "tables" / "one.csv"
    asked.path.parent.mkdir()
    window.docks.curves.export.click()
    window.docks.curves.export.click()
    assert asked.starts[-2:] == [
        photos.parent / f"{photos.name}-curves.csv",
        tmp_path / "tables" / f"{photos.name}-curves.csv",
    ]
    assert window.banner.text == f"Saved {asked.path}"
    assert window.banner.text in log_of(window)
    assert asked.path.is_file()
    window.docks.path.saver.ended.emit("Saved a.mp4", True)
    assert window.banner.text == "Saved a.mp4"
    window.docks.attention.saver.ended.emit("a.npz could not be written", False)
    assert window.banner.text == "a.npz could not be written"
    assert not window.banner._goes.isActive()
    for panel in (window.docks.path, window.docks.attention):
        panel._ask_save()  # nothing is drawn, but it is asked
    assert asked.starts[-2:] == [
        tmp_path / "tables" / f"{photos.name}-path.mp4",
        tmp_path / "tables" / f"{photos.name}-attention.npz",
    ]


def test_a_dropped_checkpoint_goes_on_where_it_was(window, photos, wait, tmp_path):
    set_up(window, steps=25)
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    window.actions_["save_checkpoint"].trigger()
    wait(lambda: window.bench.run.unsaved_steps == 0)
    window.actions_["close_all"].trigger()
    drop(window, tmp_path / "saved run")
    wait(lambda: state(window) is State.FINISHED)
    assert window.bench.run.step == 60
    assert window.docks.config().steps == 60
    assert len(window.docks.curves.run.series["loss"].values) == 60
    assert window.bench.session.dataset.name == photos.name


def test_a_failing_engine_says_so_and_what_was_learnt_can_be_taken(window, photos, wait):
    set_up(window, fail_at=12)
    drop(window, photos)
    wait(lambda: state(window) is State.FAILED)
    wait(lambda: window.view.cloud is not None)
    assert "step 12 is kept" in window.banner.text
    assert "Traceback" not in window.banner.text
    assert "Traceback" in log_of(window)
    assert window.actions_["export"].isEnabled()
    assert window.topbar.run.text() == "Run again"
    set_up(window, fail_at=0)
    window.questions.choice = Choice.DISCARD
    window.topbar.run.click()
    wait(lambda: state(window) is State.FINISHED)
    assert window.banner.text == ""


def test_a_file_that_is_not_what_it_says_is_a_sentence_and_no_more(window, tmp_path, photos, wait):
    bad = tmp_path / "schöne Datei.ply"
    bad.write_text("this is a letter, not a cloud")
    drop(window, bad)
    wait(lambda: window.banner.text != "")
    assert "schöne Datei.ply" in window.banner.text
    assert window.banner.text in log_of(window)
    assert window.welcome.isVisible()
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    assert window.banner.text == ""


def test_new_photos_ask_before_a_run_is_lost(window, photos, new_photos, tmp_path, wait):
    other = new_photos(tmp_path / "other", 4)
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    window.questions.choice = Choice.CANCEL
    drop(window, other)
    wait(lambda: window.questions.asked != [])
    assert window.bench.session.dataset.name == photos.name
    window.questions.choice = Choice.DISCARD
    drop(window, other)
    wait(lambda: window.bench.session.dataset.name == "other")
    wait(lambda: state(window) is State.FINISHED)
    assert len(window.bench.run.engine.dataset.views) == 4


def test_several_things_at_once(window, photos, new_photos, tmp_path, gaussians, wait, live_for):
    from assets.export import export

    other = new_photos(tmp_path / "other", 4)
    export(gaussians(30), tmp_path / "ball.ply")
    drop(window, photos, other, tmp_path / "ball.ply")
    wait(lambda: window.bench.session.result is not None)
    live_for(0.1)
    assert window.bench.session.dataset.name == photos.name
    assert len(window.view.cloud) == 30
    assert state(window) is State.IDLE
    assert "other was not opened" in log_of(window)
    assert window.actions_["run"].isEnabled()


def test_photos_are_looked_through_and_compared(window, photos, wait):
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    window.docks.photos.view_activated.emit(2)
    assert window.view.chosen == 2
    assert window.docks.photos.grid.current_view == 2
    wait(lambda: not window.viewport.busy)
    expected = window.bench.session.dataset.views[2].camera
    assert abs(window.viewport.camera.centre - expected.centre).max() < 1e-6
    window.actions_["photo"].trigger()
    wait(lambda: window.view.photo_on_show)
    window.actions_["next_photo"].trigger()
    assert window.view.chosen == 3
    window.viewport.camera_picked.emit(5)
    assert window.view.chosen == 5
    window.actions_["close_all"].trigger()


def test_a_key_that_is_down_when_the_keyboard_is_lost_flies_no_further(window, photos, live_for):
    native = window.viewport.native
    QTest.keyPress(native, Qt.Key.Key_W)
    live_for(0.2)
    before = window.viewport.camera.centre
    live_for(0.2)
    assert np.linalg.norm(window.viewport.camera.centre - before) > 0
    QApplication.sendEvent(native, QFocusEvent(QEvent.Type.FocusOut))
    live_for(1.0)
    before = window.viewport.camera.centre
    live_for(0.3)
    np.testing.assert_array_equal(window.viewport.camera.centre, before)


def test_exact_mode_shows_what_the_engine_renders(window, photos, wait):
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    wait(lambda: not window.viewport.busy)
    window.actions_["mode_exact"].trigger()
    wait(lambda: tuple(window.viewport.grab()[9, 9, :3]) == (0, 255, 0))
    window.actions_["mode_points"].trigger()
    assert window.viewport.mode == "points"
    wait(lambda: not window.viewport.busy)
    assert tuple(window.viewport.grab()[9, 9, :3]) != (0, 255, 0)


def test_the_layout_and_what_was_open_are_remembered(make_window, photos, wait, answers):
    window = make_window()
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    window.docks["population"].hide()
    answers.choice = Choice.DISCARD
    window.close()
    again = make_window()
    assert again.docks["population"].isHidden()
    assert again.memory.recent == [photos]
    again.actions_["reset_layout"].trigger()
    assert not again.docks["population"].isHidden()


def test_nothing_nobody_thought_of_ends_the_window(window, wait, tmp_path):
    import sys

    try:
        raise LookupError("nobody thought of this")
    except LookupError:
        window.faults._uncaught(*sys.exc_info())
    wait(lambda: "LookupError" in window.banner.text)
    assert "nobody thought of this" in (tmp_path / "errors.log").read_text()
    assert "Traceback" in log_of(window)
    assert window.isVisible()


def test_the_light_theme_can_be_chosen_and_is_remembered(window):
    from app import theme

    window.actions_["light"].trigger()
    assert theme.current().name == "light"
    assert window.memory.theme == "light"
    window.actions_["light"].trigger()
    assert theme.current().name == "dark"


@pytest.mark.parametrize("name", ["keys", "device", "about"])
def test_help_opens_and_closes(window, name):
    window.actions_[name].trigger()
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    dialog.accept()


def test_a_mesh_stands_upright_in_view_and_joins_what_is_there(window, tmp_path, photos, wait):
    from assets.export import export
    from assets.mesh import Mesh

    corners = [[0, 0, 0], [4, 0, 0], [0, 9, 0], [0, 0, 3]]
    vertices = 100.0 + 10.0 * np.array(corners, dtype=np.float32)
    mesh = Mesh(
        vertices=vertices,
        faces=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32),
        normals=np.tile(np.float32([0, 1, 0]), (4, 1)),
        colours=np.ones((4, 3), np.float32),
    )
    export(mesh, tmp_path / "tip.glb")
    drop(window, tmp_path / "tip.glb")
    wait(lambda: len(window.bench.session.meshes) == 1)
    assert "Opened tip.glb: 4 triangles" in log_of(window)
    camera = window.viewport.camera
    pixels, depth = camera.project(vertices)
    assert (depth > 0).all()
    assert ((pixels > 0) & (pixels < (camera.width, camera.height))).all()
    assert pixels[2, 1] < pixels[0, 1]
    assert not window.actions_["export"].isEnabled()
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    assert len(window.bench.session.meshes) == 1


def test_a_window_without_an_engine_still_shows_things(
    make_window, tmp_path, gaussians, photos, wait
):
    from assets.export import export

    def load():
        raise ImportError("libtorch.so: cannot open shared object file")

    window = make_window(ready=False, load=load)
    wait(lambda: "libtorch.so" in window.banner.text)
    wait(lambda: window.status.phase.text() == "Ready")
    assert "not possible" in window.topbar.device.text
    export(gaussians(20), tmp_path / "ball.ply")
    drop(window, tmp_path / "ball.ply")
    wait(lambda: len(window.view.cloud or ()) == 20)
    assert window.actions_["export"].isEnabled()
    drop(window, photos)
    wait(lambda: window.bench.session.dataset is not None)
    assert state(window) is State.IDLE


def test_opening_can_be_given_up(window, photos, monkeypatch, wait):
    entered, gate = threading.Event(), threading.Event()

    def slow(_found):
        entered.set()
        gate.wait(10)
        raise AssertionError("nobody waits for this any more")

    monkeypatch.setattr("app.session.read_found", slow)
    drop(window, photos)
    wait(entered.is_set)
    wait(lambda: window.status.cancel.isVisible())
    assert window.status.phase.text() == f"Opening {photos.name}"
    window.status.cancel.click()
    assert not window.bench.session.is_opening
    assert window.welcome.isVisible()
    gate.set()
    wait(lambda: not window.bench.jobs._waiting)
    assert window.banner.text == ""


def test_what_is_shown_already_is_not_sent_to_the_viewport_again(window, photos, wait, monkeypatch):
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    sent = []
    monkeypatch.setattr(window.viewport, "show_meshes", sent.append)
    window.bench.session.changed.emit()
    window.bench.session.changed.emit()
    assert sent == []
