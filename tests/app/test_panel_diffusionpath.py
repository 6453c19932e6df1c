"""The path panel: steps of a sample, two runs, points in their field, and what is saved."""

from dataclasses import replace

import numpy as np
import pytest
from app_drawings import CAPTIONS, drawn, growing, learnt
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app import theme
from app.drawnwords import SAMPLER_NAMES, words_of
from app.panels.diffusionpath import PathPanel
from app.panels.guidancelook import PARTS
from app.panels.pathcompare import OTHER_NOISE, SAME_NOISE
from app.widgets.heat import heat
from engines.diffusion.artist import Wish
from engines.diffusion.flowfield import field_of, known_truth, score_errors
from engines.diffusion.guidanceparts import guidance_parts
from engines.diffusion.samplers import SAMPLERS

LEFT = Qt.MouseButton.LeftButton
WISH = Wish(count=4, texts=CAPTIONS, steps=4, sampler="euler", seed=7)
POINTS = Wish(count=50, steps=6)


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = PathPanel()
    panel.plane.wanted.connect(lambda wish: panel.plane.take(wish.find()))
    panel.guidance.wanted.connect(lambda wish: panel.guidance.take(wish.find()))
    qtbot.addWidget(panel)
    panel.resize(340, 1000)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture(scope="module")
def drawing():
    return drawn(learnt("shapes"), WISH)


def shown(row) -> list[np.ndarray]:
    return [picture.pixels for picture in row.pictures.values()]


def test_every_sampler_has_a_name_for_people() -> None:
    assert set(SAMPLER_NAMES) == set(SAMPLERS)


def test_an_empty_panel_says_how_to_fill_it(panel, drawing) -> None:
    for _ in range(2):
        assert "Draw samples" in panel.empty.text()
        assert panel.empty.isVisible()
        assert not any(w.isVisible() for w in (panel.steps, panel.row, panel.save, panel.compare))
        panel.show_drawing(drawing)
        assert not panel.empty.isVisible()
        panel.show_drawing(None)


def test_keys_scrub_through_x_t_its_estimate_and_the_noise(panel, drawing) -> None:
    panel.show_drawing(drawing)
    assert panel.steps.step == 4
    assert panel.steps.words.text() == "After step 4, noise level t = 0: the sample"
    panel.steps.slider.setFocus()
    for stroke in reversed(drawing.strokes[:-1]):
        QTest.keyClick(panel.steps.slider, Qt.Key.Key_Left)
        assert panel.stroke is stroke
        for pixels, what in zip(shown(panel.row), ("x", "x0", "eps"), strict=True):
            assert np.array_equal(pixels, stroke.bytes_of(what)[0])
    assert panel.steps.words.text() == "Step 1 of 4, noise level t = 1"


def test_another_sample_is_chosen_by_click_and_key(panel, drawing) -> None:
    panel.show_drawing(drawing)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(2).center().toPoint())
    assert panel.header.value == "sample 3 of 4"
    assert np.array_equal(shown(panel.row)[0], drawing.strokes[-1].bytes_of("x")[2])
    QTest.keyClick(panel.strip, Qt.Key.Key_Right)
    assert np.array_equal(shown(panel.row)[0], drawing.strokes[-1].bytes_of("x")[3])
    QTest.keyClick(panel.strip, Qt.Key.Key_Right)
    assert panel.strip.row == 3


def test_the_newest_stroke_is_shown_unless_somebody_looks_at_another(panel) -> None:
    seen = []
    for drawing in growing(learnt("shapes"), WISH):
        panel.show_drawing(drawing)
        seen.append(panel.steps.step)
        if len(drawing.strokes) == 3:
            panel.steps.go_to(1)
        if not drawing.done and panel.steps.step:
            assert panel.steps.words.text().endswith("still drawing")
        if len(drawing.strokes) == 4:
            break
    assert seen == [0, 1, 2, 1]


def test_play_goes_from_noise_to_sample_and_ends(panel, drawing, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("app.panels.stepbar.PLAY_S", 0.2)
    panel.show_drawing(drawing)
    seen = []
    panel.steps.moved.connect(seen.append)
    QTest.mouseClick(panel.steps.play, LEFT)
    assert panel.steps.playing
    qtbot.waitUntil(lambda: not panel.steps.playing, timeout=20_000)
    assert seen == [0, 1, 2, 3, 4]


def test_another_run_is_asked_for_with_what_was_set(panel, drawing, qtbot) -> None:
    panel.show_drawing(drawing)
    fields = panel.compare
    fields.sampler.setFocus()
    fields.sampler.setCurrentIndex(fields.sampler.findData("heun"))
    for field, text in ((fields.steps, "8"), (fields.guidance, "1.5"), (fields.seed, "9")):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
    with qtbot.waitSignal(panel.compare_wanted) as asked:
        QTest.mouseClick(fields.draw, LEFT)
    wanted = replace(WISH, sampler="heun", steps=8, guidance=1.5, seed=9)
    assert vars(asked.args[0]) == vars(wanted)


def test_fields_that_nobody_touched_follow_the_drawing_and_what_is_said_the_seed(
    panel, drawing, qtbot
) -> None:
    panel.show_drawing(drawing)
    fields = panel.compare
    fields.steps.setFocus()
    fields.steps.selectAll()
    QTest.keyClicks(fields.steps, "8")
    QTest.keyClick(fields.steps, Qt.Key.Key_Return)
    other = replace(WISH, steps=2, guidance=0.5, sampler="euler")
    panel.show_drawing(drawn(learnt("shapes"), other))
    assert vars(fields.wish()) == vars(replace(other, sampler="ddim", steps=8))
    assert fields.noise.text() == SAME_NOISE
    fields.seed.setFocus()
    fields.seed.selectAll()
    QTest.keyClicks(fields.seed, "9")
    QTest.keyClick(fields.seed, Qt.Key.Key_Return)
    assert fields.noise.text() == OTHER_NOISE
    panel.show_drawing(drawing)
    assert vars(fields.wish()) == vars(
        replace(WISH, sampler=fields.wish().sampler, steps=8, seed=9)
    )
    panel.show_drawing(None)
    fields.forget()
    panel.show_drawing(drawing)
    assert vars(fields.wish()) == vars(replace(WISH, sampler=fields.wish().sampler))
    assert fields.noise.text() == SAME_NOISE


def test_the_other_run_is_shown_at_the_same_noise_level(panel, drawing) -> None:
    panel.show_drawing(drawing)
    other = drawn(learnt("shapes"), replace(WISH, sampler="ddim", steps=8))
    panel.show_other(other)
    assert panel.other_row.isVisible()
    panel.steps.go_to(0)
    # From the same noise.
    assert np.array_equal(shown(panel.row)[0], shown(panel.other_row)[0])
    panel.steps.go_to(2)
    assert other.strokes[4].t == drawing.strokes[2].t
    assert np.array_equal(shown(panel.other_row)[1], other.strokes[4].bytes_of("x0")[0])
    assert panel.other_row.words.text().startswith(words_of(other.order.wish))
    QTest.mouseClick(panel.forget_other, LEFT)
    assert not panel.other_row.isVisible()
    assert panel.other is None


def test_a_run_of_another_model_is_not_put_beside_it(panel, drawing) -> None:
    panel.show_drawing(drawing)
    panel.show_other(drawn(learnt("mixture"), POINTS))
    assert panel.other is None


def test_what_guidance_does_is_shown_only_to_who_asks(panel, qtbot) -> None:
    guided = replace(WISH, guidance=2.0)
    drawing = drawn(learnt("shapes"), guided)
    asked, guidance = [], panel.guidance
    guidance.wanted.connect(asked.append)
    panel.show_drawing(drawing)
    for step in (0, 2, 3):
        panel.steps.go_to(step)
    assert not asked
    assert not guidance.views[0].isVisible()
    for what in ("x0", "eps"):
        QTest.mouseClick(guidance.what.button(what), LEFT)
        parts = guidance_parts(drawing.artist, guided, drawing.strokes[3], 0)
        for name in PARTS:
            pixels = getattr(parts, name).picture(what, 0)
            assert np.array_equal(guidance.views[0].pictures[name].pixels, pixels)
    view = guidance.views[0]
    assert np.array_equal(view.difference.pixels, heat(parts.difference.numpy()))
    assert view.difference.pixels.std() > 0
    assert f"norm {parts.norm:.3g}, RMS {parts.rms:.3g}" in view.figures.text()
    assert f"brightest {float(parts.difference.max()):.3g}" in view.figures.text()
    assert "guided = 3 conditional \N{MINUS SIGN} 2 unconditional" in view.figures.text()
    assert len(asked) == 1, "found once for both"
    # The guided estimate is the one that the sampler went by.
    guidance.what.set_value("x0")
    assert np.abs(view.pictures["guided"].pixels - shown(panel.row)[1].astype(int)).max() <= 1
    panel.strip.choose(1)
    parts = guidance_parts(drawing.artist, guided, drawing.strokes[3], 1)
    assert np.array_equal(view.difference.pixels, heat(parts.difference.numpy()))
    QTest.mouseClick(guidance.what.button("off"), LEFT)
    assert not view.isVisible()


def test_what_guides_another_run_stands_below(panel) -> None:
    guided = replace(WISH, guidance=2.0)
    drawing = drawn(learnt("shapes"), guided)
    other = drawn(learnt("shapes"), replace(guided, guidance=-0.5, steps=8))
    panel.show_drawing(drawing)
    panel.guidance.what.set_value("eps")
    panel.show_other(other)
    panel.steps.go_to(2)
    first, second = panel.guidance.views
    assert second.isVisible()
    parts = guidance_parts(other.artist, other.order.wish, other.strokes[4], 0)
    assert np.array_equal(second.difference.pixels, heat(parts.difference.numpy()))
    assert "guided = 0.5 conditional + 0.5 unconditional" in second.figures.text()
    assert "guided = 3 conditional" in first.figures.text()
    panel.show_other(None)
    assert not second.isVisible()


def test_why_nothing_is_guided_is_said(panel) -> None:
    view, guidance = panel.guidance.views[0], panel.guidance
    guidance.what.set_value("x0")
    for wish, words in (
        (WISH, "without guidance"),
        (replace(WISH, texts=(), guidance=2.0), "No caption or class was asked for"),
        (replace(WISH, guidance=2.0), "No noise is left"),
    ):
        panel.show_drawing(drawn(learnt("shapes"), wish))
        panel.steps.go_to(4)
        assert words in view.said.text()
        assert view.said.isVisible()
        assert not view.difference.isVisible()
    panel.steps.go_to(3)
    assert not view.said.isVisible()
    assert view.difference.isVisible()
    panel.show_drawing(drawn(learnt("mixture"), POINTS))
    assert not guidance.isVisible()


def test_until_something_newer_is_found_the_step_before_stays_with_its_level(panel) -> None:
    panel.guidance.wanted.disconnect()
    asked, guidance = [], panel.guidance
    guidance.wanted.connect(asked.append)
    drawing = drawn(learnt("shapes"), replace(WISH, guidance=2.0))
    panel.show_drawing(drawing)
    guidance.what.set_value("eps")
    panel.steps.go_to(3)
    assert guidance.views[0].look is None
    guidance.take(asked[0].find())
    first = guidance.views[0].look
    assert first.t == drawing.strokes[3].t
    for step in (2, 1):
        panel.steps.go_to(step)
        assert guidance.views[0].look is first
        assert f"At t = {first.t:g}" in guidance.views[0].figures.text()
    assert len(asked) == 2, "one wish at a time"
    guidance.take(asked[1].find())  # of step 2, which is not on show any more
    assert guidance.views[0].look is first
    guidance.take(asked[2].find())
    assert guidance.views[0].look.t == drawing.strokes[1].t
    panel.steps.go_to(2)
    guidance.give_up()
    assert guidance.views[0].look is None
    panel.steps.go_to(1)
    assert len(asked) == 4, "what failed is not asked for again"


def test_points_lie_over_the_learned_field_and_its_error(panel) -> None:
    artist = learnt("mixture")
    drawing = drawn(artist, POINTS)
    panel.show_data("mixture")
    panel.show_drawing(drawing)
    assert panel.plane.isVisible()
    assert not panel.row.isVisible()
    assert not panel.strip.isVisible()
    panel.steps.go_to(3)
    stroke = drawing.strokes[3]
    assert panel.plane.view.dots == pytest.approx(stroke.x.numpy())
    assert panel.plane.view.arrows == 17 * 17
    assert panel.plane.view.error is None
    QTest.mouseClick(panel.plane.below.button("error"), LEFT)
    field = field_of(artist, POINTS, stroke.t, truth=known_truth("mixture"))
    assert panel.plane.view.error == pytest.approx(field.error)
    assert panel.plane.view.arrows == 0
    errors = score_errors(drawing.strokes, artist, POINTS, known_truth("mixture"))
    assert panel.plane.plot.lines[0] == pytest.approx(errors, nan_ok=True)
    assert panel.plane.title.value.startswith(f"{100 * errors[3]:.2g}".split(".")[0][:2])
    plot = panel.plane.plot
    QTest.mouseClick(plot, LEFT, pos=QPoint(round(plot.x_of(5)), 40))
    assert panel.steps.step == 5
    assert "half the true score" in panel.plane.key.text()
    data = np.array([[0.5, 0.0], [0.0, 1.0]])
    panel.plane.show_data(data)
    assert not len(panel.plane.view.data), "heat is not covered"
    QTest.mouseClick(panel.plane.below.button("none"), LEFT)
    assert panel.plane.view.error is None
    assert panel.plane.view.data == pytest.approx(data)
    assert panel.plane.key.text() == "Grey: the data; orange: the samples"
    panel.plane.show_data(None)
    assert not len(panel.plane.view.data)
    assert panel.plane.key.text() == ""
    QTest.mouseClick(panel.plane.below.button("field"), LEFT)
    assert panel.plane.key.text().startswith("Arrows: ")
    QTest.mouseClick(panel.plane.below.button("none"), LEFT)


def test_the_arrows_of_a_classifier_stand_beside_those_of_the_score(panel) -> None:
    artist = learnt("mixture", classifier=True)
    guided = replace(POINTS, texts=("mode 3",), classifier_guidance=2.0)
    panel.show_data("mixture")
    panel.show_drawing(drawn(artist, guided))
    panel.steps.go_to(3)
    plane, stroke = panel.plane, panel.stroke
    QTest.mouseClick(plane.below.button("classifier"), LEFT)
    field = field_of(artist, guided, stroke.t)
    alone = field.score - field.pull
    arrows = plane.view.pulls
    assert len(arrows) == 17 * 17 == plane.view.arrows
    places = field.places.reshape(-1, 2)
    assert arrows[:, 0] == pytest.approx(places)
    longest = max(np.linalg.norm(each, axis=-1).max() for each in (alone, field.pull))
    scale = 0.85 * 5 / 16 / longest
    assert arrows[:, 1] - places == pytest.approx(field.pull.reshape(-1, 2) * scale, abs=1e-5)
    # Another run of the same model without it has a field of its own and no such arrows.
    fields = panel.compare
    assert fields.classifier.isVisible()
    assert fields.classifier.content == 2
    fields.classifier.set_content(0.0)
    panel.show_other(drawn(artist, fields.wish()))
    assert fields.wish().classifier_guidance == 0
    assert plane.other_view.pulls is None
    assert plane.other_view.arrows == 17 * 17
    assert plane.view.pulls is not None
    # Of several classes in turn there is no one field, and without guidance nothing to see.
    panel.show_drawing(drawn(artist, replace(guided, texts=("mode 1", "mode 3"))))
    assert not plane.below.button("classifier").isEnabled()
    assert plane.below.value == "field"
    panel.show_drawing(drawn(artist, POINTS))
    assert not plane.below.button("classifier").isVisible()
    assert not fields.classifier.isVisible()


def test_the_arrows_with_and_without_a_class_stand_side_by_side(panel) -> None:
    artist = learnt("mixture", classes=True)
    guided = replace(POINTS, texts=("mode 3",), guidance=2.0)
    panel.show_data("mixture")
    panel.show_drawing(drawn(artist, guided))
    panel.steps.go_to(3)
    plane, stroke = panel.plane, panel.stroke
    assert plane.view.pulls is None
    QTest.mouseClick(plane.below.button("guidance"), LEFT)
    field = field_of(artist, guided, stroke.t)
    both = field.unconditional, field.conditional
    assert not np.allclose(*both, atol=1e-4)
    assert "without the class (green) and with it (violet)" in plane.key.text()
    scale = 0.85 * 5 / 16 / max(np.linalg.norm(each, axis=-1).max() for each in both)
    places = field.places.reshape(-1, 2)
    for arrows, each in zip((plane.view.firsts, plane.view.pulls), both, strict=True):
        assert arrows[:, 0] == pytest.approx(places)
        assert arrows[:, 1] - places == pytest.approx(each.reshape(-1, 2) * scale, abs=1e-5)
    QTest.mouseClick(plane.below.button("field"), LEFT)
    assert plane.view.pulls is None
    assert plane.key.text().startswith("Arrows: ")
    moved = (plane.view.firsts[:, 1] - places).reshape(17, 17, 2)
    assert moved * np.linalg.norm(field.flow, axis=-1).max() == pytest.approx(
        field.flow * 0.85 * 5 / 16, abs=1e-4
    )
    panel.show_drawing(drawn(artist, replace(guided, texts=("mode 1", "mode 3"))))
    assert not plane.below.button("guidance").isEnabled()
    panel.show_drawing(drawn(artist, replace(guided, guidance=0.0)))
    assert not plane.below.button("guidance").isVisible()


def test_without_known_truth_no_error_is_offered(panel) -> None:
    panel.show_data("mixture")
    panel.plane.below.set_value("error")
    panel.show_data("moons")
    panel.show_drawing(drawn(learnt("mixture"), POINTS))
    assert not panel.plane.below.button("error").isVisible()
    assert not panel.plane.plot.isVisible()
    assert panel.plane.below.value == "field"


def test_two_runs_of_points_flow_in_two_planes(panel) -> None:
    artist = learnt("mixture")
    drawing = drawn(artist, POINTS)
    other = drawn(artist, replace(POINTS, steps=3, sampler="ddim"))
    panel.show_data("mixture")
    panel.show_drawing(drawing)
    panel.show_other(other)
    assert panel.plane.other_view.isVisible()
    assert panel.plane.other_view.dots == pytest.approx(other.strokes[-1].x.numpy())
    assert panel.plane.plot.lines.shape == (2, 7)


def test_the_path_is_saved_and_failures_are_said(panel, drawing, qtbot, tmp_path) -> None:
    panel.show_drawing(drawing)
    for name, words in (("a.gif", "Saved"), ("no/a.png", "does not exist"), ("a.xyz", "use one")):
        with qtbot.waitSignal(panel.saver.ended, timeout=30_000):
            panel.save_to(tmp_path / name)
        assert words in panel.said.text()
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_what_comes_while_hidden_is_shown_later(panel, drawing) -> None:
    panel.hide()
    panel.show_drawing(drawing)
    assert shown(panel.row)[0] is None
    panel.show()
    assert np.array_equal(shown(panel.row)[0], drawing.strokes[-1].bytes_of("x")[0])
