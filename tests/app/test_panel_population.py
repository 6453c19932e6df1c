"""The population panel: counts by cause, and what another threshold would do."""

import dataclasses
import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app import theme
from app.panels.population import PopulationPanel
from app.widgets.figures import change, count, number, percent
from engines.artifacts import Population
from engines.events import Refined, Stepped

THRESHOLD = 2e-4


def population(n: int = 5_000, **changes) -> Population:
    rng = np.random.default_rng(3)
    gradients = np.exp(rng.normal(math.log(5e-5), 1.0, n)).astype(np.float32)
    gradients[::10] = np.nan
    values = {
        "step": 700,
        "opacities": rng.uniform(0.001, 0.99, n).astype(np.float32),
        "scales": np.exp(rng.normal(math.log(4e-3), 0.7, n)).astype(np.float32),
        "gradients": gradients,
        "grow_gradient": THRESHOLD,
        "split_scale": 0.01,
        "prune_opacity": 0.005,
    }
    return Population(**(values | changes))


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = PopulationPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 800)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def drag(qtbot, view, start: float, end: float) -> None:
    y = 30
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=QPoint(round(start), y))
    for share in (0.25, 0.5, 0.75, 1.0):
        qtbot.mouseMove(view, QPoint(round(start + share * (end - start)), y))
    qtbot.mouseRelease(view, left, pos=QPoint(round(end), y))


def test_figures():
    assert [change(n) for n in (612, -1241, 0)] == ["+612", "−1,241", "0"]
    assert [count(n) for n in (28_412, 0.6)] == ["28,412", "1"]
    assert [number(v) for v in (0.0312, 1.6e-6, 27.91, 0, 2e-5, 12_345_678, math.nan)] == [
        "0.0312",
        "1.6e−6",
        "27.9",
        "0",
        "2e−5",
        "1.23e7",
        "none",
    ]
    assert [percent(*p) for p in ((14, 1000), (1, 3), (0, 0), (1, 10**6), (0, 5))] == [
        "1.4 %",
        "33 %",
        "0 %",
        "< 0.01 %",
        "0 %",
    ]


def test_an_empty_panel_says_what_will_come(panel):
    words = [card.words.text() for card in panel.cards.values()]
    assert all(words)
    assert not panel.bars.isVisible()
    assert panel._empty.isVisible()
    assert not panel.cards["grow_gradient"].view.isVisible()


def test_rows_hold_the_last_refinement_and_the_sum_since_the_start(panel):
    panel.add(Refined(step=100, cloned=600, split=300, pruned_opacity=200, total=10_000))
    panel.add(
        Refined(step=200, cloned=12, split=88, pruned_opacity=41, pruned_scale=2, total=9_000)
    )
    panel.add(Stepped(step=201, seconds=1.0, step_ms=1.0))
    panel.refresh()
    legend = panel.legend
    assert legend.value("cloned") == "+12"
    assert legend.value("split") == "+88"
    assert legend.value("pruned_opacity") == "−41"
    assert legend.value("pruned_scale") == "−2"
    assert legend._rows["cloned"][2].text() == "+612"
    assert legend._rows["pruned_opacity"][2].text() == "−241"
    assert not legend.is_shown("relocated")
    assert panel.header.value == "9,000 Gaussians"
    assert "12 cloned" in panel.bars.words_at(20)
    assert panel.bars.words_at(5).splitlines() == [
        "Step 100",
        "600 cloned",
        "300 split",
        "200 pruned, faint",
    ]
    assert panel.bars.words_at(200) == ""


def test_a_refinement_done_again_replaces_what_came_after(panel):
    for step in (100, 200, 300):
        panel.add(Refined(step=step, cloned=10, total=5))
    panel.add(Refined(step=200, cloned=1, total=5))
    panel.refresh()
    assert panel.legend._rows["cloned"][2].text() == "+11"


def test_moved_and_added_take_the_place_of_clone_and_split(panel):
    panel.add(Refined(step=100, relocated=7, added=20, total=120))
    panel.refresh()
    shown = [field for field in panel.legend._rows if panel.legend.is_shown(field)]
    assert shown == ["added", "relocated"]
    assert panel.legend.value("relocated") == "7"
    panel.show_population(population(grow_gradient=math.nan))
    panel.refresh()
    assert panel.cards["grow_gradient"].words.text() == "This strategy does not grow by gradient"
    assert "would be moved" in panel.cards["prune_opacity"].words.text()


def test_many_refinements_share_bars_and_none_is_lost(panel):
    for step in range(1, 1001):
        panel.add(Refined(step=step, cloned=step, total=1))
    panel.refresh()
    groups = panel.bars.groups()
    assert len(groups) <= panel.bars.width() / 7
    assert sum(r.cloned for group in groups for r in group) == 500_500
    assert panel.bars.words_at(1).startswith("Steps 1 to ")


def test_bars_are_painted_in_the_colour_of_their_cause(panel):
    panel.add(Refined(step=100, cloned=50, split=50, pruned_opacity=100, total=1))
    panel.refresh()
    image = panel.bars.grab().toImage()
    column = [image.pixelColor(3, y).name() for y in range(image.height())]
    expected = [theme.DARK.split, theme.DARK.clone, theme.DARK.prune]
    assert [c for c in dict.fromkeys(column) if c in expected] == expected
    heights = [column.count(c) for c in expected]
    assert heights[0] == pytest.approx(heights[1], abs=1)
    assert heights[2] == pytest.approx(2 * heights[1], abs=2)


def test_the_sentence_counts_what_is_beyond_the_threshold(panel):
    shown = population()
    panel.show_population(shown)
    panel.refresh()
    n = int(np.sum(shown.gradients > THRESHOLD))
    words = panel.cards["grow_gradient"].words.text()
    assert words == (f"At 0.0002, {percent(n, 5000)} ({n:,}) would densify at the next refinement")
    faint = int(np.sum(~(shown.opacities > 0.005)))
    assert f"({faint:,})" in panel.cards["prune_opacity"].words.text()


def test_dragging_the_line_changes_the_count_and_tells(panel, qtbot):
    shown = population()
    panel.show_population(shown)
    panel.refresh()
    card = panel.cards["grow_gradient"]
    told: list[tuple[str, float]] = []
    panel.threshold_changed.connect(lambda name, value: told.append((name, value)))
    before = card.words.text()
    start = card.view.position_of(THRESHOLD)
    drag(qtbot, card.view, start, card.view.position_of(5e-5))
    assert card.view.threshold == pytest.approx(5e-5, rel=0.1)
    n = int(np.sum(shown.gradients > card.view.threshold))
    assert f"({n:,}) would densify" in card.words.text()
    assert card.words.text() != before
    assert told[-1] == ("grow_gradient", card.view.threshold)
    amber = theme.DARK.mark
    image = card.view.grab().toImage()
    x = round(card.view.position_of(8e-5))
    assert amber in {image.pixelColor(x + d, image.height() - 20).name() for d in range(4)}

    panel.show_population(dataclasses.replace(shown, step=800))
    panel.refresh()
    assert card.view.threshold == pytest.approx(5e-5, rel=0.1), "a question outlives new data"

    qtbot.mouseDClick(card.view, Qt.MouseButton.LeftButton, pos=QPoint(100, 30))
    assert card.view.threshold == THRESHOLD
    assert card.words.text() == before
    assert told[-1] == ("grow_gradient", THRESHOLD)


def test_a_press_beside_the_line_does_not_take_hold_of_it(panel, qtbot):
    panel.show_population(population())
    panel.refresh()
    view = panel.cards["grow_gradient"].view
    start = view.position_of(THRESHOLD)
    drag(qtbot, view, start - 40, start - 80)
    assert view.threshold == THRESHOLD


def test_the_line_stays_on_the_axis_and_follows_keys(panel, qtbot):
    panel.show_population(population())
    panel.refresh()
    view = panel.cards["grow_gradient"].view
    start = view.position_of(THRESHOLD)
    drag(qtbot, view, start, start + 5_000)
    assert view.threshold == pytest.approx(10**view.high)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.threshold == THRESHOLD
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.threshold == pytest.approx(1.1 * THRESHOLD)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.threshold == pytest.approx(THRESHOLD, rel=0.01)


def test_another_run_brings_its_own_threshold(panel, qtbot):
    panel.show_population(population())
    panel.refresh()
    view = panel.cards["grow_gradient"].view
    qtbot.keyClick(view, Qt.Key.Key_Right)
    panel.show_population(population(grow_gradient=4e-4))
    panel.refresh()
    assert view.threshold == 4e-4


@pytest.mark.parametrize(
    "values",
    [[], [np.nan] * 5, [0.0] * 5, [1e-5] * 5, [np.inf, 1.0], [1e-30, 1e30]],
    ids=["none", "never seen", "zeros", "equal", "infinite", "far apart"],
)
def test_odd_populations_are_shown_without_complaint(panel, values):
    array = np.array(values, dtype=np.float32)
    panel.show_population(population(gradients=array, opacities=array, scales=array))
    panel.refresh()
    panel.grab()
    for card in panel.cards.values():
        assert card.words.text()


def test_clear_forgets_everything(panel):
    panel.add(Refined(step=100, cloned=1, total=1))
    panel.show_population(population())
    panel.refresh()
    panel.clear()
    assert panel.header.value == ""
    assert panel._empty.isVisible()
    assert len(panel.cards["grow_gradient"].view.values) == 0


def test_hidden_panels_put_the_work_off(panel, monkeypatch):
    shown: list[int] = []
    monkeypatch.setattr(panel.cards["split_scale"], "show_population", lambda _: shown.append(1))
    panel.hide()
    panel.show_population(population())
    panel.refresh()
    assert not shown
    panel.show()
    assert shown
