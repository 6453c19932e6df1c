"""The line at the bottom: words change, places do not."""

import pytest

from app.statusbar import Status, StatusBar


@pytest.fixture
def line(qtbot):
    line = StatusBar()
    qtbot.addWidget(line)
    line.resize(1000, 28)
    line.show()
    qtbot.waitExposed(line)
    return line


def test_the_bar_stays_where_it_is_whatever_the_words(line, qtbot):
    places = set()
    for phase in (
        "Ready",
        "Looking at the photos",
        "Opening a folder with a rather long name",
    ):
        line.show_status(Status(phase=phase, share=0.5))
        qtbot.wait(20)
        places.add(line.bar.geometry().left())
    assert len(places) == 1


def test_words_that_do_not_fit_end_in_an_ellipsis_and_are_in_the_tooltip(line, qtbot):
    for phase in ("Looking at the photos", "Finding features", "Preparing photos"):
        line.show_status(Status(phase=phase))
        qtbot.wait(20)
        assert line.phase.shown_text == phase
    long = "Opening a folder with a rather long name"
    line.show_status(Status(phase=long))
    qtbot.wait(20)
    assert line.phase.shown_text.endswith("…")
    assert line.phase.toolTip() == long
