"""Sharing the machine: what the slider means at both ends, and that it is there only when it is."""

import time

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.balance import LEAST_SHARE, shares
from app.questions import Choice
from app.run import State


def test_the_middle_holds_nobody_up_but_drawing_half_of_the_time():
    middle = shares(0.5)
    assert (middle.drawing, middle.training) == (0.5, 1.0)


def test_the_ends_leave_the_other_next_to_nothing():
    assert shares(0.0).drawing == LEAST_SHARE
    assert shares(0.0).training == 1.0
    assert shares(1.0).drawing == 1.0
    assert shares(1.0).training == LEAST_SHARE


def test_the_one_gets_more_as_the_other_gets_less():
    places = np.linspace(0, 1, 21)
    drawing = [shares(p).drawing for p in places]
    training = [shares(p).training for p in places]
    assert drawing == sorted(drawing)
    assert training == sorted(training, reverse=True)


@pytest.fixture
def learning(window, photos, wait):
    """A window in which a field is learnt whose views take a while."""
    window.questions.choice = Choice.DISCARD
    QTest.mouseClick(window.topbar.engine.button("nerf"), Qt.MouseButton.LeftButton)
    config = type(window.docks.config())(steps=10**6, step_ms=4.0, piece_s=0.03)
    window.docks.settings.set_config(config)
    drop(window, photos)
    wait(lambda: window.view.asked.shown)
    wait(lambda: window.balance.isVisible())
    return window


def put(window, end) -> None:
    window.balance.slider.setFocus()
    QTest.keyClick(window.balance.slider, end)


def rates(window, wait, live_for) -> tuple[float, float]:
    """Steps and pieces of views in a second, while the view turns all the time."""
    engine = window.bench.run.engine

    def pieces() -> int:
        return sum(len(source.widths) for source in engine.sources)

    live_for(0.3)
    began, step, piece = time.monotonic(), engine.step, pieces()

    def turn() -> bool:
        window.viewport.orbit(3.0, 0.0)
        return time.monotonic() - began > 3.0

    wait(turn)
    seconds = time.monotonic() - began
    return (engine.step - step) / seconds, (pieces() - piece) / seconds


@pytest.mark.gl
def test_both_ends_of_the_slider_do_what_they_say(learning, wait, live_for):
    put(learning, Qt.Key.Key_Home)
    steps_first, pieces_last = rates(learning, wait, live_for)
    put(learning, Qt.Key.Key_End)
    steps_last, pieces_first = rates(learning, wait, live_for)
    # Where other programs keep the machine busy, less than the whole difference is left.
    assert steps_first > 1.3 * steps_last
    assert pieces_first > 1.3 * pieces_last


@pytest.mark.gl
def test_a_run_that_rests_shares_nothing(learning, wait):
    put(learning, Qt.Key.Key_Home)
    wait(lambda: learning.view.asked.share == LEAST_SHARE)
    learning.actions_["run"].trigger()
    assert learning.bench.run.state is State.PAUSED
    wait(lambda: learning.view.asked.share == 1.0)
    wait(lambda: not learning.view.asked.unfinished)
    learning.actions_["stop"].trigger()
    wait(lambda: not learning.balance.isVisible())


@pytest.mark.gl
def test_the_place_of_the_slider_is_remembered(make_window):
    window = make_window()
    assert window.balance.position == 0.5
    put(window, Qt.Key.Key_End)
    assert make_window().balance.position == 1.0
