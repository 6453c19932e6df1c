"""Views that are asked for: coarse in motion, better at rest, and never worse without a reason."""

import threading
import time
from typing import ClassVar

import numpy as np
import pytest

from app import asked
from app.asked import MOVING_BUDGET_MS, AskedView, Exactly
from assets.camera import Camera
from engines.engine import RenderedView


class Stage:
    """What the asked view needs of a viewport, and what it was given to show."""

    def __init__(self) -> None:
        self.camera = Camera(width=64, height=32, fx=50.0, fy=50.0, cx=32.0, cy=16.0)
        self.widths: list[int] = []
        self.gaussians_gone = 0

    def turn(self) -> None:
        pose = self.camera.camera_to_world.copy()
        pose[0, 3] += 1.0
        self.camera = self.camera.moved(pose)

    def show_rendered(self, image, depth=None, camera=None, *, alpha=None) -> None:
        self.widths.append(0 if image is None else depth.shape[1])

    def show_beside(self, image) -> None:
        assert image is None, "nothing is compared here"

    def show_gaussians(self, cloud) -> None:
        assert cloud is None
        self.gaussians_gone += 1


class Source:
    """Finer and finer views, each when it may."""

    modes = ("colour", "depth")
    made: ClassVar[list["Source"]] = []
    """Those of the test at hand."""

    def __init__(self) -> None:
        self.may, self.budgets = threading.Semaphore(0), []
        self.made.append(self)

    def render(self, camera, budget_ms=None, *, mode="colour"):
        self.budgets.append(budget_ms)
        assert self.may.acquire(timeout=5)
        return picture(camera, 16)

    def refine(self, camera, *, mode="colour"):
        for width, whole in ((8, True), (16, True), (32, True), (64, False), (64, True)):
            assert self.may.acquire(timeout=5)
            yield picture(camera, width, whole)


def picture(camera, width, whole=True) -> RenderedView:
    camera = camera.resized(width, width // 2)
    flat = np.ones((width // 2, width), np.float32)
    return RenderedView(
        camera=camera, image=np.dstack([flat] * 3), depth=flat, alpha=flat, whole=whole
    )


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def view(stage):
    view = AskedView(stage)
    yield view
    for source in Source.made:
        source.may.release(8)  # who still waits to draw may end
    Source.made.clear()
    view.close()


def state(pieces: int = 0) -> tuple[Source, Exactly]:
    """A new state of which so many pieces may be drawn at once."""
    source = Source()
    for _ in range(pieces):
        source.may.release()
    return source, Exactly(lambda: source, object())


def follow(view, still_s, condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert view.follow(still_s) == ""
        assert time.monotonic() < deadline
        time.sleep(0.002)


def rest(view, seconds=0.1):
    end = time.monotonic() + seconds
    follow(view, 1.0, lambda: time.monotonic() > end)


def test_at_rest_every_better_view_is_shown(view, stage):
    source, exactly = state()
    view.show(exactly)
    for n in (1, 2, 3, 4, 5):
        assert view.unfinished or n == 1
        source.may.release()
        follow(view, 1.0, lambda n=n: len(stage.widths) == n)
    follow(view, 1.0, lambda: not view.unfinished)
    assert stage.widths == [8, 16, 32, 64, 64]
    assert stage.gaussians_gone == 1


def test_in_motion_views_are_coarse_and_follow_the_camera(view, stage):
    source, exactly = state(5)
    view.show(exactly)
    follow(view, 1.0, lambda: stage.widths[-1:] == [64])
    source.may.release(99)
    for n in (1, 2, 3):
        stage.turn()
        follow(view, 0.0, lambda n=n: len(source.budgets) == n)
        follow(view, 0.0, lambda: not view.unfinished)
    assert source.budgets == [MOVING_BUDGET_MS] * 3
    assert stage.widths[-1] == 16
    follow(view, 1.0, lambda: stage.widths[-1] == 64)


def test_a_newer_state_waits_until_it_is_as_sharp(view, stage):
    _, old = state(5)
    view.show(old)
    follow(view, 1.0, lambda: not view.unfinished and stage.widths[-1:] == [64])
    source, new = state(4)
    so_far = len(stage.widths)
    view.show(new)
    rest(view)
    assert stage.widths[so_far:] == [], "the sharper old one is still on show"
    assert not view.wants_newer
    source.may.release()
    follow(view, 1.0, lambda: stage.widths[so_far:] == [64])


def test_a_newer_state_is_shown_after_a_while_even_if_it_is_coarser(view, stage, monkeypatch):
    _, old = state(5)
    view.show(old)
    follow(view, 1.0, lambda: stage.widths[-1:] == [64])
    monkeypatch.setattr(asked, "STALE_S", 0.05)
    new_source, new = state(1)
    view.show(new)
    rest(view, 0.15)
    new_source.may.release()
    follow(view, 1.0, lambda: stage.widths[-1] == 16)


def test_another_mode_or_place_is_shown_at_once(view, stage):
    source, exactly = state(5)
    view.show(exactly)
    follow(view, 1.0, lambda: stage.widths[-1:] == [64])
    view.mode = "depth"
    source.may.release()
    follow(view, 1.0, lambda: stage.widths[-1] == 8)
    so_far = len(stage.widths)
    stage.turn()
    view.follow(1.0)
    source.may.release(2)  # the piece at hand, then the first from the new place
    follow(view, 1.0, lambda: stage.widths[so_far:] and stage.widths[-1] == 8)
    source.may.release()


def test_a_newer_state_is_wanted_once_the_one_at_hand_was_looked_at(view, stage, monkeypatch):
    monkeypatch.setattr(asked, "LOOK_S", 0.05)
    assert view.wants_newer
    source, exactly = state()
    view.show(exactly)
    follow(view, 1.0, lambda: view.unfinished)
    rest(view)
    assert not view.wants_newer, "nobody has seen it yet"
    source.may.release()
    follow(view, 1.0, lambda: view.wants_newer)
    source.may.release(4)
    follow(view, 1.0, lambda: not view.unfinished)
    assert view.wants_newer


def test_showing_none_takes_the_picture_away(view, stage):
    _, exactly = state(5)
    view.show(exactly)
    follow(view, 1.0, lambda: stage.widths[-1:] == [64])
    view.show(None)
    assert stage.widths[-1] == 0
    assert not view.shown
    rest(view, 0.05)
    assert stage.widths[-1] == 0
