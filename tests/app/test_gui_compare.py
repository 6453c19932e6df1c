"""Two runs on the same photos in one window: the same figures as were measured, and both seen."""

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.pair import PairSource
from app.pairview import GAIN, PairView, difference, joined
from app.photosource import PhotoSource
from app.questions import Choice
from app.run import State
from assets.camera import Camera
from assets.posed import View
from engines.artifacts import FieldRay, SplatRay
from engines.engine import RenderedView
from renderers.colours import GREEN, RED, error_colours
from renderers.projection import letterboxed

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
    QTest.mouseClick(panel.on, LEFT)
    wait(lambda: colour_at(window, 0.7) == blue)


def test_a_run_is_compared_with_the_photo_it_is_seen_from(two_runs, wait):
    window, panel = two_runs, two_runs.docks.compare
    window.actions_["cameras"].setChecked(False)
    QTest.mouseClick(panel.on, LEFT)
    window.view.look_through(4)
    wait(lambda: not window.viewport._navigator.moving)
    QTest.mouseClick(panel.pair.button("first"), LEFT)
    wait(lambda: colour_at(window, 0.4) == (0, 0, 255) and colour_at(window, 0.6) == (120,) * 3)
    wait(lambda: "A is left of the line, the photo right" in panel.said.text())
    share = 120 / 255
    decibels = -10 * np.log10((2 * share**2 + (1 - share) ** 2) / 3)
    wait(lambda: f"{decibels:.1f} dB apart" in panel.said.text())
    QTest.mouseClick(panel.way.button("difference"), LEFT)
    wait(lambda: colour_at(window, 0.5) == (255, 255, 255))
    QTest.mouseClick(panel.pair.button("second"), LEFT)
    wait(lambda: panel.said.text().startswith("|B − the photo| times 4"))
    assert not window.actions_["mode_depth"].isEnabled()
    assert "nothing but colour" in window.overlays.button("depth").toolTip()
    window.viewport.orbit(60, 0)
    wait(lambda: "has left the photo" in panel.said.text())


def test_modes_are_compared_where_both_have_them_and_barred_with_a_reason(two_runs, wait):
    window, panel = two_runs, two_runs.docks.compare
    window.actions_["mode_normals"].trigger()
    wait(lambda: colour_at(window, 0.3) == (0, 255, 255))
    QTest.mouseClick(panel.on, LEFT)
    assert window.view.mode == "colour"
    button = window.overlays.button("normals")
    assert not button.isEnabled()
    assert "both" in button.toolTip()
    QTest.mouseClick(window.overlays.button("depth"), LEFT)
    # Both are flat, at a distance of 2: half as bright as what is at the eye.
    grey = (128,) * 3
    wait(lambda: colour_at(window, 0.3) == grey == colour_at(window, 0.7))
    QTest.mouseClick(panel.on, LEFT)
    assert button.isEnabled()
    assert "face" in button.toolTip()
    wait(lambda: colour_at(window, 0.3) == (255, 0, 0))


def test_a_click_looks_into_the_run_on_whose_side_it_is(two_runs, wait):
    window, panel, ray = two_runs, two_runs.docks.compare, two_runs.docks.ray
    window.actions_["cameras"].setChecked(False)
    QTest.mouseClick(panel.on, LEFT)
    wait(lambda: isinstance(window.view.asked.view, PairView))
    native = window.viewport.native

    def click(share: float) -> None:
        at = QPoint(int(share * native.width()), native.height() // 2)
        QTest.mouseClick(native, LEFT, pos=at)

    click(0.25)
    wait(lambda: isinstance(ray.ray, FieldRay))
    assert ray.header.value.startswith("A:")
    click(0.75)
    wait(lambda: isinstance(ray.ray, SplatRay))
    assert ray.header.value.startswith("B:")
    QTest.mouseClick(panel.way.button("difference"), LEFT)
    click(0.75)
    wait(lambda: isinstance(ray.ray, FieldRay))


def grey(camera, whole=True):
    flat = np.full((camera.height, camera.width), 0.5, np.float32)
    return RenderedView(
        camera=camera, image=np.dstack([flat] * 3), depth=flat, alpha=flat, whole=whole
    )


class Piecewise:
    """A coarse view that takes 1 s, then the full one in three pieces of 20 ms each."""

    modes = ("colour",)

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def refine(self, camera, *, mode="colour"):
        self.now += 1.0
        yield grey(camera.resized(camera.width // 2, camera.height // 2))
        for whole in (False, False, True):
            self.now += 0.02
            yield grey(camera, whole)


def test_the_time_of_a_view_is_that_of_all_its_pieces(monkeypatch):
    camera = Camera(width=8, height=6, fx=8.0, fy=8.0, cx=4.0, cy=3.0)
    source = Piecewise()
    monkeypatch.setattr("app.pair.time", source)
    views = list(PairSource(source, Piecewise(), modes=("colour",)).refine(camera))
    assert [view.whole for view in views] == [True, False, False, True]
    assert [view.pixels for view in views] == [12, 48, 48, 48]
    assert np.isnan([view.first_ms for view in views[:-1]]).all()
    assert np.isnan(views[0].psnr)
    assert views[-1].psnr == np.inf
    assert views[-1].first_ms == pytest.approx(60)
    assert views[-1].second_ms == pytest.approx(0)


def test_what_is_compared_with_a_photo_is_laid_over_what_lies_behind():
    """Half of the light is stopped by grey, and white lies behind: as bright as this photo."""
    camera = Camera(width=8, height=6, fx=8.0, fy=8.0, cx=4.0, cy=3.0)
    flat = np.full((6, 8), 0.5, np.float32)
    run = RenderedView(camera=camera, image=np.dstack([flat * 0.5] * 3), depth=flat, alpha=flat)
    solid = np.ones_like(flat)
    bright = np.dstack([0.75 * solid] * 3)
    photo = RenderedView(camera=camera, image=bright, depth=solid, alpha=solid)
    seen = joined(camera, (run, photo), behind=np.ones(3))
    assert seen.psnr == np.inf
    assert np.array_equal(seen.left.image, seen.image)
    assert seen.left.alpha.all()
    assert np.array_equal(seen.depth, flat), "as far away as the run has it"
    assert joined(camera, (run, photo), behind=np.zeros(3)).psnr == pytest.approx(6.0206, abs=1e-3)


class Noise:
    """A photo without two pixels alike."""

    width, height = 32, 24

    def load(self, width: int, height: int) -> np.ndarray:
        assert (width, height) == (32, 24)
        return np.random.default_rng(0).random((24, 32, 3), np.float32)


def test_a_photo_lies_exactly_over_the_view_of_its_camera():
    camera = Camera(width=32, height=24, fx=30.0, fy=30.0, cx=16.0, cy=12.0)
    view = View("noise.png", Noise(), camera)
    pixels = view.photo.load(32, 24)
    full = PhotoSource(view).render(camera)
    assert full.image == pytest.approx(pixels, abs=1e-6)
    assert full.alpha.all()
    wide = PhotoSource(view).render(letterboxed(camera, 96, 48))
    assert wide.alpha.sum() == 64 * 48
    assert wide.alpha[:, 16:80].all()
    # Four pixels of the screen about a corner of the photo's pixels are their mean.
    blocks = wide.image[1:-1, 17:79].reshape(23, 2, 31, 2, 3).mean(axis=(1, 3))
    corners = pixels[:-1, :-1] + pixels[:-1, 1:] + pixels[1:, :-1] + pixels[1:, 1:]
    assert blocks == pytest.approx(corners / 4, abs=1e-5)
    moved = camera.camera_to_world.copy()
    moved[0, 3] += 0.01
    assert not PhotoSource(view).render(camera.moved(moved)).alpha.any()


def test_other_photos_clear_what_was_kept(two_runs, new_photos, tmp_path, wait):
    assert len(two_runs.shelf.kept) == 1
    drop(two_runs, new_photos(tmp_path / "others"))
    wait(lambda: two_runs.shelf.kept == ())
    assert two_runs.docks.compare.chosen is None


def test_cameras_take_the_colour_of_their_error(two_runs, wait):
    window = two_runs
    before = [mark.colour for mark in window.view.marks.all]
    names = [mark.name for mark in window.view.marks.all]
    window.docks.photos.set_errors({names[0]: 30.0, names[1]: 10.0})
    QTest.mouseClick(window.docks.photos.colour, LEFT)
    colours = [mark.colour for mark in window.view.marks.all]
    assert np.allclose(colours[0], GREEN)
    assert np.allclose(colours[1], RED)
    QTest.mouseClick(window.docks.photos.colour, LEFT)
    assert [mark.colour for mark in window.view.marks.all] == before


def test_difference_and_its_decibels():
    first, second = np.zeros((2, 3, 3), np.float32), np.full((2, 3, 3), 0.1, np.float32)
    everywhere = np.ones((2, 3), bool)
    shown, psnr = difference(first, second, everywhere)
    assert np.allclose(shown, 0.1 * GAIN)
    assert psnr == pytest.approx(20.0, abs=1e-4)
    assert difference(first, first, everywhere)[1] == np.inf
    half = everywhere.copy()
    half[0] = False
    second[0] = 1.0
    shown, psnr = difference(first, second, half)
    assert psnr == pytest.approx(20.0, abs=1e-4)
    assert not shown[0].any()
    assert np.isnan(difference(first, second, ~everywhere)[1])
    assert error_colours({"one": float("nan")})["one"] == pytest.approx(GREEN)
    with pytest.raises(ValueError, match="expected one of colour"):
        next(PairSource(None, None, modes=("colour",)).refine(None, mode="slice"))
