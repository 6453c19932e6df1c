"""The tabs of the real window: which is in front, whether all can be read and clicked."""

import pytest
from app_drop import drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTabBar

from engines.events import Diagnosed, FeaturesFound, PairsMatched

pytestmark = pytest.mark.gl


@pytest.mark.parametrize(("grade", "front"), [("A", "matches"), ("C", "doctor")])
def test_a_grave_doctor_stays_in_front(window, live_for, grade, front):
    docks = window.docks
    docks.begin_posing()
    live_for(0.1)
    docks.add(Diagnosed(stage="photos", grade=grade, findings=()))
    docks.add(FeaturesFound(photo="a.jpg", count=9, done=1, total=3))
    live_for(0.1)
    assert not docks[front].visibleRegion().isEmpty()
    bar = next(
        b for b in window.findChildren(QTabBar) if b.count() and b.tabText(0) == "Population"
    )
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(0).center())
    docks.add(PairsMatched(done=1, total=3, connected=1))
    live_for(0.1)
    assert not docks["population"].visibleRegion().isEmpty(), "a person has chosen it"


@pytest.mark.parametrize("size", [(1440, 900), (1280, 800)])
def test_every_panel_has_a_tab_that_can_be_read_and_clicked(make_window, live_for, size):
    window = make_window(size=size)
    live_for(0.3)
    names = ["Population", "Ray", "Compare", "Matches", "Doctor"]
    bar = next(b for b in window.findChildren(QTabBar) if b.count() == len(names))
    assert [bar.tabText(i) for i in range(bar.count())] == names
    words = bar.fontMetrics()
    for i, name in enumerate(names):
        tab = bar.tabRect(i)
        assert bar.rect().contains(tab), f"{name} is cut off"
        assert tab.width() >= words.horizontalAdvance(name) + 8
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=tab.center())
        live_for(0.05)
        assert window.docks[name.lower()].widget().is_in_sight
        others = [n for n in names if n != name]
        assert not any(window.docks[n.lower()].widget().is_in_sight for n in others)


def test_nobody_asks_for_a_population_that_is_behind_another_tab(window, photos, wait, live_for):
    from engines.artifacts import Population

    window.docks.settings.set_config(type(window.docks.config())(steps=100_000))
    window.docks["ray"].raise_()
    drop(window, photos)
    wait(lambda: window.bench.run.step > 3)
    # The first step brings the population forward by itself, as for anybody who did not choose.
    window.docks["ray"].raise_()
    live_for(0.2)
    seen = []
    window.feed.population_changed.connect(seen.append)
    live_for(1.5)
    assert seen == []
    window.docks["population"].raise_()
    wait(lambda: seen != [])
    assert isinstance(seen[0], Population)
