"""Two runs on the same photos in one window: the same figures as were measured, and both seen."""

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.pair import GAIN, PairSource, difference
from app.questions import Choice
from app.run import State
from renderers.colours import GREEN, RED, error_colours

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
LEFT = Qt.MouseButton.LeftButton


def choose(window, engine: str, steps: int) -> None:
    QTest.mouseClick(window.topbar.engine.button(engine), LEFT)
    window.docks.settings.set_config(type(window.docks.config())(steps=steps))


@pytest.fixture
def two_runs(window, photos, wait):
    """Splats for 20 steps were followed by a field for 10."""
    window.questions.choice = Choice.DISCARD
    choose(window, "splats", 20)
    drop(window, photos)
    wait(lambda: window.bench.run.state is State.FINISHED and window.view.cloud is not None)
    choose(window, "nerf", 10)
    window.topbar.run.click()
    wait(lambda: window.bench.run.state is State.FINISHED and window.view.asked.shown)
    window.docks["compare"].raise_()
    wait(lambda: window.docks.compare.chosen is not None)
    return window


def colour_at(window, share: float) -> tuple[int, ...]:
    picture = window.viewport.grab()
    height, width = picture.shape[:2]
    return tuple(int(v) for v in picture[height // 3, int(share * width), :3])


def test_figures_of_both_runs_and_a_divider_between_their_views(two_runs, wait):
    window, panel = two_runs, two_runs.docks.compare
    assert [panel.first.itemText(i) for i in (0, 1)] == ["NeRF, 10 steps", "Splats, 20 steps"]
    wait(lambda: panel.cells["psnr"][0].text() == "20.00")
    assert panel.cells["psnr"][1].text() == "20.00"
    assert [cell.text() for cell in panel.cells["steps"]] == ["10", "20"]
    assert panel.cells["seconds"][0].property("role") == "better"
    assert panel.cells["seconds"][1].property("role") == "muted"
    QTest.mouseClick(panel.on, LEFT)
    blue, green = (0, 0, 255), (0, 255, 0)
    wait(lambda: colour_at(window, 0.3) == blue and colour_at(window, 0.7) == green)
    native = window.viewport.native
    middle = QPoint(native.width() // 2, native.height() // 3)
    there = QPoint(native.width() // 5, native.height() // 3)
    QTest.mousePress(native, LEFT, pos=middle)
    QTest.mouseMove(native, there)
    QTest.mouseRelease(native, LEFT, pos=there)
    assert colour_at(window, 0.3) == green
    assert colour_at(window, 0.1) == blue
    wait(lambda: panel.cells["render_ms"][0].text() != "–")
    QTest.mouseClick(panel.way.button("difference"), LEFT)
    wait(lambda: colour_at(window, 0.3) == (0, 255, 255) == colour_at(window, 0.1))
    QTest.mouseClick(panel.way.button("photo"), LEFT)
    wait(lambda: window.view.photo_on_show)
    QTest.mouseClick(panel.on, LEFT)
    assert not window.actions_["photo"].isChecked()
    wait(lambda: colour_at(window, 0.7) == blue)


def test_other_photos_clear_what_was_kept(two_runs, new_photos, tmp_path, wait):
    assert len(two_runs.shelf.kept) == 1
    drop(two_runs, new_photos(tmp_path / "others"))
    wait(lambda: two_runs.shelf.kept == ())
    assert two_runs.docks.compare.chosen is None


def test_cameras_take_the_colour_of_their_error(two_runs, wait):
    window = two_runs
    before = [mark.colour for mark in window.view._marks]
    names = [mark.name for mark in window.view._marks]
    window.docks.photos.set_errors({names[0]: 30.0, names[1]: 10.0})
    QTest.mouseClick(window.docks.photos.colour, LEFT)
    colours = [mark.colour for mark in window.view._marks]
    assert np.allclose(colours[0], GREEN)
    assert np.allclose(colours[1], RED)
    QTest.mouseClick(window.docks.photos.colour, LEFT)
    assert [mark.colour for mark in window.view._marks] == before


def test_difference_and_its_decibels():
    first, second = np.zeros((2, 3, 3), np.float32), np.full((2, 3, 3), 0.1, np.float32)
    shown, psnr = difference(first, second)
    assert np.allclose(shown, 0.1 * GAIN)
    assert psnr == pytest.approx(20.0, abs=1e-4)
    assert difference(first, first)[1] == np.inf
    assert error_colours({"one": float("nan")})["one"] == pytest.approx(GREEN)
    with pytest.raises(ValueError, match="expected one of sides"):
        next(PairSource(None, None).refine(None, mode="colour"))
