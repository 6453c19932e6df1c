"""The newest wish is worked on, the overtaken ones are not, and no thread stays behind."""

import threading
import time

import pytest

from renderers.worker import LatestWins


def wait_for(condition, timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_overtaken_wishes_are_never_worked_on() -> None:
    started, go, done = threading.Event(), threading.Event(), []

    def work(wish: int) -> int:
        started.set()
        assert go.wait(5.0)
        done.append(wish)
        return 10 * wish

    worker = LatestWins(work, name="test worker")
    worker.ask(1)
    assert started.wait(5.0)
    for wish in range(2, 50):
        worker.ask(wish)
    assert not worker.idle
    assert worker.take() is None
    go.set()
    assert worker.wait(5.0)
    assert done == [1, 49]
    assert worker.take() == 490
    assert worker.take() is None
    worker.close()


def test_only_the_newest_result_is_taken() -> None:
    worker = LatestWins(lambda wish: wish, name="test worker")
    for wish in (1, 2):
        worker.ask(wish)
        assert worker.wait(5.0)
    assert worker.take() == 2
    worker.close()


def test_asking_from_many_threads_ends_with_a_result() -> None:
    worker = LatestWins(lambda wish: wish, name="test worker")
    threads = [
        threading.Thread(target=lambda: [worker.ask(i) for i in range(300)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.wait(5.0)
    assert worker.take() == 299
    worker.close()


def test_an_error_reaches_whoever_takes_and_work_goes_on() -> None:
    def work(wish: int) -> float:
        return 1 / wish

    worker = LatestWins(work, name="test worker")
    worker.ask(0)
    assert worker.wait(5.0)
    with pytest.raises(ZeroDivisionError):
        worker.take()
    worker.ask(4)
    assert worker.wait(5.0)
    assert worker.take() == 0.25
    worker.close()


def test_closing_ends_the_thread_even_in_the_middle_of_work() -> None:
    before = threading.active_count()
    worker = LatestWins(lambda wish: time.sleep(0.05), name="test worker")
    worker.ask(1)
    wait_for(lambda: threading.active_count() == before + 1)
    worker.ask(2)
    worker.close()
    assert threading.active_count() == before
    worker.close()
    worker.ask(3)
    assert threading.active_count() == before
    assert worker.take() is None
