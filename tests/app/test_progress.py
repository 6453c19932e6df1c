"""Rates and times left, against a clock that the test turns."""

import pytest

from app.progress import Progress, duration
from engines.events import Prepared, Stepped


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock) -> Progress:
    return Progress(clock)


def train(progress, clock, first, last, pause_s):
    for step in range(first, last + 1):
        clock.now += pause_s
        progress.add(Stepped(step=step, seconds=0.1 * step, step_ms=100.0))


def test_rate_is_that_of_the_last_seconds(progress, clock):
    train(progress, clock, 1, 100, 0.01)
    train(progress, clock, 101, 200, 0.1)
    assert progress.rate == pytest.approx(10.0, rel=0.05)


def test_a_pause_for_samples_does_not_make_the_time_left_jump(progress, clock):
    train(progress, clock, 1, 1_000, 0.05)
    assert progress.left(2_000, 0.0) == pytest.approx(50.0, rel=0.05)
    clock.now += 6.0  # samples are drawn
    train(progress, clock, 1_001, 1_001, 0.05)
    assert progress.rate < 1.0
    assert progress.left(2_000, 0.0) == pytest.approx(50.0, rel=0.15)
    train(progress, clock, 1_002, 3_000, 0.2)
    assert progress.left(3_300, 0.0) == pytest.approx(60.0, rel=0.05), "older steps do not count"


def test_one_step_tells_no_rate(progress, clock):
    train(progress, clock, 1, 1, 0.1)
    assert progress.rate is None
    assert progress.left(100, 0.0) is None


def test_a_pause_does_not_count(progress, clock):
    train(progress, clock, 1, 10, 0.1)
    progress.hold()
    clock.now += 1000
    train(progress, clock, 11, 20, 0.1)
    assert progress.rate == pytest.approx(10.0, rel=0.05)


def test_a_time_limit_that_comes_first_rules(progress, clock):
    train(progress, clock, 1, 50, 0.1)
    assert progress.left(10_000, 6.0) == pytest.approx(1.0)
    assert progress.share(10_000, 6.0) == pytest.approx(5.0 / 6.0)
    assert progress.share(100, 0.0) == pytest.approx(0.5)


def test_preparation_has_its_own_share(progress):
    progress.add(Prepared(phase="Reading photos", done=3, total=12))
    assert progress.phase == "Reading photos"
    assert progress.share(3000, 0.0) == pytest.approx(0.25)
    progress.add(Stepped(step=1, seconds=0.1, step_ms=100))
    assert progress.phase == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (72, "1 min 12 s"),
        (599, "9 min 59 s"),
        (1_485, "25 min"),
        (3_590, "1 h 0 min"),
        (7_500, "2 h 5 min"),
    ],
)
def test_durations_read_well(seconds, words):
    assert duration(seconds) == words
