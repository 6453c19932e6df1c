"""The attention panel and words: what each patch makes of them, head by head."""

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
    hover,
    learnt,
    pick,
    point_at,
    tick,
)
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import theme
from app.panels.attentionrecording import Recording
from app.panels.attentionwords import WordMaps
from app.widgets.figures import number, percent
from engines.diffusion.capture import Capture
from engines.diffusion.looking import heat_of_words


@pytest.fixture
def panel(qtbot, qapp):
    return attention_panel(qtbot, qapp)


@pytest.fixture(scope="module")
def drawing():
    return drawn(learnt("shapes"), WISH, Recording().new_capture)


def test_layers_heads_and_steps_of_words_are_ticked_one_by_one(qtbot, qapp) -> None:
    theme.apply(qapp, "dark")
    capture, random = Capture(), torch.Generator().manual_seed(0)
    layers = [f"block {number} cross" for number in (1, 3, 5)]
    for t in (1.0, 0.6, 0.3):
        capture.begin(torch.tensor([t]))
        for layer in layers:
            shares = torch.rand(1, 4, 64, 8, generator=random).softmax(-1)
            capture.take(layer, "cross", (8, 8), "softmax", shares)
    words = WordMaps()
    qtbot.addWidget(words)
    words.resize(340, 700)
    words.show()
    names, pixels = list("abcdefgh"), np.zeros((32, 32, 3), np.uint8)
    words.show_words(capture, calls=[0, 1, 2], step=1, row=0, words=names, pixels=pixels)
    tick(words.layers, 1, 3)
    tick(words.heads, 2, 4)
    assert words.layers.chosen == [layers[0], layers[2]]
    assert (words.layers.text(), words.heads.text()) == ("2 layers", "2 heads")
    wanted = heat_of_words(capture, 0, 8, layers=[layers[0], layers[2]], heads=[1, 3])
    assert np.array_equal(words.tiles.maps, wanted.numpy())
    assert not np.allclose(wanted, heat_of_words(capture, 0, 8))
    assert not words.range.isVisible()
    QTest.mouseClick(words.over.button("some"), LEFT)
    assert words.range.span == (1, 3)
    for field, key in ((words.range.first, Qt.Key.Key_Up), (words.range.last, Qt.Key.Key_Down)):
        QTest.keyClick(field, key)
    assert words.range.span == (2, 2)
    QTest.keyClick(words.range.first, Qt.Key.Key_Up)
    assert words.range.span == (3, 3)
    QTest.keyClick(words.range.last, Qt.Key.Key_Down)
    assert words.range.span == (2, 2)
    QTest.keyClick(words.range.last, Qt.Key.Key_Up)
    assert words.range.span == (2, 3)
    chosen = {"layers": [layers[0], layers[2]], "heads": [1, 3], "calls": [1, 2]}
    assert np.array_equal(words.tiles.maps, heat_of_words(capture, 0, 8, **chosen).numpy())
    assert words.over_what == "block 1, block 5, head 2, head 4 (mean), calls 2 to 3"
    tick(words.layers, 3)
    assert words.layers.text() == "Block 1"
    tick(words.layers, 1)
    assert words.layers.every.isChecked()
    tick(words.heads, 0)
    assert words.heads.chosen is None
    QTest.mouseClick(words.over.button("all"), LEFT)
    assert np.array_equal(words.tiles.maps, heat_of_words(capture, 0, 8).numpy())


def test_a_head_that_looks_at_words_is_picked_and_shown_in_three_stages(panel, drawing) -> None:
    panel.show_drawing(drawing)
    QTest.mouseClick(panel.way.button("rollout"), LEFT)
    pick(panel, "block 3 cross", 1)
    assert panel.header.value == "block 3, words, head 2"
    # Rollout knows nothing of words.
    assert not panel.way.button("rollout").isEnabled()
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    keys = ("a", "green", "triangle", *[None] * 5)
    columns = panel.matrix.columns
    assert panel.matrix.columns.keys == keys
    for stage in ("scores", "masked", "softmax"):
        QTest.mouseClick(panel.matrix.stages.button(stage), LEFT)
        values = captured(panel, stage)[1].numpy()
        assert np.array_equal(panel.matrix.values, values)
        assert columns.isVisible()
        assert not panel.matrix.picture.isVisible()
        hover(columns, columns.place_of(29, 1).center())
        value = number(float(values[29, 1]))
        assert panel.matrix.words.text() == f"Row 4, column 6, “green”: {value}"
        hover(columns, columns.place_of(29, 5).center())
        told = panel.matrix.words.text()
        if stage == "scores":
            assert number(float(values[29, 5])) in told
            assert not columns.masked
        else:
            assert told == "Row 4, column 6, padding: masked"
            assert columns.masked == {3, 4, 5, 6, 7}
    # What is called padding is what the network did not see.
    masked = captured(panel, "masked")[1]
    assert masked.isneginf().all(0).tolist() == [key is None for key in keys]
    assert values[:, :3].sum(1) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(panel.heads.maps["block 3 cross", 1], values)
    hover(columns, columns.place_of(29, 1).center(), leave=True)
    assert "64 patches down, 3 words across" in panel.matrix.words.text()
    assert "rows sum to 1; 5 more of padding, masked" in panel.matrix.words.text()
    pick(panel, "block 2 self", 0)
    assert panel.way.button("rollout").isEnabled()
    assert not columns.isVisible()
    assert not panel.map.bars.isVisible()


def test_hatching_hides_the_masked_columns_alone(panel, drawing) -> None:
    panel.show_drawing(drawing)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    pick(panel, "block 1 cross", 0)
    columns = panel.matrix.columns
    seen = {}
    for stage in ("scores", "masked"):
        QTest.mouseClick(panel.matrix.stages.button(stage), LEFT)
        image = columns.grab().toImage()
        places = {key: columns.place_of(10, key).center().toPoint() for key in (1, 5)}
        field = theme.colour(theme.current().field).rgb()
        faint = theme.colour(theme.current().faint).rgb()
        for key, place in places.items():
            around = {image.pixelColor(place.x() + d, place.y()).rgb() for d in range(-8, 9)}
            seen[stage, key] = bool(around & {field}) and bool(around & {faint})
    hatched = [place for place, found in seen.items() if found]
    assert hatched == [("masked", 5)]


def test_a_patch_tells_its_words_and_a_word_its_places(panel, drawing) -> None:
    panel.show_drawing(drawing)
    pick(panel, "block 3 cross", 0)
    values, bars = captured(panel)[0].numpy(), panel.map.bars
    assert bars.words == ("a", "red", "circle", "left", "of", "a", "blue", "square")
    assert bars.values == pytest.approx(values.mean(0))
    assert panel.map.values is None
    point_at(panel.map.picture, 3, 5)
    assert np.array_equal(bars.values, values[29])
    assert bars.words_of(2) == f"circle {percent(float(values[29, 2]), 1.0)}"
    most = int(values[29].argmax())
    share = percent(float(values[29, most]), 1.0)
    wanted = f"Row 4, column 6 looks most at “{bars.words[most]}” ({share})"
    assert panel.map.words.text() == wanted
    assert panel.matrix.columns.query == 29
    # A patch that is kept: every head of every layer shows what it looks at.
    middle = panel.map.picture.middle_of(3, 5).toPoint()
    QTest.mouseClick(panel.map.picture, LEFT, pos=middle)
    other = captured(panel, layer="block 1 cross")[1].numpy()
    assert np.array_equal(panel.heads.maps["block 1 cross", 1], other[29:30])
    QTest.mouseClick(panel.map.picture, LEFT, pos=middle)
    # A word: by its column, and off again by its bar.
    columns = panel.matrix.columns
    QTest.mouseClick(columns, LEFT, pos=columns.place_of(40, 1).center().toPoint())
    assert panel.map.word == columns.word == bars.word == 1
    assert np.array_equal(panel.map.values, values[:, 1].reshape(8, 8))
    assert panel.map.of_what == "Word red"
    assert np.array_equal(panel.heads.maps["block 1 cross", 1], other[:, 1].reshape(8, 8))
    pick(panel, "block 1 cross", 1)
    assert np.array_equal(panel.map.values, other[:, 1].reshape(8, 8))
    QTest.keyClick(columns, Qt.Key.Key_Right)
    assert np.array_equal(panel.map.values, other[:, 2].reshape(8, 8))
    QTest.mouseClick(bars, LEFT, pos=bars.row_of(2).center().toPoint())
    assert panel.map.values is None
    assert columns.word == -1
    # Padding is no word, and another sample has other words.
    QTest.mouseClick(columns, LEFT, pos=columns.place_of(40, 1).center().toPoint())
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    assert panel.map.word == -1
    QTest.mouseClick(columns, LEFT, pos=columns.place_of(40, 6).center().toPoint())
    assert panel.map.word == -1


def test_the_heads_of_words_are_put_together_and_their_entropy_is_of_words(panel, drawing) -> None:
    panel.show_drawing(drawing)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    pick(panel, "block 1 cross", 0)
    QTest.mouseClick(panel.way.button("max"), LEFT)
    assert np.array_equal(panel.matrix.values, captured(panel).amax(0).numpy())
    shares = torch.stack([i.values[1] for i in panel.capture.chosen(layers=["block 1 cross"])])
    # Of three words; five keys of padding are none that could be looked at.
    by_hand = torch.special.entr(shares[..., :3]).sum(-1).mean(-1) / np.log(3)
    assert panel.entropy.lines == pytest.approx(by_hand.T.numpy(), abs=1e-5)


def test_without_words_there_is_one_key(panel) -> None:
    plain = replace(WISH, texts=())
    panel.show_drawing(drawn(learnt("shapes"), plain, Recording().new_capture))
    pick(panel, "block 1 cross", 0)
    assert panel.matrix.columns.keys == ("no words",)
    assert panel.map.bars.values == pytest.approx([1.0])


def test_a_new_drawing_forgets_a_word_that_it_does_not_have(panel, drawing) -> None:
    panel.show_drawing(drawing)
    pick(panel, "block 1 cross", 0)
    bars = panel.map.bars
    QTest.mouseClick(bars, LEFT, pos=bars.row_of(7).center().toPoint())
    assert panel.map.word == 7
    short = replace(WISH, texts=("green",), steps=1)
    panel.show_drawing(drawn(learnt("shapes"), short, Recording().new_capture))
    assert panel.map.word == -1
    assert panel.matrix.columns.keys == ("green",)
