"""The buttons at the top: what a click leaves behind."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

pytestmark = pytest.mark.gl


def test_a_click_gives_no_button_the_focus(window, photos, wait):
    window.docks.settings.set_config(type(window.docks.config())(steps=10_000))
    window.activateWindow()
    window.viewport.native.setFocus()
    window.bench.open([photos])
    stop = window.topbar.findChild(type(window.topbar.run), "button_stop")
    wait(lambda: window.bench.run.step > 0 and stop.isEnabled())
    QTest.mouseClick(stop, Qt.MouseButton.LeftButton)
    wait(lambda: not stop.isEnabled())
    assert not any(button.hasFocus() for button in window.topbar.findChildren(type(stop)))
    assert stop.focusPolicy() is Qt.FocusPolicy.TabFocus


def test_frames_a_second_are_told_only_of_gaussians(window):
    window.overlays.show_facts("")
    assert window.overlays._facts.text() == ""
    window.overlays.show_facts("1,200 Gaussians", 12.0)
    assert window.overlays._facts.text() == "1,200 Gaussians   12 fps"
