"""Exact views are drawn elsewhere, the newest camera wins, and what is stale is never shown."""

import threading
import time

import numpy as np
import pytest

from app.exact import ExactRenderer
from assets.camera import Camera
from engines.engine import RenderedView


def camera(width: int) -> Camera:
    return Camera(width=width, height=4, fx=4.0, fy=4.0, cx=2.0, cy=2.0)


class Source:
    """Renders when it may, and remembers whom it was asked for."""

    def __init__(self) -> None:
        self.may, self.asked = threading.Semaphore(0), []

    def render(self, camera, budget_ms=None):
        self.asked.append((camera.width, budget_ms))
        assert self.may.acquire(timeout=5)
        if camera.width == 13:
            raise ValueError("an unlucky size")
        shape = (camera.height, camera.width)
        flat = np.zeros(shape, np.float32)
        return RenderedView(
            camera=camera, image=np.zeros((*shape, 3), np.float32), depth=flat, alpha=flat
        )


@pytest.fixture
def renderer():
    renderer = ExactRenderer()
    yield renderer
    renderer.close()


def soon(condition):
    deadline = time.monotonic() + 5
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return found


def test_the_newest_camera_wins(renderer):
    source = Source()
    renderer.ask(lambda: source, 1, camera(10), 20.0)
    soon(lambda: source.asked)
    for width in (11, 12, 14):
        renderer.ask(lambda: source, 1, camera(width), None)
    source.may.release(2)
    soon(lambda: not renderer.busy)
    assert source.asked == [(10, 20.0), (14, None)]
    assert renderer.take().camera.width == 14
    assert renderer.take() is None


def test_a_source_is_made_once_for_each_state(renderer):
    made = []

    def make():
        made.append(Source())
        made[-1].may.release(99)
        return made[-1]

    for version in (1, 1, 2, 2, 2, 1):
        renderer.ask(make, version, camera(8), None)
        soon(renderer.take)
    assert len(made) == 3


def test_what_was_forgotten_while_it_was_drawn_does_not_arrive(renderer):
    source = Source()
    renderer.ask(lambda: source, 1, camera(10), None)
    soon(lambda: source.asked)
    renderer.forget()
    source.may.release()
    soon(lambda: not renderer.busy)
    assert renderer.take() is None


def test_a_view_that_fails_is_told_and_the_next_one_works(renderer):
    source = Source()
    source.may.release(9)
    renderer.ask(lambda: source, 1, camera(13), None)
    assert "an unlucky size" in soon(renderer.take_problem)
    assert renderer.take_problem() == ""
    renderer.ask(lambda: source, 1, camera(7), None)
    assert soon(renderer.take).camera.width == 7


def test_closing_before_anything_was_asked():
    ExactRenderer().close()
