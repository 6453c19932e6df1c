"""The log: what happened in the order it happened, readable, copied and limited."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication

from app import theme
from app.panels.log import LONGEST, LogPanel, duration
from engines.events import Evaluated, Failed, Finished, Marked, Prepared, Refined, Stepped, Warned


@pytest.fixture
def log(qtbot, qapp):
    theme.apply(qapp, "dark")
    log = LogPanel()
    qtbot.addWidget(log)
    log.resize(500, 160)
    log.show()
    qtbot.waitExposed(log)
    return log


def colour_of(log: LogPanel, words: str) -> QColor:
    cursor = log.view.document().find(words)
    assert not cursor.isNull(), words
    return cursor.charFormat().foreground().color()


def test_events_become_sentences(log):
    for event in (
        Prepared(phase="Reading photos", done=1, total=2),
        Warned(message="17 photos are missing"),
        Stepped(step=1, seconds=0.1, step_ms=1.0),
        Refined(step=100, cloned=1_200, split=3, pruned_opacity=4, pruned_scale=5, total=11_000),
        Refined(step=200, total=11_000, capped=True),
        Marked(step=300, label="opacity reset"),
        Evaluated(
            step=300,
            seconds=9.0,
            split="holdout",
            psnr=24.567,
            ssim=0.8,
            views={"a": 1.0, "b": 2.0},
        ),
        Finished(step=300, seconds=72.0, reason="300 steps done"),
        Failed(step=300, message="The loss became non-finite"),
    ):
        log.add(event)
    assert [entry.text for entry in log.entries] == [
        "17 photos are missing",
        "Step 100: 1,200 cloned, 3 split, 9 pruned; 11,000 Gaussians",
        "Step 200: nothing to change; 11,000 Gaussians, growth cut short by the cap",
        "Step 300: opacity reset",
        "Step 300: 24.57 dB and SSIM 0.800 on 2 held-out photos",
        "Finished after 1 min 12 s: 300 steps done",
        "The loss became non-finite",
    ]
    assert log.header.value == "2 to look at"


def test_levels_have_colours_that_follow_the_theme(log, qapp):
    log.say("all is well")
    log.say("take care", "warn")
    log.say("it broke", "error")
    for look in (theme.LIGHT, theme.DARK):
        theme.apply(qapp, look.name)
        assert colour_of(log, "all is well") == QColor(look.label)
        assert colour_of(log, "take care") == QColor(look.warn)
        assert colour_of(log, "it broke") == QColor(look.error)
    with pytest.raises(ValueError, match="loud"):
        log.say("no", "loud")


def test_words_are_shown_as_they_are(log):
    log.say("a <b>bold</b> & odd name.jpg")
    assert log.view.toPlainText().endswith("a <b>bold</b> & odd name.jpg")


def test_everything_can_be_copied_with_its_time(log, qtbot):
    log.say("first")
    log.say("second", "error")
    qtbot.mouseClick(log.copy, Qt.MouseButton.LeftButton)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in lines] == ["first", "error: second"]
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in lines)


def test_the_length_is_limited(log):
    for i in range(LONGEST + 50):
        log.say(str(i))
    assert len(log.entries) == LONGEST
    assert log.view.blockCount() == LONGEST
    assert log.entries[0].text == "50"


def test_the_newest_stays_in_sight_unless_one_reads_above(log, qtbot):
    for i in range(100):
        log.say(f"line {i}")
    bar = log.view.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    log.resize(200, 120)
    qtbot.wait(20)
    assert bar.value() == bar.maximum()
    bar.setValue(3)
    log.say("one more")
    assert bar.value() == 3


def test_long_lines_wrap(log):
    log.say("word " * 200)
    assert log.view.horizontalScrollBar().maximum() == 0


def test_clear(log):
    log.say("x", "warn")
    log.clear()
    assert not log.entries
    assert log.view.toPlainText() == ""
    assert log.header.value == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(8.42, "8.4 s"), (59.7, "1 min 0 s"), (72, "1 min 12 s"), (7_500, "2 h 5 min")],
)
def test_durations(seconds: float, words: str):
    assert duration(seconds) == words
