"""The attention panel: what it shows is what was captured, and what one can ask of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from app_drawings import (
    LEFT,
    WISH,
    attention_panel,
    captured,
    drawn,
    growing,
    learnt,
    pick,
    point_at,
    tick,
)
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from app.panels.attentionrecording import Recording
from app.widgets.figures import number
from app.widgets.panel import ScrolledColumn
from engines.diffusion.artist import Wish
from engines.diffusion.capture import Capture
from engines.diffusion.looking import heat_of_words
from engines.diffusion.maps import entropy, rollout


@pytest.fixture
def panel(qtbot, qapp):
    return attention_panel(qtbot, qapp)


@pytest.fixture(scope="module")
def drawing():
    return drawn(learnt("shapes"), WISH, Recording().new_capture)


def test_an_empty_panel_offers_to_record(panel, drawing, qtbot) -> None:
    assert "attention recorded" in panel.empty.text()
    assert not any(card.isVisible() for card in panel.cards)
    panel.resize(300, 160)
    bar = panel.findChild(ScrolledColumn).verticalScrollBar()
    before = bar.value()
    assert bar.maximum() > 0
    panel.record.setFocus()
    with qtbot.waitSignal(panel.record_wanted) as wanted:
        QTest.mouseClick(panel.record, LEFT)
    assert wanted.args == [True]
    panel.set_recording(True)
    assert "click Draw more" in panel.empty.text()
    assert panel.focusWidget() is panel.record, "else the panel scrolls after whatever has it"
    assert bar.value() == before
    panel.set_recording(False)
    assert "attention recorded" in panel.empty.text()
    assert not panel.record.isChecked()
    panel.show_drawing(drawn(learnt("shapes"), replace(WISH, steps=1)))
    assert "without recording" in panel.empty.text()
    assert panel.record.isEnabled()
    panel.show_drawing(drawing)
    assert not panel.empty.isVisible()
    assert not panel.record.isVisible()
    assert all(card.isVisible() for card in panel.cards)
    panel.show_drawing(drawn(learnt("mixture"), Wish(steps=1), Recording().new_capture))
    assert "points" in panel.empty.text()
    assert not panel.record.isVisible()


def test_a_picked_head_is_the_captured_tensor_and_its_rows_sum_to_one(panel, drawing) -> None:
    panel.show_drawing(drawing)
    place = panel.heads.place_of("block 2 self", 1).center().toPoint()
    QTest.mouseClick(panel.heads, LEFT, pos=place)
    assert panel.header.value == "block 2, head 2"
    values = captured(panel)[1]
    assert panel.choice.layer == "block 2 self"
    assert np.array_equal(panel.matrix.values, values.numpy())
    assert panel.matrix.values.sum(1) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(panel.heads.maps["block 2 self", 1], values.numpy())
    assert "rows sum to 1" in panel.matrix.words.text()
    QTest.keyClick(panel.heads, Qt.Key.Key_Down)
    assert panel.choice.layer == "block 3 self"
    assert np.array_equal(panel.matrix.values, captured(panel)[1].numpy())


def test_hovering_a_patch_shows_where_it_looks_and_a_click_keeps_it(panel, drawing) -> None:
    panel.show_drawing(drawing)
    values = captured(panel)[0]
    assert panel.map.values == pytest.approx(values.mean(0).reshape(8, 8).numpy())
    point_at(panel.map.picture, 3, 5)
    assert panel.map.query == 29
    assert np.array_equal(panel.map.values, values[29].reshape(8, 8).numpy())
    assert panel.map.values.sum() == pytest.approx(1.0, abs=1e-5)
    assert panel.matrix.picture.marked == (29, 0)
    assert panel.map.words.text().startswith("Row 4, column 6 looks most at")
    picture = panel.map.picture
    QTest.mouseClick(picture, LEFT, pos=picture.middle_of(3, 5).toPoint())
    assert np.array_equal(
        panel.heads.maps["block 1 self", 1],
        captured(panel, layer="block 1 self")[1][29].reshape(8, 8).numpy(),
    )
    point_at(panel.map.picture, 0, 0)
    assert np.array_equal(panel.map.values, values[0].reshape(8, 8).numpy())
    QApplication.sendEvent(picture, QEvent(QEvent.Type.Leave))
    assert panel.map.query == 29
    QTest.mouseClick(picture, LEFT, pos=picture.middle_of(3, 5).toPoint())
    assert panel.map.pinned == -1


def test_steps_samples_and_ways_are_chosen_when_looking(panel, drawing) -> None:
    panel.show_drawing(drawing)
    assert panel.choice.call == 2
    panel.steps.slider.setFocus()
    QTest.keyClick(panel.steps.slider, Qt.Key.Key_Home)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    assert (panel.choice.call, panel.choice.row) == (0, 1)
    assert panel.steps.words.text() == "Call 1 of 3, noise level t = 1"
    for way, wanted in (
        ("mean", captured(panel).mean(0)),
        ("max", captured(panel).amax(0)),
    ):
        QTest.mouseClick(panel.way.button(way), LEFT)
        assert panel.matrix.values == pytest.approx(wanted.numpy(), abs=1e-6)
    QTest.mouseClick(panel.way.button("rollout"), LEFT)
    upto = panel.capture.names("self").index(panel.choice.layer) + 1
    layers = panel.capture.chosen(kind="self", calls=[0])[:upto]
    assert panel.matrix.values == pytest.approx(rollout(layers, 1).numpy(), abs=1e-6)
    assert panel.heads.whole_layers == {item.layer for item in layers}
    QTest.mouseClick(panel.matrix.stages.button("scores"), LEFT)
    assert panel.matrix.values is None
    assert "Rollout" in panel.matrix.words.text()


def test_the_matrix_has_three_stages(panel, drawing) -> None:
    panel.show_drawing(drawing)
    for stage in ("scores", "masked", "softmax"):
        QTest.mouseClick(panel.matrix.stages.button(stage), LEFT)
        values = captured(panel, stage)[0].numpy()
        assert np.array_equal(panel.matrix.values, values)
        point_at(panel.matrix.picture, 40, 9)
        told = panel.matrix.words.text().split(":")[0].replace(",", "").split()
        assert told[::2] == ["Query", "key"]
        query, key = int(told[1]) - 1, int(told[3]) - 1
        assert (query, key) == (40, 9)
        assert number(float(values[query, key])) in panel.matrix.words.text()
    scores, softmax = (captured(panel, stage)[0] for stage in ("masked", "softmax"))
    assert torch.allclose(scores.softmax(-1), softmax, atol=1e-6)


def test_each_word_has_a_map_over_what_is_chosen(panel, drawing) -> None:
    panel.show_drawing(drawing)
    words, tiles = panel.words, panel.words.tiles
    assert tiles.words == ("a", "red", "circle", "left", "of", "a", "blue", "square")
    assert tiles.maps == pytest.approx(heat_of_words(panel.capture, 0, 8).numpy())
    # Where there is nothing but these words, every place shares itself out to them.
    assert tiles.maps.sum(0) == pytest.approx(1.0, abs=1e-5)
    QTest.mouseClick(words.over.button("one"), LEFT)
    panel.steps.go_to(1)
    tick(words.heads, 1)
    tick(words.layers, 1)
    layer = panel.capture.names("cross")[0]
    item = panel.capture.chosen(layers=[layer], calls=[1])[0]
    assert tiles.maps.reshape(8, -1) == pytest.approx(item.values[0, 0].T.numpy(), abs=1e-6)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    assert tiles.words == ("a", "green", "triangle")
    wordless = drawn(learnt("shapes"), replace(WISH, texts=()), Recording().new_capture)
    panel.show_drawing(wordless)
    assert "without words" in words.said.text()
    assert not tiles.isVisible()


def test_entropy_over_steps_is_that_of_the_layer_and_a_click_goes_there(panel, drawing) -> None:
    panel.show_drawing(drawing)
    items = panel.capture.chosen(layers=[panel.choice.layer])
    wanted = torch.stack([entropy(item, 0) for item in items], dim=1).numpy()
    assert panel.entropy.lines == pytest.approx(wanted)
    plot = panel.entropy
    QTest.mouseClick(plot, LEFT, pos=QPoint(round(plot.x_of(1)), 30))
    assert panel.steps.step == 1
    assert plot.step == 1


def test_the_cap_on_memory_is_said_and_what_fits_is_shown(panel) -> None:
    whole = drawn(learnt("shapes"), WISH, Capture)
    budget = whole.capture.used_bytes // 2
    panel.show_drawing(drawn(learnt("shapes"), WISH, lambda: Capture(budget_bytes=budget)))
    assert panel.capped.isVisible()
    assert "left out" in panel.capped.text()
    assert "record fewer samples or stages, or allow more memory" in panel.capped.text()
    assert panel.recorder.isVisible()
    assert panel.steps.count < 3
    QTest.mouseClick(panel.matrix.stages.button("scores"), LEFT)
    assert "not recorded" in panel.matrix.words.text()
    panel.show_drawing(drawn(learnt("shapes"), WISH, lambda: Capture(budget_bytes=10)))
    assert "memory" in panel.empty.text()


def test_strokes_that_arrive_are_shown_as_they_come(panel) -> None:
    counts = []
    for drawing in growing(learnt("shapes"), WISH, Recording().new_capture):
        panel.show_drawing(drawing)
        counts.append(panel.steps.count if panel.steps.isVisible() else 0)
    # The call that goes with the newest stroke may be half recorded until it is done.
    assert counts == [0, 1, 2, 2, 3]


def test_each_stroke_costs_no_more_than_what_it_brought(panel, monkeypatch) -> None:
    from engines.diffusion import looking, maps

    asked, put_together = [], []

    def counted(known, function):
        def call(first, *args, **options):
            known.append(first)
            return function(first, *args, **options)

        return call

    monkeypatch.setattr(looking, "entropy", counted(asked, looking.entropy))
    monkeypatch.setattr(maps, "fused", counted(put_together, maps.fused))
    for drawing in growing(learnt("shapes"), WISH, Recording().new_capture):
        panel.show_drawing(drawing)
    assert len(asked) == len(set(asked)) == 3
    words = panel.capture.chosen(kind="cross")
    assert len(put_together) == len(words) == 6
    lines = torch.stack([entropy(i) for i in panel.capture.chosen(layers=[panel.choice.layer])])
    assert panel.entropy.lines == pytest.approx(lines.T.numpy())
    assert panel.words.tiles.maps == pytest.approx(heat_of_words(panel.capture, 0, 8).numpy())


def test_what_is_recorded_of_the_next_drawing_is_chosen(panel, drawing) -> None:
    panel.show_drawing(drawing)
    fields = panel.recorder
    usual = panel.new_capture()
    assert (usual.samples, usual.budget_bytes, len(usual.stages)) == (8, 512_000_000, 3)
    QTest.mouseClick(fields.stages.button("softmax"), LEFT)
    for field, words in ((fields.samples, "2"), (fields.memory, "100")):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, words)
        QTest.keyClick(field, Qt.Key.Key_Return)
    asked = panel.new_capture()
    assert asked.stages == {"softmax"}
    assert (asked.samples, asked.budget_bytes) == (2, 100_000_000)
    panel.show_drawing(drawn(learnt("shapes"), replace(WISH, steps=1), panel.new_capture))
    assert panel.strip.usable == 2
    QTest.mouseClick(panel.matrix.stages.button("scores"), LEFT)
    assert "not recorded" in panel.matrix.words.text()
    pick(panel, "block 1 cross", 0)
    assert "not recorded" in panel.matrix.words.text()
    assert len(panel.map.bars.words) == 8


def test_maps_are_saved_as_arrays_and_as_a_picture(panel, drawing, qtbot, tmp_path) -> None:
    panel.show_drawing(drawing)
    for name in ("a.npz", "a.png"):
        with qtbot.waitSignal(panel.saver.ended, timeout=30_000):
            panel.save_to(tmp_path / name)
        assert panel.said.text() == f"Saved {tmp_path / name}"
    with np.load(tmp_path / "a.npz") as found:
        name = f"call 2/{panel.choice.layer}/softmax"
        assert np.array_equal(found[name][0], captured(panel).numpy())
    with qtbot.waitSignal(panel.saver.ended, timeout=30_000):
        panel.save_to(tmp_path / "a.bmp")
    assert "use one of" in panel.said.text()


def test_a_saved_picture_says_what_it_shows(panel, drawing, qtbot, tmp_path) -> None:
    """Its words are found again, drawn as the program draws them, and nothing covers a map."""
    from engines.diffusion.labelled import GAP_PX, LINE_PX, Labelled, composed

    panel.show_drawing(drawing)
    tiles = panel.words.tiles
    assert len(tiles.words) == len(tiles.pictures) > 1
    with qtbot.waitSignal(panel.saver.ended, timeout=30_000):
        panel.save_to(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        saved = np.asarray(image)
    layer = panel.choice.layer.removesuffix(" self")
    heading = (
        f"Sample 1, call 3 of 3, noise level t = 0.333. Map: {layer}, head 1. "
        "Words: all layers, all heads (mean), all calls"
    )
    maps = [panel.map.picture.pixels, *tiles.pictures]
    words = ["Mean of all patches", *tiles.words]

    def sheet(heading: str, words: list[str]) -> np.ndarray:
        parts = [Labelled(pixels=p, words=w) for p, w in zip(maps, words, strict=True)]
        return np.asarray(composed(parts, heading))

    assert np.array_equal(saved, sheet(heading, words))
    # Every one of them can be told from another: the words are really there.
    for other in (heading.replace(layer, "block 9"), heading.replace("head 1", "head 2")):
        assert not np.array_equal(saved, sheet(other, words))
    for i in range(len(words)):
        assert not np.array_equal(saved, sheet(heading, [*words[:i], "x", *words[i + 1 :]]))
    factor = 384 // maps[0].shape[0]
    first = maps[0].repeat(factor, 0).repeat(factor, 1)
    tops = [y for y in range(GAP_PX, 4 * LINE_PX) if np.array_equal(saved[y, 8:392], first[0])]
    assert any(np.array_equal(saved[y : y + 384, 8:392], first) for y in tops)
    words_px = saved[: tops[0]].max(axis=2)
    assert words_px.max() > 200  # light on dark


def test_calls_of_a_sampler_that_makes_two_a_step_are_called_so(panel, qtbot, tmp_path) -> None:
    from engines.diffusion.labelled import Labelled, composed

    wish = replace(WISH, count=1, sampler="heun", steps=2)
    panel.show_drawing(drawn(learnt("shapes"), wish, Recording().new_capture))
    assert panel.steps.words.text().startswith("Call 3 of 3")
    assert "heun and midpoint twice" in panel.steps.words.toolTip()
    assert panel.words.range.span == (1, 3)
    assert panel.words.over_what.endswith("all calls")
    with qtbot.waitSignal(panel.saver.ended, timeout=30_000):
        panel.save_to(tmp_path / "a.png")
    moment = panel.steps.words.text().removeprefix("Call ")
    heading = (
        f"Sample 1, call {moment}. Map: {panel.choice.layer.removesuffix(' self')}, head 1. "
        "Words: all layers, all heads (mean), all calls"
    )
    maps = [(panel.map.picture.pixels, "Mean of all patches")]
    maps += zip(panel.words.tiles.pictures, panel.words.tiles.words, strict=True)
    with Image.open(tmp_path / "a.png") as image:
        expected = composed([Labelled(pixels=p, words=w) for p, w in maps], heading)
        assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_nothing_is_wider_than_a_narrow_panel(panel, drawing) -> None:
    panel.resize(296, 900)
    panel.show_drawing(drawing)
    pick(panel, "block 1 cross", 0)
    QTest.mouseClick(panel.words.over.button("some"), LEFT)
    for _ in range(3):
        QApplication.processEvents()
    for scroll in panel.findChildren(QScrollArea):
        assert scroll.widget().width() <= scroll.viewport().width()


def test_what_comes_while_hidden_is_shown_later(panel, drawing) -> None:
    panel.hide()
    panel.show_drawing(drawing)
    assert panel.map.values is None
    panel.show()
    assert panel.map.values is not None


def test_place_embeddings_are_shown_of_a_patch_and_of_all(panel) -> None:
    from engines.diffusion.placing import place_similarity

    artist = learnt("shapes")
    panel.show_drawing(drawn(artist, replace(WISH, steps=2)))
    places = panel.places
    assert panel.places_card.isVisible(), "also where no attention was recorded"
    assert "fixed waves" in places.about.text()
    similarity = place_similarity(artist.averaged)
    assert np.array_equal(places.similarity, similarity)
    rows, columns = similarity.shape[:2]
    assert places.tiles.pixels.shape == (rows * (rows + 1) - 1, columns * (columns + 1) - 1, 3)
    for _ in range(3):
        QApplication.processEvents()
    QTest.mouseClick(places.tiles, LEFT, pos=places.tiles.middle_of(1, 2).toPoint())
    assert places.picked == places.map.marked == (1, 2)
    assert places.map.pixels.shape == (rows, columns, 3)
    assert (places.map.pixels.sum(2).argmax(), rows) == (columns + 2, 8)
    assert places.words.text().startswith("Row 2, column 3 is most like row ")
    places.show_similarity(similarity[::-1], "learned")
    assert "began as noise" in places.about.text()
    panel.show_drawing(None)
    assert not panel.places_card.isVisible()
