"""A stopped run and fields that were changed since: the window never says it follows them."""

from dataclasses import replace

import pytest
from app_drop import drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.panels.settings import CHANGED, LOCKED, OF_RUN
from app.questions import Choice
from app.run import State

pytestmark = pytest.mark.gl


def test_changed_settings_are_for_a_new_start_and_resume_shows_those_of_the_run(
    window, photos, wait
):
    bench, docks, run = window.bench, window.docks, window.topbar.run
    window.questions.choice = Choice.DISCARD
    docks.settings.set_config(replace(docks.config(), steps=5_000))
    drop(window, photos)
    wait(lambda: bench.run.step > 2)
    own = docks.config()
    window.actions_["stop"].trigger()
    assert docks.settings.why.text() == OF_RUN
    docks.settings.set_config(replace(own, steps=7_000))
    assert docks.settings.why.text() == CHANGED
    assert run.text() == "Resume"
    assert "began with" in run.toolTip()
    QTest.mouseClick(run, Qt.MouseButton.LeftButton)
    wait(lambda: bench.run.state is State.RUNNING)
    assert docks.config() == own == bench.run.engine.config
    assert docks.settings.why.text() == LOCKED
    # A new start follows the fields.
    window.actions_["stop"].trigger()
    docks.settings.set_config(replace(own, steps=7_000))
    window.actions_["restart"].trigger()
    wait(lambda: bench.run.state is State.RUNNING and bench.run.step > 0)
    assert docks.config().steps == bench.run.engine.config.steps == 7_000
    window.actions_["stop"].trigger()
    assert docks.settings.why.text() == OF_RUN
