"""Panels as docks, and that none of them leaves anything behind."""

import gc
import weakref

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from app import theme
from app.panels.curves import CurvesPanel
from app.panels.log import LogPanel
from app.panels.photos import PhotoStrip
from app.panels.population import PopulationPanel
from app.panels.ray import RayPanel
from app.panels.settings import SettingsPanel
from app.widgets.labels import ElidedLabel
from app.widgets.panel import HEADER_PX, docked
from app.widgets.segmented import Segmented
from engines.events import Refined, Stepped
from engines.splats.config import SplatConfig

MAKERS = {
    "curves": CurvesPanel,
    "log": LogPanel,
    "photos": PhotoStrip,
    "population": PopulationPanel,
    "ray": RayPanel,
    "settings": lambda: SettingsPanel(SplatConfig),
}
EACH = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@EACH
def test_a_panel_goes_with_all_it_made(make, qapp):
    theme.apply(qapp, "dark")
    before = set(map(id, QApplication.allWidgets()))
    panel = make()
    panel.show()
    qapp.processEvents()
    if isinstance(panel, CurvesPanel | PopulationPanel):
        panel.add(Stepped(step=1, seconds=1.0, step_ms=1.0, scalars={"loss": 1.0}))
        panel.add(Refined(step=1, cloned=1, total=2))
        panel.refresh()
    known, timers = weakref.ref(panel), panel.findChildren(QTimer)
    assert not any(timer.isActive() for timer in timers)
    panel.close()
    panel.deleteLater()
    del panel, timers
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
    assert known() is None
    left = [w for w in QApplication.allWidgets() if id(w) not in before]
    assert not left
    theme.apply(qapp, "light")
    theme.apply(qapp, "dark")


@EACH
@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_panel_stands_narrow_wide_and_low_in_both_themes(make, name, qtbot, qapp):
    theme.apply(qapp, name)
    panel = make()
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    for width, height in ((220, 500), (900, 300), (220, 120)):

        def fits(width: int = width, height: int = height) -> bool:
            """A window system that is late may bring the size before once more."""
            panel.resize(width, height)
            qtbot.wait(1)
            return (panel.width(), panel.height()) == (width, height)

        qtbot.waitUntil(fits)
        image = panel.grab().toImage()
        assert image.pixelColor(2, 2).name() == theme.current().panel


def test_docked_panels_share_one_title_line(qtbot, qapp):
    theme.apply(qapp, "dark")
    window = QMainWindow()
    qtbot.addWidget(window)
    panels = {name: make() for name, make in MAKERS.items()}
    for name, panel in panels.items():
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docked(panel, name))
    window.resize(900, 1000)
    window.show()
    qtbot.waitExposed(window)
    for name, panel in panels.items():
        dock = panel.parent()
        assert dock.objectName() == name
        assert dock.windowTitle() == panel.windowTitle()
        assert panel.header.height() == HEADER_PX
        assert panel.header.geometry().bottom() < panel.geometry().top()


def test_segments_are_chosen_by_click_and_key(qtbot, qapp):
    choice = Segmented({"a": "One", "b": "Two", "c": "Three"})
    qtbot.addWidget(choice)
    choice.show()
    told: list[str] = []
    choice.changed.connect(told.append)
    assert choice.value == "a"
    qtbot.mouseClick(choice.button("b"), Qt.MouseButton.LeftButton)
    qtbot.keyClick(choice.button("b"), Qt.Key.Key_Right)
    choice.set_value("c")
    assert told == ["b", "c"]
    with pytest.raises(KeyError):
        choice.set_value("d")


def test_a_long_text_is_shortened_and_never_a_mere_ellipsis(qtbot, qapp):
    label = ElidedLabel("A rather long sentence")
    qtbot.addWidget(label)
    label.resize(80, 20)
    assert label.shown_text.endswith("…")
    assert label.shown_text.startswith("A")
    label.resize(4, 20)
    assert label.shown_text == ""
    label.resize(400, 20)
    assert label.shown_text == "A rather long sentence"
    label.show()
    label.grab()
