"""Two engines in one window: choosing, running and looking at what only an engine can draw."""

import threading

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.questions import Choice
from app.run import State

pytestmark = pytest.mark.gl


def choose(window, engine: str) -> None:
    QTest.mouseClick(window.topbar.engine.button(engine), Qt.MouseButton.LeftButton)


def set_up(window, **changes) -> None:
    window.docks.settings.set_config(type(window.docks.config())(**changes))


def state(window) -> State:
    return window.bench.run.state


def pixel(window) -> tuple[int, ...]:
    height, width = window.viewport.grab().shape[:2]
    return tuple(int(v) for v in window.viewport.grab()[height // 2, width // 2, :3])


def drag(window, dx: int) -> None:
    native = window.viewport.native
    start = QPoint(native.width() // 2, native.height() // 2)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(native, start + QPoint(dx, 0))
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=start + QPoint(dx, 0))


@pytest.fixture
def field_run(window, photos, wait):
    """`field_run(**settings)` begins a run of the engine that draws itself."""

    def begin(**changes):
        window.questions.choice = Choice.DISCARD
        choose(window, "nerf")
        set_up(window, **changes)
        drop(window, photos)
        wait(lambda: window.view.asked.shown)
        return window.bench.run.engine

    return begin


def test_each_engine_has_its_own_settings_and_keeps_what_was_changed(window):
    set_up(window, steps=77)
    splats = window.docks.settings
    choose(window, "nerf")
    fields = window.docks.settings
    assert "piece_s" in fields.rows
    assert fields.isVisible()
    assert not splats.isVisible()
    set_up(window, steps=55)
    choose(window, "splats")
    assert window.docks.settings is splats
    assert splats.isVisible()
    assert window.docks.config().steps == 77
    choose(window, "nerf")
    assert window.docks.config().steps == 55


def test_the_choice_is_remembered(make_window):
    choose(make_window(), "nerf")
    again = make_window()
    assert again.topbar.engine.value == "nerf"
    assert "piece_s" in again.docks.settings.rows


def test_a_run_of_the_other_engine_shows_what_it_draws(window, field_run, wait):
    engine = field_run(steps=10_000)
    assert engine.name == "nerf"
    assert window.bench.run_kind.id == "nerf"
    wait(lambda: window.status.phase.text() == "Training NeRF")
    wait(lambda: pixel(window) == (0, 0, 255))
    wait(lambda: "0.2 MB of parameters" in window.status.count.text())
    assert [chart.spec.title for chart in window.docks.curves.charts][2] == "Samples per ray"
    wait(lambda: window.docks.curves.run.series["samples_per_ray"].values[-1] == 48.0)
    assert window.docks.population.is_absent
    assert not window.docks.population.cards["grow_gradient"].isVisible()
    window.actions_["stop"].trigger()
    wait(lambda: window.view.subject.step == engine.step)
    wait(lambda: not window.view.asked.unfinished)
    source = window.view.subject.source
    assert source.finished == 1
    assert source.widths[-1] == window.viewport.camera.width


def test_while_a_run_lives_the_engine_is_fixed_and_says_so(window, photos, wait):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.bench.run.step > 2)
    choose(window, "nerf")
    assert window.topbar.engine.value == "splats"
    assert window.bench.kind.id == "splats"
    assert "stop or clear" in window.topbar.engine.button("nerf").toolTip()
    window.actions_["stop"].trigger()
    choose(window, "nerf")
    assert window.bench.kind.id == "nerf"
    assert "radiance field" in window.topbar.engine.button("nerf").toolTip()


def test_what_another_engine_learnt_stays_until_the_next_run(window, photos, wait):
    set_up(window, steps=10_000)
    drop(window, photos)
    wait(lambda: window.view.cloud is not None)
    window.actions_["stop"].trigger()
    assert window.topbar.run.text() == "Resume"
    choose(window, "nerf")
    assert window.topbar.run.text() == "Run"
    assert window.view.cloud is not None
    assert window.actions_["mode_ellipsoids"].isVisible()
    assert window.docks.curves.charts[2].spec.title == "Gaussians"
    window.questions.choice = Choice.CANCEL
    window.topbar.run.click()
    assert window.questions.asked == ["Starting NeRF (True)"]
    assert state(window) is State.STOPPED
    choose(window, "splats")
    assert window.topbar.run.text() == "Resume"
    choose(window, "nerf")
    window.questions.choice = Choice.DISCARD
    window.topbar.run.click()
    assert window.view.cloud is None
    wait(lambda: window.view.asked.shown)
    assert window.bench.run.engine.name == "nerf"
    wait(lambda: state(window) is State.FINISHED)
    choose(window, "splats")
    set_up(window, steps=12)
    window.topbar.run.click()
    wait(lambda: state(window) is State.FINISHED)
    assert window.bench.run.engine.name == "splats"
    wait(lambda: window.view.cloud is not None)
    assert not window.view.asked.shown
    assert not window.docks.population.is_absent


def test_modes_and_their_keys_are_those_of_what_is_on_show(window, field_run, wait):
    field_run(steps=10_000)
    offered = [m for m in window.view.modes if window.actions_[f"mode_{m}"].isVisible()]
    assert offered == ["colour", "depth", "normals", "occupancy"]
    assert not window.actions_["mode_exact"].isVisible()
    assert not window.actions_["mode_slice"].isVisible(), "this source has no slice"
    window.activateWindow()
    wait(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_3)
    assert window.view.mode == "normals"
    wait(lambda: pixel(window) == (0, 255, 255))
    buttons = window.overlays._modes
    assert buttons.value == "normals"
    QTest.mouseClick(buttons.button("depth"), Qt.MouseButton.LeftButton)
    wait(lambda: pixel(window) == (255, 0, 0))
    window.actions_["stop"].trigger()
    window.actions_["clear"].trigger()
    choose(window, "splats")
    assert window.view.mode == "depth", "splats have this one too"
    assert window.viewport.mode == "depth"
    assert window.actions_["mode_ellipsoids"].isVisible()
    QTest.keyClick(window, Qt.Key.Key_3)
    assert window.view.mode == "ellipsoids"


def test_the_newest_camera_wins_and_what_was_refined_is_closed(window, field_run, wait):
    engine = field_run(steps=5, piece_s=0.05)
    wait(lambda: state(window) is State.FINISHED)
    wait(lambda: window.view.subject.step == engine.step)
    source = window.view.subject.source
    wait(lambda: source.finished == 1)
    drawn = len(source.widths)
    drag(window, 60)
    wait(lambda: source.rendered != [] and len(source.widths) > drawn)
    source.gate.clear()
    wait(lambda: len(source.began) == 2)
    began = len(source.began)
    drag(window, -120)
    source.gate.set()
    wait(lambda: source.closed == began)
    assert source.finished < began

    def arrived() -> bool:
        seen, now = source.began[-1][0].camera_to_world, window.viewport.camera.camera_to_world
        return len(source.began) > began and np.array_equal(seen, now)

    wait(arrived)
    wait(lambda: not window.view.asked.unfinished)
    assert source.widths[-1] == window.viewport.camera.width


def test_the_window_lives_while_a_piece_takes_long(window, field_run, wait):
    field_run(steps=3)
    wait(lambda: state(window) is State.FINISHED)
    wait(lambda: not window.view.asked.unfinished)
    source, ticks = window.view.subject.source, []
    source.gate.clear()
    drawn = len(source.widths)
    window.feed.ticked.connect(lambda: ticks.append(1))
    drag(window, 40)
    wait(lambda: len(ticks) >= 9)
    assert window.view.asked.unfinished
    assert len(source.widths) == drawn, "the piece is still being drawn"
    source.gate.set()


def test_a_failing_engine_keeps_what_it_drew(window, field_run, wait):
    field_run(fail_at=12)
    wait(lambda: state(window) is State.FAILED)
    assert "step 12 is kept" in window.banner.text
    wait(lambda: window.view.subject is not None and window.view.subject.step == 12)
    assert pixel(window) == (0, 0, 255)


def test_a_view_that_cannot_be_drawn_is_a_sentence(window, field_run, wait):
    field_run(steps=3)
    wait(lambda: state(window) is State.FINISHED)
    wait(lambda: not window.view.asked.unfinished)

    def burst(*_args, **_more):
        raise ZeroDivisionError("nothing to see")

    window.view.subject.source.refine = burst
    window.actions_["mode_depth"].trigger()
    wait(lambda: "could not be drawn" in window.banner.text)
    assert window.isVisible()


def test_a_checkpoint_brings_its_engine_along(window, field_run, wait, tmp_path):
    field_run(steps=25)
    wait(lambda: state(window) is State.FINISHED)
    window.actions_["save_checkpoint"].trigger()
    wait(lambda: window.bench.run.unsaved_steps == 0)
    window.actions_["close_all"].trigger()
    choose(window, "splats")
    drop(window, tmp_path / "saved run")
    wait(lambda: state(window) is State.FINISHED)
    assert window.topbar.engine.value == "nerf"
    assert window.bench.run.engine.name == "nerf"
    assert window.docks.config().steps == 60
    assert len(window.docks.curves.run.series["loss"].values) == 60


def test_a_checkpoint_of_nobody_is_a_sentence(window, tmp_path, wait):
    folder = tmp_path / "strange"
    folder.mkdir()
    (folder / "checkpoint.json").write_text('{"engine": "abacus", "step": 3}')
    drop(window, folder)
    wait(lambda: "abacus" in window.banner.text)
    assert "expected splats or nerf" in window.banner.text
    assert state(window) is State.IDLE


def test_settings_that_do_not_go_together_start_nothing(window, photos, wait, monkeypatch):
    def refuse():
        raise ValueError("Box has 3 numbers; expected six")

    monkeypatch.setattr(window.bench, "settings", refuse)
    drop(window, photos)
    wait(lambda: "Box has 3 numbers" in window.banner.text)
    assert state(window) is State.IDLE


def test_closing_ends_the_thread_that_draws(window, field_run):
    field_run(steps=10_000, piece_s=0.05)
    window.close()
    assert not window.isVisible()
    names = {thread.name.split("_")[0] for thread in threading.enumerate()}
    assert not names & {"run", "job", "exact"}
