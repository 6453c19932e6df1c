"""Slow work is done elsewhere, told in the window's thread, and can be given up."""

import threading
import time

import pytest

from app.jobs import Jobs
from assets.errors import InputError

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def jobs():
    jobs = Jobs()
    yield jobs
    jobs.close()


class Outcome:
    def __init__(self):
        self.results, self.problems = [], []

    def start(self, jobs, work, title="Work"):
        return jobs.start(
            title,
            work,
            done=self.results.append,
            failed=lambda sentence, details: self.problems.append((sentence, details)),
        )


def settle(jobs):
    deadline = time.monotonic() + 5
    while jobs._waiting:
        jobs.poll()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_result_arrives_in_the_thread_that_polls(jobs):
    outcome, threads = Outcome(), []
    outcome.start(jobs, lambda _: threads.append(threading.current_thread()) or 42)
    settle(jobs)
    assert outcome.results == [42]
    assert threads[0] is not threading.current_thread()
    assert jobs.current is None


def test_an_input_error_is_a_sentence_and_anything_else_has_its_traceback(jobs):
    outcome = Outcome()

    def refuse(_):
        raise InputError("The file is empty; choose another one")

    outcome.start(jobs, refuse)
    outcome.start(jobs, lambda _: {}["missing"], title="Opening x")
    settle(jobs)
    assert ("The file is empty; choose another one", "") in outcome.problems
    (other,) = (p for p in outcome.problems if p[1])
    assert other[0].startswith("Opening x failed unexpectedly (KeyError")
    assert "Traceback" in other[1]


def test_a_cancelled_job_ends_at_its_next_look_and_tells_nothing(jobs):
    outcome, entered, left = Outcome(), threading.Event(), threading.Event()

    def long(job):
        entered.set()
        try:
            for i in range(10**6):
                job.report(i, 10**6)
                time.sleep(0.001)
        finally:
            left.set()

    job = outcome.start(jobs, long)
    assert entered.wait(5)
    assert jobs.current is job
    job.cancel()
    assert jobs.current is None
    assert left.wait(5)
    settle(jobs)
    assert outcome.results == []
    assert outcome.problems == []


def test_a_result_that_comes_after_cancelling_is_dropped(jobs):
    outcome, gate = Outcome(), threading.Event()
    job = outcome.start(jobs, lambda _: gate.wait(5))
    job.cancel()
    gate.set()
    settle(jobs)
    assert outcome.results == []


def test_progress_can_be_read_while_it_works(jobs):
    outcome, reported, gate = Outcome(), threading.Event(), threading.Event()

    def work(job):
        job.report(3, 7)
        reported.set()
        gate.wait(5)

    job = outcome.start(jobs, work)
    assert reported.wait(5)
    assert job.progress == (3, 7)
    gate.set()
    settle(jobs)


def test_closing_while_a_job_works_leaves_no_thread():
    jobs, outcome = Jobs(), Outcome()

    def forever(job):
        while True:
            job.check()
            time.sleep(0.001)

    before = {t for t in threading.enumerate() if t.name.startswith("job")}
    outcome.start(jobs, forever)
    jobs.close()
    assert {t for t in threading.enumerate() if t.name.startswith("job")} <= before
