"""The viewport in a person's hands: real drags, wheels, keys and clicks."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from viewport_pictures import UP, is_plain, marks_around, screen

from assets.gaussians import GaussianCloud

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
Maker = Callable[..., GaussianCloud]


def test_a_left_drag_orbits_and_the_app_hears_of_it(viewport, settle, make_cloud, qtbot) -> None:
    from PySide6.QtCore import QPoint, Qt

    viewport.show_gaussians(make_cloud(200))
    viewport.reset_view(animate=False)
    settle()
    before, heard = viewport.camera, []
    viewport.camera_changed.connect(lambda: heard.append(1))
    qtbot.mousePress(viewport.native, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    for x in range(105, 160, 5):
        time.sleep(0.011)  # vispy takes one move in 10 ms
        qtbot.mouseMove(viewport.native, QPoint(x, 100))
    assert not heard
    viewport.tick(1 / 30)
    assert heard == [1]
    qtbot.mouseRelease(viewport.native, Qt.MouseButton.LeftButton, pos=QPoint(160, 100))
    turned = np.degrees(np.arccos(before.forward @ viewport.camera.forward))
    assert 10 < turned < 60
    pivot = before.centre + 3.0 * before.forward
    assert np.linalg.norm(viewport.camera.centre - pivot) > 0
    settle()


def test_wheel_and_shift_drag(viewport, settle, make_cloud: Maker, qtbot, qapp) -> None:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from vispy.util.keys import SHIFT

    viewport.show_gaussians(make_cloud(200))
    viewport.reset_view(animate=False)
    settle()
    before = viewport.camera
    event = QWheelEvent(
        QPointF(50, 60),
        QPointF(viewport.native.mapToGlobal(QPoint(50, 60))),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    qapp.sendEvent(viewport.native, event)
    moved = viewport.camera.centre - before.centre
    assert moved @ before.forward > 0
    assert np.array_equal(viewport.camera.forward, before.forward)

    before = viewport.camera
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mousePress(viewport.native, Qt.MouseButton.LeftButton, shift, QPoint(100, 100))
    viewport._canvas.events.mouse_move(
        pos=(140, 100), button=1, buttons=[1], modifiers=(SHIFT,), native=None
    )
    qtbot.mouseRelease(viewport.native, Qt.MouseButton.LeftButton, shift, QPoint(140, 100))
    assert np.array_equal(viewport.camera.forward, before.forward)
    settle()


def test_pinching_zooms_to_the_fingers(viewport, settle, make_cloud: Maker) -> None:
    viewport.show_gaussians(make_cloud(200))
    viewport.reset_view(animate=False)
    before = viewport.camera
    viewport._canvas.events.touch(type="gesture_zoom", pos=(80, 60), scale=0.1, modifiers=())
    moved = viewport.camera.centre - before.centre
    assert moved @ before.forward > 0
    assert moved @ before.camera_to_world[:3, 0] < 0
    settle()


def test_flying_with_real_keys(viewport, settle, make_cloud: Maker, qtbot) -> None:
    from PySide6.QtCore import Qt

    viewport.show_gaussians(make_cloud(200))
    viewport.reset_view(animate=False)
    settle()
    before = viewport.camera
    qtbot.keyPress(viewport.native, Qt.Key.Key_W)
    for _ in range(15):
        viewport.tick(1 / 30)
    assert viewport.busy
    qtbot.keyRelease(viewport.native, Qt.Key.Key_W)
    assert (viewport.camera.centre - before.centre) @ before.forward > 0.1
    settle()
    qtbot.keyPress(viewport.native, Qt.Key.Key_D)
    viewport.release_keys()
    settle()


def test_double_click_focuses_on_the_gaussian_under_it(
    viewport, settle, one_gaussian: Maker, camera, qtbot
) -> None:
    from PySide6.QtCore import QPoint, Qt

    position = np.array([0.4, -0.3, 0.2])
    viewport.set_camera(camera)
    viewport.show_gaussians(one_gaussian(position, (0.9, 0.1, 0.1)))
    settle()
    picked = []
    viewport.point_picked.connect(lambda where, index: picked.append((where, index)))
    (pixel,), _ = camera.project(position[None])
    at = QPoint(*np.floor(pixel).astype(int).tolist())
    qtbot.mouseDClick(viewport.native, Qt.MouseButton.LeftButton, pos=at)
    ((where, index),) = picked
    assert where == pytest.approx(position, abs=0.05)
    assert index == 0
    settle()
    (pixel,), _ = viewport.camera.project(where[None])
    assert pixel == pytest.approx([viewport.camera.cx, viewport.camera.cy], abs=0.01)
    viewport.double_clicked(3.0, 3.0)
    assert len(picked) == 1


def test_cameras_are_picked_highlighted_and_hidden(viewport, settle, camera, qtbot) -> None:
    from PySide6.QtCore import QPoint, Qt

    viewport.set_camera(camera)
    marks = marks_around(camera)
    viewport.show_cameras(marks)
    settle()
    plain = screen(viewport).astype(int)
    picked = []
    viewport.camera_picked.connect(picked.append)
    for i, mark in enumerate(marks):
        (pixel,), _ = viewport.camera.project((mark.camera.centre + 0.05 * UP * 0)[None])
        at = QPoint(*np.round(pixel).astype(int).tolist())
        qtbot.mouseClick(viewport.native, Qt.MouseButton.LeftButton, pos=at)
        assert picked[-1:] == [i]
    viewport.selected_camera = 1
    viewport.show_cameras(marks)
    assert viewport.selected_camera == 1
    settle()
    assert np.abs(screen(viewport) - plain).max() > 60
    viewport.cameras_visible = False
    settle()
    viewport.clicked(*pixel)
    assert picked == [0, 1]
    assert is_plain(screen(viewport))


def test_a_drag_is_not_a_click(viewport, settle, camera) -> None:
    viewport.set_camera(camera)
    viewport.show_cameras(marks_around(camera))
    settle()
    picked = []
    viewport.camera_picked.connect(picked.append)
    (pixel,), _ = viewport.camera.project(np.array([[1.0, 0, 2.0]]))
    events = viewport._canvas.events
    events.mouse_press(pos=pixel - 30, button=1, modifiers=())
    events.mouse_move(pos=pixel, button=1, modifiers=())
    events.mouse_release(pos=pixel, button=1, modifiers=())
    assert picked == []
