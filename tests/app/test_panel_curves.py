"""The curves panel: what is drawn equals what was told, whatever its length."""

import csv
import math
import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app import theme
from app.panels.charts import DIFFUSION_CHARTS
from app.panels.curves import WINDOWS, CurvesPanel
from app.panels.series import RunSeries, Series, extremes, nearest
from app.panels.ticks import log_steps, round_steps, tick_words
from app.widgets.panel import ScrolledColumn
from assets.errors import InputError
from engines.events import Evaluated, Marked, Refined, Stepped, Warned


def stepped(step: int, **scalars: float) -> Stepped:
    return Stepped(step=step, seconds=step / 50, step_ms=20.0, scalars=scalars)


def run_of(steps: int) -> list:
    events: list = []
    for step in range(1, steps + 1):
        wave = math.sin(step)
        events.append(
            stepped(step, loss=1 / step + 0.01 * wave, psnr=20 + wave, gaussians=100 + step)
        )
        if step % 10 == 0:
            events.append(
                Evaluated(
                    step=step,
                    seconds=step / 50,
                    split="holdout",
                    psnr=step / 10,
                    ssim=0.5,
                    views={},
                )
            )
    return events


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = CurvesPanel()
    qtbot.addWidget(panel)
    panel.resize(1000, 240)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def feed(panel: CurvesPanel, events: list) -> None:
    for event in events:
        panel.add(event)
    time.sleep(0.11)
    panel.refresh()


def points(panel: CurvesPanel, chart: int, key: str, kind: str = "_raw") -> tuple:
    return getattr(panel.charts[chart], kind)[key].getData()


# -- numbers -----------------------------------------------------------------------------------


def test_a_series_grows_and_a_step_done_again_replaces_what_came_after():
    series = Series()
    for step in range(1000):
        series.append(step, step / 2, -step)
    assert len(series) == 1000
    series.append(500, 1.0, 7.0)
    assert len(series) == 501
    assert series.steps[-1] == 500
    assert series.values[-2:].tolist() == [-499, 7]


def test_trailing_mean_is_the_mean_of_the_last_values():
    series, values = Series(), np.random.default_rng(0).normal(size=300)
    for step, value in enumerate(values):
        series.append(step, step, value)
    index = np.array([0, 3, 150, 299])
    expected = [values[max(0, i + 1 - 20) : i + 1].mean() for i in index]
    assert series.trailing_mean(index, 20) == pytest.approx(expected)


def test_thinning_keeps_every_peak_and_the_ends():
    rng = np.random.default_rng(1)
    x, y = np.arange(50_000.0), rng.normal(size=50_000)
    y[12_345] = 99.0
    y[33_333] = -99.0
    series = Series()
    thin_x, thin_y = extremes(x, y, series.columns(x, 0, 50_000, 200))
    assert len(thin_x) <= 402
    assert thin_y.max() == 99.0
    assert thin_y.min() == -99.0
    assert (thin_x[0], thin_x[-1]) == (0, 49_999)
    assert np.all(np.diff(thin_x) >= 0)
    falling_x, falling_y = extremes(x, -x, series.columns(x, 0, 50_000, 200))
    assert np.all(np.diff(falling_y) <= 0), "a falling line must not become a saw"
    assert len(falling_x) == len(falling_y)


def test_a_stretch_is_drawn_with_its_neighbours():
    series, x = Series(), np.arange(100.0)
    cuts = series.columns(x, 40.2, 42.9, 50)
    assert x[cuts[:-1]].tolist() == [40, 41, 42, 43]


def test_nearest():
    x = np.array([1.0, 2.0, 4.0])
    assert [nearest(x, p) for p in (-5, 1.4, 1.6, 3.5, 9)] == [0, 0, 1, 2, 2]
    assert nearest(x[:1], 3) == 0


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 1500), (-3e-5, 2e-5), (27.1, 27.4)])
def test_ticks_are_round_few_and_inside(low: float, high: float):
    ticks = round_steps(low, high, 4)
    assert 2 <= len(ticks) <= 6
    assert np.all((ticks >= low - 1e-12) & (ticks <= high + 1e-12))
    assert all(float(f"{t:.3g}") == pytest.approx(t, rel=1e-9, abs=1e-15) for t in ticks)


def test_log_ticks_fall_back_to_plain_ones_within_a_decade():
    assert (10 ** log_steps(-2, 0, 5)).tolist() == pytest.approx([0.01, 0.03, 0.1, 0.3, 1])
    assert (10 ** log_steps(-2, 0, 4)).tolist() == pytest.approx([0.01, 0.1, 1])
    narrow = 10 ** log_steps(math.log10(12_100), math.log10(13_900), 4)
    assert len(narrow) >= 2
    assert all("," in tick_words(float(f"{v:.6g}")) for v in narrow)


# -- the panel ---------------------------------------------------------------------------------


def test_curves_show_what_was_told(panel):
    feed(panel, run_of(50))
    x, y = points(panel, 0, "loss")
    assert x.tolist() == list(range(1, 51))
    assert y == pytest.approx([1 / s + 0.01 * math.sin(s) for s in range(1, 51)])
    x, y = points(panel, 1, "holdout/psnr")
    assert (x.tolist(), y.tolist()) == ([10, 20, 30, 40, 50], [1, 2, 3, 4, 5])
    assert panel.charts[2]._figures["gaussians"].text() == "150"
    figure = panel.charts[1]._figures["holdout/psnr"]
    assert (figure.text(), figure.toolTip()) == ("5.0", "held out 5.0"), "there is little room"


def test_the_smoothing_slider_moves_the_mean_and_keeps_the_raw_curve(panel, qtbot):
    feed(panel, run_of(200))
    panel.smoothing.setFocus()
    qtbot.keyClick(panel.smoothing, Qt.Key.Key_Home)
    assert panel.look.window == 1
    assert len(points(panel, 0, "loss", "_smooth")[0]) == 0
    qtbot.keyClick(panel.smoothing, Qt.Key.Key_End)
    assert panel.look.window == WINDOWS[-1]
    _, mean = points(panel, 0, "loss", "_smooth")
    values = panel.run.series["loss"].values
    assert mean[-1] == pytest.approx(values.mean())
    assert len(points(panel, 0, "loss")[0]) >= 100


def test_log_and_seconds(panel, qtbot):
    feed(panel, run_of(100))
    qtbot.mouseClick(panel.log, Qt.MouseButton.LeftButton)
    _, y = points(panel, 2, "gaussians")
    assert y[-1] == pytest.approx(math.log10(200))
    assert points(panel, 1, "psnr")[1][-1] == pytest.approx(20 + math.sin(100))
    qtbot.mouseClick(panel.axis.button("seconds"), Qt.MouseButton.LeftButton)
    x, _ = points(panel, 2, "gaussians")
    assert x[-1] == pytest.approx(2.0)


def test_values_without_a_logarithm_leave_gaps_and_no_warning(panel):
    panel.log.setChecked(True)
    feed(panel, [stepped(1, loss=1.0), stepped(2, loss=0.0), stepped(3, loss=math.nan)])
    feed(panel, [stepped(4, loss=math.inf), stepped(5, loss=0.1)])
    panel.grab()
    _, y = points(panel, 0, "loss")
    assert np.isfinite(y).tolist() == [True, False, False, False, True]


def test_hover_says_the_values_under_the_mouse(panel, qtbot):
    panel.smoothing.setValue(0)
    feed(panel, run_of(100))
    panel.grab()  # the first painting makes room for the figures at the axis
    qtbot.wait(30)
    chart = panel.charts[0]
    box = chart.plot.getPlotItem().vb
    place = chart.plot.mapFromScene(box.mapViewToScene(QPointF(40, 0.1)))
    qtbot.mouseMove(chart.plot.viewport(), QPoint(place.x(), 60))
    qtbot.waitUntil(lambda: panel.header.value.startswith("step"))
    step = int(panel.header.value.split(",")[0].removeprefix("step "))
    assert abs(step - 40) <= 1
    assert panel.charts[2]._figures["gaussians"].text() == str(100 + step)
    chart.plot.left.emit()
    assert panel.charts[2]._figures["gaussians"].text() == "200"


def test_zooming_one_chart_zooms_all_and_a_double_click_shows_everything(panel, qtbot):
    feed(panel, run_of(100))
    first, second = panel.charts[0], panel.charts[1]
    box = first.plot.getPlotItem().vb
    box.scaleBy(x=0.5)
    box.sigRangeChangedManually.emit([True, False])
    assert second.plot.getPlotItem().vb.viewRange()[0] == pytest.approx(box.viewRange()[0])
    assert panel.look.span is not None
    feed(panel, [stepped(101, loss=1.0)])
    assert first.plot.getPlotItem().vb.viewRange()[0] == pytest.approx(panel.look.span)
    qtbot.mouseDClick(first.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(80, 60))
    assert panel.look.span is None
    assert first.plot.getPlotItem().vb.viewRange()[0][1] >= 101


def turn_wheel(chart, angle: int, keys: Qt.KeyboardModifier, times: int = 1) -> None:
    place = chart.plot.mapTo(chart.window(), chart.plot.rect().center())
    for _ in range(times):
        QTest.wheelEvent(
            chart.window().windowHandle(), QPointF(place), QPoint(0, angle), stateKey=keys
        )


def test_the_wheel_scrolls_the_panel_and_zooms_with_control_no_further_than_the_run(panel):
    feed(panel, run_of(100))
    first = panel.charts[0]
    whole = first._item.vb.viewRange()[0]
    panel.resize(330, 200)  # charts below each other
    QApplication.processEvents()
    bar = panel.findChild(ScrolledColumn).verticalScrollBar()
    assert bar.maximum() > 0
    turn_wheel(first, -120, Qt.KeyboardModifier.NoModifier)
    assert bar.value() > 0
    assert panel.look.span is None
    control = Qt.KeyboardModifier.ControlModifier
    turn_wheel(first, 120, control, times=5)
    low, high = panel.look.span
    assert whole[0] < low < high < whole[1]
    assert "double-click" in panel.header.value
    turn_wheel(first, -120, control, times=40)
    assert panel.look.span is None, "it follows the run again"
    assert first._item.vb.viewRange()[0] == pytest.approx(whole)
    assert panel.header.value == ""


def test_marks_are_drawn_and_named_once(panel):
    feed(panel, [*run_of(50), Marked(step=30, label="opacity reset")])
    lines = [chart._marks for chart in panel.charts]
    assert [line[0].value() for line in lines] == [30] * len(lines)
    assert lines[0][0].label.format == "opacity reset"
    assert [line[0].label.format for line in lines[1:]] == ["", "", ""]
    panel.clear()
    assert all(not chart._marks for chart in panel.charts)


def test_csv_holds_every_value_told(panel, tmp_path):
    events = [*run_of(40), Refined(step=40, cloned=3, total=143), Marked(step=41, label="a, mark")]
    feed(panel, events)
    panel.export_csv(tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(newline="", encoding="utf-8") as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    assert sorted(rows) == list(range(1, 42))
    for event in events:
        row = rows[event.step]
        if isinstance(event, Stepped):
            assert float(row["seconds"]) == event.seconds
            assert float(row["step_ms"]) == event.step_ms
            assert {k: float(row[k]) for k in event.scalars} == event.scalars
        elif isinstance(event, Evaluated):
            assert float(row["holdout/psnr"]) == event.psnr
            assert float(row["holdout/ssim"]) == event.ssim
    assert rows[39]["holdout/psnr"] == ""
    assert rows[41]["mark"] == "a, mark"
    with pytest.raises(InputError):
        panel.export_csv(tmp_path / "none" / "curves.csv")


def test_a_hundred_thousand_steps_are_cheap_to_refresh(panel):
    for event in run_of(100_000):
        panel.add(event)
    panel._redraw()
    for key in ("loss", "psnr"):
        assert len(points(panel, 0 if key == "loss" else 1, key)[0]) < 2_500
    spent = []
    for step in range(100_001, 100_021):
        panel.add(stepped(step, loss=0.01, psnr=20.0, gaussians=5))
        began = time.thread_time()
        panel._redraw()
        spent.append(time.thread_time() - began)
    # A few ms; drawing all points would take hundreds.
    assert sorted(spent)[len(spent) // 2] < 0.05


def test_nothing_is_drawn_while_hidden_or_without_news(panel, monkeypatch):
    drawn: list[int] = []
    monkeypatch.setattr(panel.charts[0], "draw", lambda *_: drawn.append(1))
    feed(panel, run_of(5))
    assert len(drawn) == 1
    feed(panel, [Warned(message="no curve")])
    assert len(drawn) == 1
    panel.hide()
    feed(panel, run_of(6))
    assert len(drawn) == 1
    panel.show()
    feed(panel, [])
    assert len(drawn) == 2


def test_charts_that_few_runs_fill_stand_only_where_one_does(panel):
    panel.set_charts(DIFFUSION_CHARTS)
    rare = next(chart for chart in panel.charts if chart.spec.title == "Variational bound")
    feed(panel, [stepped(1, loss=1.0)])
    assert rare.isHidden()
    assert all(chart.isHidden() == chart.spec.rare for chart in panel.charts)
    feed(panel, [stepped(2, loss=1.0, vlb=3.5)])
    assert rare.isVisible()
    assert rare._figures["vlb"].text() == "3.5"
    panel.clear()
    assert rare.isHidden()


def test_charts_stack_where_it_is_narrow_and_tools_stay_in_the_menu(panel, qtbot):
    panel.resize(220, 500)
    qtbot.waitUntil(lambda: panel.charts[1].y() > panel.charts[0].y())
    assert not panel.smoothing.isVisible()
    chart = panel.charts[0]
    chart.customContextMenuRequested.emit(QPoint(20, 20))
    menu = panel.findChild(QMenu)
    seconds = next(a for a in menu.actions() if a.text() == "Over seconds")
    seconds.trigger()
    assert panel.look.axis == "seconds"
    menu.close()


def test_an_empty_panel_draws_and_switches_theme(panel, qapp):
    for name in ("light", "dark"):
        theme.apply(qapp, name)
        panel._redraw()
        ground = panel.grab().toImage().pixelColor(500, 150)
        assert ground.name() == theme.current().panel


def test_run_series_keeps_time_for_steps_told_without_one():
    run = RunSeries()
    run.add(stepped(10, loss=1.0))
    run.add(Refined(step=10, total=7))
    assert run.series["gaussians_refined"].seconds.tolist() == [0.2]
    assert run.place(9, axis="steps") == (10, 0.2)
