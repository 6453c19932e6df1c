"""Views are drawn elsewhere, piece by piece; the newest camera wins, what is stale never shows."""

import threading
import time

import numpy as np
import pytest

from app.exact import LEAST_SHARE, ExactRenderer, RayWish, Wish
from assets.camera import Camera
from engines.engine import RenderedView


def camera(width: int) -> Camera:
    return Camera(width=width, height=4, fx=4.0, fy=4.0, cx=2.0, cy=2.0)


def picture(camera: Camera) -> RenderedView:
    shape = (camera.height, camera.width)
    flat = np.zeros(shape, np.float32)
    return RenderedView(
        camera=camera, image=np.zeros((*shape, 3), np.float32), depth=flat, alpha=flat
    )


class Source:
    """Draws a piece when it may, and remembers whom it was asked for."""

    modes = ("colour",)

    def __init__(self) -> None:
        self.may, self.asked, self.times = threading.Semaphore(0), [], []
        self.closed = 0

    def render(self, camera, budget_ms=None, *, mode="colour"):
        self.asked.append((camera.width, budget_ms, mode))
        assert self.may.acquire(timeout=5)
        if camera.width == 13:
            raise ValueError("an unlucky size")
        self.times.append(time.monotonic())
        return picture(camera)

    def refine(self, camera, *, mode="colour"):
        self.asked.append((camera.width, None, mode))
        try:
            for height in (1, 2, 3, 4):
                assert self.may.acquire(timeout=5)
                time.sleep(0.01)
                self.times.append(time.monotonic())
                yield picture(camera.resized(camera.width, height))
        finally:
            self.closed += 1

    def probe(self, camera, x, y):
        self.asked.append(("ray", x))
        assert self.may.acquire(timeout=5)
        if x == 13:
            raise ValueError("an unlucky pixel")
        return camera.width, x, y


@pytest.fixture
def renderer():
    renderer = ExactRenderer()
    yield renderer
    renderer.close()


@pytest.fixture
def ask(renderer):
    def ask(source, width, budget_ms=None, *, version=1, mode="colour", at_once=False):
        make = source if callable(source) else lambda: source
        renderer.ask(Wish(make, version, camera(width), budget_ms, mode, at_once))

    return ask


def soon(condition):
    deadline = time.monotonic() + 5
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return found


def test_the_newest_camera_wins(renderer, ask):
    source = Source()
    ask(source, 10, 20.0)
    soon(lambda: source.asked)
    for width in (11, 12, 14):
        ask(source, width, 20.0)
    source.may.release(2)
    soon(lambda: not renderer.busy)
    assert [width for width, *_ in source.asked] == [10, 14]
    assert renderer.take().view.camera.width == 14
    assert renderer.take() is None


def test_better_and_better_views_come_one_by_one(renderer, ask):
    source = Source()
    ask(source, 10, mode="depth")
    for height in (1, 2, 3, 4):
        source.may.release()
        drawn = soon(renderer.take)
        assert drawn.pixels == 10 * height
        assert drawn.wish.mode == "depth"
        assert source.asked == [(10, None, "depth")]
    soon(lambda: not renderer.busy)
    assert source.closed == 1


def test_a_newer_wish_closes_what_is_being_refined(renderer, ask):
    source = Source()
    ask(source, 10)
    source.may.release()
    soon(renderer.take)
    ask(source, 11, 20.0)
    source.may.release()  # the piece at hand
    soon(lambda: source.closed == 1)
    source.may.release()
    assert soon(lambda: (found := renderer.take()) and found.view.camera.width == 11)
    soon(lambda: not renderer.busy)
    assert source.asked == [(10, None, "colour"), (11, 20.0, "colour")]


def test_closing_and_forgetting_end_what_is_being_refined(renderer, ask):
    source = Source()
    ask(source, 10)
    soon(lambda: source.asked)
    renderer.forget()
    source.may.release()
    soon(lambda: source.closed == 1)
    assert not renderer.busy
    assert renderer.take() is None
    ask(source, 10)
    soon(lambda: len(source.asked) == 2)
    source.may.release()
    renderer.close()
    assert source.closed == 2


def test_a_source_is_made_once_for_each_state_and_let_go_when_forgotten(renderer, ask):
    made = []

    def make():
        made.append(Source())
        made[-1].may.release(99)
        return made[-1]

    for version in (1, 1, 2, 2, 2, 1):
        ask(make, 8, version=version)
        soon(renderer.take)
        soon(lambda: not renderer.busy)
    assert len(made) == 3
    renderer.forget()
    ask(make, 8, version=1)
    soon(renderer.take)
    assert len(made) == 4


def test_what_was_forgotten_while_it_was_drawn_does_not_arrive(renderer, ask):
    source = Source()
    ask(source, 10, 20.0)
    soon(lambda: source.asked)
    renderer.forget()
    source.may.release()
    soon(lambda: not renderer.busy)
    assert renderer.take() is None


def test_a_view_that_fails_is_told_and_the_next_one_works(renderer, ask):
    source = Source()
    source.may.release(9)
    ask(source, 13, 20.0)
    assert "an unlucky size" in soon(renderer.take_problem)
    assert renderer.take_problem() == ""
    ask(source, 7, 20.0)
    assert soon(renderer.take).view.camera.width == 7


def test_between_pieces_it_rests_for_as_long_as_its_share_says(renderer, ask):
    source = Source()
    source.may.release(99)
    ask(source, 10)
    soon(lambda: not renderer.busy)
    freely = np.diff(source.times)
    source.times.clear()
    renderer.share = 0.1
    ask(source, 11)
    soon(lambda: not renderer.busy)
    assert np.median(np.diff(source.times)) > 4 * np.median(freely)


def test_a_person_who_begins_to_move_does_not_wait_for_a_rest(renderer, ask):
    source = Source()
    renderer.share = 0.0
    assert renderer.share == LEAST_SHARE
    ask(source, 10)
    time.sleep(0.3)
    source.may.release()
    soon(renderer.take)  # from now on it rests, 19 times as long as that took
    began = time.monotonic()
    source.may.release()
    ask(source, 11, 20.0, at_once=True)
    soon(renderer.take)
    assert source.times[-1] - began < 1.0


def test_a_share_that_grows_ends_the_rest(renderer, ask):
    source = Source()
    renderer.share = 0.0
    ask(source, 10)
    time.sleep(0.3)
    source.may.release()
    soon(renderer.take)
    source.may.release(99)
    renderer.share = 1.0
    began = time.monotonic()
    soon(lambda: not renderer.busy)
    assert time.monotonic() - began < 1.0
    assert len(source.times) == 4


def test_closing_before_anything_was_asked():
    ExactRenderer().close()


@pytest.fixture
def ask_ray(renderer):
    def ask_ray(source, x, *, version=1):
        make = source if callable(source) else lambda: source
        renderer.ask_ray(RayWish(make, version, camera(8), float(x), 2.0))

    return ask_ray


def test_the_newest_pixel_wins_and_comes_before_the_view(renderer, ask, ask_ray):
    source = Source()
    ask_ray(source, 1)
    soon(lambda: source.asked)
    ask(source, 9, 20.0)
    ask_ray(source, 3)
    ask_ray(source, 5)
    assert renderer.probing
    source.may.release(3)
    soon(lambda: not renderer.probing and not renderer.busy)
    assert source.asked == [("ray", 1.0), ("ray", 5.0), (9, 20.0, "colour")]
    assert renderer.take_ray() == (8, 5.0, 2.0)
    assert renderer.take_ray() is None
    assert renderer.take().view.camera.width == 9


def test_a_ray_comes_between_two_pieces_of_a_view_which_goes_on(renderer, ask, ask_ray):
    source = Source()
    renderer.share = 0.01
    ask(source, 9)
    soon(lambda: source.asked)
    source.may.release()
    soon(renderer.take)
    ask_ray(source, 4)
    source.may.release()
    assert soon(renderer.take_ray) == (8, 4.0, 2.0)
    renderer.share = 1.0
    source.may.release(9)
    soon(lambda: not renderer.busy)
    assert renderer.take().pixels == 4 * 9
    assert source.asked == [(9, None, "colour"), ("ray", 4.0)]


def test_a_ray_that_was_forgotten_does_not_arrive(renderer, ask_ray):
    source = Source()
    ask_ray(source, 1)
    soon(lambda: source.asked)
    renderer.forget_ray()
    source.may.release()
    soon(lambda: not renderer.probing)
    assert renderer.take_ray() is None


def test_a_ray_that_fails_is_told_and_leaves_views_alone(renderer, ask, ask_ray):
    source = Source()
    source.may.release(9)
    ask_ray(source, 13)
    assert "an unlucky pixel" in soon(renderer.take_ray_problem)
    assert renderer.take_ray_problem() == renderer.take_problem() == ""
    ask(source, 7, 20.0)
    assert soon(renderer.take).view.camera.width == 7


def test_views_and_rays_share_the_source_of_a_state(renderer, ask, ask_ray):
    made = []

    def make():
        made.append(Source())
        made[-1].may.release(99)
        return made[-1]

    for version in (1, 1, 2):
        ask(make, 8, 20.0, version=version)
        soon(renderer.take)
        ask_ray(make, 1, version=version)
        soon(renderer.take_ray)
    assert len(made) == 2
