"""The log: what happened in the order it happened, readable, copied and limited."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication

from app import theme
from app.panels.log import LONGEST, LogPanel, duration
from engines.doctor.finding import Diagnosis, Finding
from engines.events import (
    Adjusted,
    Diagnosed,
    Evaluated,
    Failed,
    FeaturesFound,
    Finished,
    Marked,
    PairsMatched,
    Posed,
    Prepared,
    Refined,
    Registered,
    Stepped,
    Told,
    Warned,
)


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
    log.say("/a/path/without/any/room/to/break/" * 20)
    assert log.view.horizontalScrollBar().maximum() == 0
    assert not log.view.horizontalScrollBar().isVisible()


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


def features(done: int, total: int = 3) -> FeaturesFound:
    return FeaturesFound(photo=f"{done}.jpg", count=1000 * done, done=done, total=total)


def pairs(done: int, connected: int, total: int = 1225) -> PairsMatched:
    return PairsMatched(done=done, total=total, connected=connected)


def placed(registered: int, total: int = 50) -> Registered:
    return Registered(photo="a", registered=registered, total=total, points=100 * registered)


def texts(log: LogPanel) -> list[str]:
    return [entry.text for entry in log.entries]


def test_finding_cameras_is_told_once_a_phase(log):
    posed = Posed(registered=48, total=50, points=10_832, error_px=0.612, models=(48,))
    for event in (
        Diagnosed(stage="photos", grade="B", findings=("Dark.",)),
        *(features(i + 1) for i in range(3)),
        *(pairs(i, i // 2) for i in range(1, 1226)),
        Told(message="Two photos were turned upright"),
        *(placed(i + 2) for i in range(47)),
        Adjusted(registered=48, points=10_832, error_px=0.612),
        posed,
        Finished(step=48, seconds=34.2, reason="48 of 50 photos have a place"),
    ):
        log.add(event)
    assert texts(log) == [
        "Looked for features in 3 photos: 2,000 in a typical one",
        "Compared photos: 612 of 1,225 pairs see the same things",
        "Two photos were turned upright",
        "48 of 50 photos have a place, 10,832 points, 0.6 px",
        "Finished after 34 s: 48 of 50 photos have a place",
    ]
    levels = [entry.level for entry in log.entries]
    assert levels == ["info", "info", "info", "info", "good"]


def test_each_finding_is_a_short_line_with_a_level_of_its_own(log):
    levels = ("bad", "warn", "note", "good")
    findings = tuple(
        Finding(kind="x", level=level, title=f"{level} title", words="A wall.", advice="Go.")
        for level in levels
    )
    log.show_diagnosis(Diagnosis(stage="photos", grade="C", findings=findings))
    assert texts(log) == [
        "The doctor on the photos: C: doubtful photos",
        *(f"{level} title" for level in levels),
    ]
    assert [entry.level for entry in log.entries] == ["warn", "error", "warn", "info", "good"]
    assert colour_of(log, "bad title") != colour_of(log, "note title")


def test_grades_and_results_have_levels(log):
    for grade in ("A", "B", "C", "D"):
        log.show_diagnosis(Diagnosis(stage="poses", grade=grade, findings=()))
    assert texts(log)[0].startswith("The doctor on the cameras: A: ")
    for registered in (49, 50):
        log.add(Posed(registered=registered, total=50, points=9, error_px=0.5, models=(50,)))
    levels = [entry.level for entry in log.entries]
    assert levels == ["good", "info", "warn", "error", "info", "good"]


def test_groups_that_do_not_hold_together_are_counted(log):
    log.add(Posed(registered=30, total=50, points=9, error_px=0.5, models=(30, 12, 5)))
    assert texts(log) == [
        "30 of 50 photos have a place, 9 points, 0.5 px; "
        "3 groups of 30, 12 and 5 photos, the largest is used"
    ]


def test_an_attempt_that_failed_is_told_when_the_next_begins(log):
    for event in (placed(2), placed(11), placed(2), placed(44)):
        log.add(event)
    assert texts(log) == ["Placed 11 of 50 photos, 1,100 points"]
    log.add(Failed(step=44, message="It broke"))
    assert texts(log)[1:] == ["Placed 44 of 50 photos, 4,400 points", "It broke"]


def test_more_pairs_after_the_first_are_told_as_well(log):
    for event in (pairs(200, 9, 200), pairs(1, 1, 40), pairs(30, 2, 40), placed(2)):
        log.add(event)
    assert texts(log) == [
        "Compared photos: 9 of 200 pairs see the same things",
        "Compared photos: 2 of 30 pairs see the same things",
    ]


def test_what_a_stopped_run_was_at_is_not_told_by_the_next(log):
    for event in (features(1), Diagnosed(stage="photos", grade="A", findings=("x",)), pairs(1, 1)):
        log.add(event)
    assert [text for text in texts(log) if "features" in text] == []
    log.clear()
    log.add(placed(2))
    assert texts(log) == []
