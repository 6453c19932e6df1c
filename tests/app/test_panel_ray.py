"""The ray panel: what it draws and lists of fields and of Gaussians, and what one can point at."""

from dataclasses import replace

import numpy as np
import pytest
from app_rays import field_ray, splat_ray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import theme
from app.panels.ray import RayPanel
from app.panels.splatray import SplatRayView, median_depth
from app.probing import mark_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = RayPanel()
    qtbot.addWidget(panel)
    panel.resize(276, 640)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def cells(panel, column: int) -> list[str]:
    model = panel.table.rows
    return [model.index(row, column).data() for row in range(model.rowCount())]


def legend(panel) -> dict[str, tuple[str, str]]:
    rows = panel.legend._rows
    return {
        key: (rows[key][1].text(), rows[key][2].text())
        for key in rows
        if panel.legend.is_shown(key)
    }


def facts(panel) -> dict[str, str]:
    return {name.text(): figure.text() for name, figure in panel._facts}


def scroll(plot, x: float, steps: int) -> None:
    event = QWheelEvent(
        QPointF(x, 20),
        QPointF(plot.mapToGlobal(QPoint(round(x), 20))),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(plot, event)


def test_an_empty_panel_says_how_to_fill_it(panel) -> None:
    assert "Click a pixel" in panel._empty.text()
    assert panel._empty.isVisible()
    assert not panel.table.isVisible()
    assert not panel.live.isVisible()


def test_a_field_shows_density_light_and_the_samples_of_both_levels(panel) -> None:
    ray = field_ray()
    panel.show_ray(ray)
    assert not panel._empty.isVisible()
    assert panel.header.value == "12, 1,230"
    opacity = f"{100 * ray.accumulation:.0f} %"
    assert facts(panel) == {"Depth": f"{ray.depth:.3g}", "Opacity": opacity, "Samples": "72"}
    assert panel.chip.colour.getRgb()[:3] == tuple(np.round(255 * ray.colour).astype(int))
    assert set(legend(panel)) == {"light", "density σ", "weights, coarse", "weights, fine"}
    assert legend(panel)["density σ"] == (f"{ray.levels[1].sigma.max():.3g}", "at most")
    fine = ray.levels[1]
    assert cells(panel, 0) == [str(i + 1) for i in range(72)]
    assert [float(cell) for cell in cells(panel, 2)] == pytest.approx(fine.sigma, abs=6e-3)
    words = cells(panel, 4)
    told = [0.0 if word == "<.001" else float(word) for word in words]
    assert told == pytest.approx(fine.weights, abs=6e-4)
    picture = panel.plot.picture
    assert [len(takers.start) for takers in picture.takers] == [32, 72]
    assert picture.light[0].tolist() == [1.0, 1.0]
    assert picture.light[-1] == pytest.approx([6.0, 1 - ray.accumulation], abs=1e-5)
    assert {name: t for t, name in picture.marks} == {
        "expected": ray.depth,
        "median": ray.median_depth,
    }
    # What is drawn of both levels is a share per distance, so that they can be compared.
    coarse, fine = (takers.heights.max() for takers in picture.takers)
    assert 0.5 < coarse / fine < 2.0


def test_the_level_that_is_listed_can_be_chosen_and_stays(panel) -> None:
    panel.show_ray(field_ray())
    QTest.mouseClick(panel._levels.button("coarse"), LEFT)
    assert panel.table.rows.rowCount() == 32
    assert facts(panel)["Samples"] == "32"
    panel.table.choose(4)
    assert panel.plot.pointable == 0
    assert panel.plot.marked == 4
    panel.show_ray(field_ray(seed=1))
    assert panel.table.rows.rowCount() == 32
    panel.show_ray(field_ray(("samples",)))
    assert panel._levels is None
    assert panel.table.rows.rowCount() == 32
    panel.show_ray(field_ray())
    assert panel.table.rows.rowCount() == 72


def test_gaussians_tell_who_they_are_and_what_each_cause_has_brought(panel) -> None:
    ray = splat_ray()
    panel.show_ray(ray)
    titles = [column.title for column in panel.table.rows.columns]
    assert titles == ["#", "Dist.", "α", "T", "Weight", "Id", "Parent", "Born"]
    assert cells(panel, 5)[:3] == ["1,000", "1,007", "1,014"]
    assert cells(panel, 6)[:3] == ["none", "501", "502"]
    assert cells(panel, 7)[:3] == ["0 from the start", "800 cloned", "900 split"]
    assert [float(cell) for cell in cells(panel, 1)] == pytest.approx(ray.t, abs=6e-4)
    shares = {
        label: float(ray.weights[ray.causes == cause].sum() / ray.accumulation)
        for cause, label in enumerate(("from the start", "cloned", "split"))
    }
    for label, share in shares.items():
        assert legend(panel)[label] == (f"{100 * share:.0f} %", "4")
    assert facts(panel)["Gaussians"] == "12"
    panel.table.choose(1)
    assert panel.details.text().endswith("clone of 501 at step 800")
    panel.table.choose(2)
    assert panel.details.text().endswith("split from 502 at step 900")
    panel.table.choose(0)
    assert panel.details.text().endswith("there from the start")
    panel.show_ray(splat_ray(lineage=False))
    assert set(legend(panel)) == {"light", "weights"}
    panel.table.choose(0)
    assert "row 5,000" in panel.details.text()


def test_the_light_falls_in_steps(panel) -> None:
    ray = splat_ray()
    light = SplatRayView(ray).picture().light
    for i in range(12):
        before, after = light[2 * i + 1], light[2 * i + 2]
        assert before == pytest.approx([ray.t[i], ray.transmittance[i]], abs=1e-6)
        left = ray.transmittance[i] * (1 - ray.alpha[i])
        assert after == pytest.approx([ray.t[i], left], abs=1e-6)
    half = 0.5 * ray.accumulation
    behind = ray.weights[ray.t <= median_depth(ray)].sum()
    before = ray.weights[ray.t < median_depth(ray)].sum()
    assert before < half <= behind
    assert median_depth(splat_ray(0)) == 0.0


def test_a_ray_through_nothing_says_so(panel) -> None:
    panel.show_ray(splat_ray(5))
    panel.show_ray(splat_ray(0))
    assert panel._nothing.isVisible()
    assert not panel.table.isVisible()
    assert facts(panel) == {"Depth": "none", "Opacity": "0 %", "Gaussians": "0"}
    panel.grab()
    panel.show_ray(splat_ray(5))
    assert not panel._nothing.isVisible()
    assert panel.table.isVisible()


def test_the_mouse_over_the_plot_points_at_rows_and_a_click_chooses(panel) -> None:
    ray = splat_ray()
    panel.show_ray(ray)
    told = []
    panel.pointed.connect(told.append)
    plot = panel.plot
    for i in (3, 9):
        QTest.mouseMove(plot, QPoint(round(plot.x_of(ray.t[i])), 40))
        assert plot.marked == i
        assert told[-1] == pytest.approx(np.stack([[0, 0, ray.t[i]], ray.means[i]]))
    QTest.mouseClick(plot, LEFT, pos=QPoint(round(plot.x_of(ray.t[6])), 40))
    assert panel.table.chosen == 6
    QApplication.sendEvent(plot, _leaving())
    assert plot.marked == 6
    gap = plot.x_of(1.0) - 20
    assert plot.index_at(gap) == -1


def test_between_the_samples_of_a_field_there_is_no_gap(panel) -> None:
    ray = field_ray(("samples",))
    panel.show_ray(ray)
    level = ray.levels[0]
    scroll(panel.plot, 100, -20)
    for i in range(32):
        x = panel.plot.x_of(0.5 * (level.t_start[i] + level.t_end[i]))
        assert panel.plot.index_at(x) == i
        x = panel.plot.x_of(level.t_start[i] + 0.03 * (level.t_end[i] - level.t_start[i]))
        assert panel.plot.index_at(x) in (i, i - 1)


def test_the_wheel_zooms_about_the_mouse_and_a_double_click_brings_all_back(panel) -> None:
    panel.show_ray(field_ray())
    plot = panel.plot
    whole, home = plot.picture.span, plot.picture.home
    assert (plot.low, plot.high) == home
    assert home[0] > whole[0] + 1
    x = plot.x_of(3.2)
    scroll(plot, x, 4)
    assert plot.high - plot.low == pytest.approx((home[1] - home[0]) * 0.8**4)
    assert plot.x_of(3.2) == pytest.approx(x, abs=1.0)
    zoomed = plot.low, plot.high
    panel.show_ray(field_ray(seed=2), again=True)
    assert (plot.low, plot.high) == zoomed
    scroll(plot, x, -40)
    assert (plot.low, plot.high) == pytest.approx(whole)
    scroll(plot, x, 3)
    QTest.mouseDClick(plot, LEFT)
    assert (plot.low, plot.high) == home
    scroll(plot, x, 3)
    panel.show_ray(field_ray())
    assert (plot.low, plot.high) == home


def test_what_was_chosen_stays_chosen_in_the_next_ray_of_the_pixel(panel) -> None:
    ray = splat_ray()
    panel.show_ray(ray)
    panel.table.choose(7)
    newer = splat_ray(10, seed=3)
    newer = replace(newer, ids=ray.ids[2:])
    panel.show_ray(newer, again=True)
    assert panel.table.chosen == 5
    assert panel.plot.marked == 5
    panel.show_ray(replace(newer, ids=newer.ids + 1), again=True)
    assert panel.table.chosen == -1
    panel.show_ray(ray)
    assert panel.table.chosen == -1


def test_rows_are_sorted_by_a_click_on_a_title(panel) -> None:
    ray = splat_ray()
    panel.show_ray(ray)
    panel.table.choose(4)
    header = panel.table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(4) + 20, header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, pos=at)
    order = np.argsort(ray.weights, kind="stable")
    if header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder:
        order = np.argsort(-ray.weights, kind="stable")
    assert [int(cell) - 1 for cell in cells(panel, 0)] == order.tolist()
    assert panel.table.chosen == 4
    QTest.mouseClick(header.viewport(), LEFT, pos=at)
    assert [int(cell) - 1 for cell in cells(panel, 0)] == order[::-1].tolist()
    panel.show_ray(splat_ray(seed=5))
    told = [float(cell) for cell in cells(panel, 4)]
    assert told in (sorted(told), sorted(told, reverse=True))
    where = panel.table.visualRect(panel.table.rows.index(2, 0)).center()
    QTest.mouseMove(panel.table.viewport(), where)
    assert panel.plot.marked == int(cells(panel, 0)[2]) - 1


def test_escape_and_the_cross_ask_to_forget(panel, qtbot) -> None:
    asked = []
    panel.cleared.connect(lambda: asked.append(1))
    panel.show_ray(splat_ray())
    QTest.mouseClick(panel.forget, LEFT)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_Escape)
    assert len(asked) == 2
    told = []
    panel.pointed.connect(told.append)
    panel.table.choose(1)
    panel.clear()
    assert told[-1] is None
    assert panel._empty.isVisible()
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert len(asked) == 2


def test_hundreds_of_gaussians_are_listed_at_once(panel) -> None:
    ray = splat_ray(3000)
    panel.show_ray(replace(ray, t=ray.t / 100))
    assert panel.table.rows.rowCount() == 3000
    panel.grab()
    panel.table.choose(2999)
    assert panel.plot.marked == 2999


@pytest.mark.parametrize("name", ["dark", "light"])
def test_it_is_painted_in_the_colours_of_the_theme(panel, qapp, name) -> None:
    theme.apply(qapp, name)
    panel.show_ray(field_ray())
    image = panel.plot.grab().toImage()
    shades = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(20, 110)}
    assert len(shades) > 20
    panel.show_ray(splat_ray(lineage=False))
    ray = panel.ray
    i = int(np.argmax(ray.weights))
    image = panel.plot.grab().toImage()
    column = [image.pixelColor(round(panel.plot.x_of(ray.t[i])), y) for y in range(40, 90)]
    mark = theme.colour(theme.current().mark)
    assert min(abs(c.hue() - mark.hue()) for c in column if c.saturation() > 90) < 12
    theme.apply(qapp, "dark")


def _leaving():
    from PySide6.QtCore import QEvent

    return QEvent(QEvent.Type.Leave)


def test_most_of_an_endless_ray_is_out_of_sight_at_first(panel) -> None:
    """Samples may reach to the horizon; what is seen lies near."""
    ray = field_ray(("samples",))
    level = ray.levels[0]
    far = replace(level, t_end=level.t_end * np.where(np.arange(32) == 31, 500, 1))
    panel.show_ray(replace(ray, levels=(far,)))
    assert panel.plot.picture.span[1] > 2500
    assert panel.plot.high < 7
    mark = mark_of(replace(ray, levels=(far,)))
    assert 3.2 < mark.length < 8
    assert (mark.t <= mark.length).all()
    nothing = replace(level, weights=np.zeros(32, np.float32))
    empty = replace(ray, levels=(nothing,), accumulation=0.0, depth=0.0)
    panel.show_ray(empty)
    assert mark_of(empty).length == 0.0
    panel.grab()
