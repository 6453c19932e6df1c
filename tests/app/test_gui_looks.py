"""Sliders over the view of a real field: its light and its slice are those of the engine."""

import dataclasses

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.enginekinds import KINDS, load_machine
from app.looks import Light, Looks, Plane
from tests.cli_photos import write_photos

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(make_window, tmp_path, wait):
    """A field with appearance codes that has learnt for some steps and holds."""
    window = make_window(kinds=KINDS, load=load_machine, size=(900, 640), ready=False)
    wait(lambda: window.bench.machine is not None, 120)
    QTest.mouseClick(window.topbar.engine.button("nerf"), LEFT)
    config = dataclasses.replace(
        window.docks.config(),
        steps=400,
        samples=2048,
        table_size=10,
        holdout=0,
        downscale=1,
        appearance=3,
        seed=4,
    )
    window.docks.settings.set_config(config)
    window.actions_["cameras"].setChecked(False)
    drop(window, write_photos(tmp_path / "blobs"))
    run = window.bench.run
    wait(lambda: run.step >= 12, 240)
    run.pause()
    wait(lambda: not window.bench.jobs._waiting and settled(window), 240)
    return window


def settled(window) -> bool:
    """The view that is wished for is on show in full."""
    asked = window.view.asked
    view = asked.view
    whole = view is not None and view.whole and view.depth.shape[1] == asked.camera.width
    return whole and not asked.unfinished and asked._shown.wish.look == window.view.looks


def test_the_light_of_photos_is_blended_and_the_ray_has_it_too(window, wait):
    bar, view, source = window.overlays.light, window.view, window.view.subject.source
    assert bar.isVisible()
    assert bar.photos == source.photos
    plain, camera = view.asked.view.image, view.asked.camera
    bar.slider.setFocus()
    QTest.keyClick(bar.slider, Qt.Key.Key_End)
    first = source.photos[0]
    assert view.looks.light == Light(None, first, 1.0)
    wait(lambda: settled(window), 240)
    lit = source.lit_as(first)
    *_, best = lit.refine(camera)
    assert view.asked.view.image == pytest.approx(best.image, abs=1e-6)
    assert np.abs(view.asked.view.image - plain).max() > 1e-3
    native = window.viewport.native
    QTest.mouseClick(native, LEFT, pos=QPoint(native.width() // 2, native.height() // 2))
    wait(lambda: window.docks.ray.ray is not None, 60)
    ray = window.docks.ray.ray
    assert ray.colour == pytest.approx(lit.probe(view.drawn_camera, *ray.pixel).colour, abs=1e-6)
    assert ray.colour != pytest.approx(source.probe(view.drawn_camera, *ray.pixel).colour, abs=1e-6)
    QTest.keyClick(bar.slider, Qt.Key.Key_Home)
    assert view.looks == Looks()
    wait(lambda: settled(window), 240)
    assert view.asked.view.image == pytest.approx(plain, abs=1e-5)


def test_the_slice_is_moved_along_an_axis_and_says_where_it_is(window, wait):
    slicer, view, source = window.overlays.slicer, window.view, window.view.subject.source
    assert not slicer.isVisible()
    QTest.mouseClick(window.overlays.button("slice"), LEFT)
    assert slicer.isVisible()
    QTest.mouseClick(slicer.axis.button("1"), LEFT)
    slicer.slider.setFocus()
    for _ in range(2):
        QTest.keyClick(slicer.slider, Qt.Key.Key_PageDown)
    assert view.looks.plane == Plane(1, 0.3)
    low, high = source.box[:, 1]
    said = float(slicer.place.text().removeprefix("y = ").replace("\N{MINUS SIGN}", "-"))
    assert said == pytest.approx(low + 0.3 * (high - low), rel=5e-3)
    wait(lambda: settled(window) and view.asked._shown.wish.mode == "slice", 240)
    shown, camera = view.asked.view, view.asked.camera
    rows, columns = np.nonzero(shown.alpha)
    assert len(rows) > 500
    local = np.stack(
        [(columns + 0.5 - camera.cx) / camera.fx, (rows + 0.5 - camera.cy) / camera.fy], axis=1
    )
    points = np.column_stack([local, np.ones(len(local))]) * shown.depth[rows, columns][:, None]
    pose = camera.camera_to_world
    places = points @ pose[:3, :3].T + pose[:3, 3]
    assert places[:, 1] == pytest.approx(low + 0.3 * (high - low), abs=1e-3 * (high - low))
    QTest.mouseClick(window.overlays.button("colour"), LEFT)
    assert not slicer.isVisible()


def test_what_a_source_cannot_do_is_left_out():
    class Plain:
        modes = ("colour",)

    plain = Plain()
    assert Looks(light=Light("a.png"), plane=Plane(0, 0.1)).of(plain) is plain
