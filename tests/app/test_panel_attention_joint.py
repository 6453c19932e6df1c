"""The attention panel and a model whose patches and words look at each other in one matrix."""

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
)
from PySide6.QtTest import QTest

from app.panels.attentionrecording import Recording
from app.widgets.figures import number, percent
from engines.diffusion.looking import heat_of_words
from engines.diffusion.maps import rollout

WORDS = ("a", "red", "circle", "left", "of", "a", "blue", "square")


@pytest.fixture
def panel(qtbot, qapp):
    return attention_panel(qtbot, qapp)


@pytest.fixture(scope="module")
def drawing():
    artist = learnt("shapes", 2, network="mmdit laptop")
    return drawn(artist, WISH, Recording().new_capture)


def test_a_patch_tells_where_it_looks_and_at_which_words(panel, drawing) -> None:
    panel.show_drawing(drawing)
    pick(panel, "block 2 joint", 1)
    assert panel.header.value == "block 2, head 2"
    values, bars = captured(panel)[1].numpy(), panel.map.bars
    assert bars.words == WORDS
    assert panel.map.values == pytest.approx(values[:64, :64].mean(0).reshape(8, 8))
    point_at(panel.map.picture, 3, 5)
    assert np.array_equal(panel.map.values, values[29, :64].reshape(8, 8))
    assert np.array_equal(bars.values, values[29, 64:])
    assert panel.map.values.sum() + bars.values.sum() == pytest.approx(1.0, abs=1e-5)
    row, column = divmod(int(values[29, :64].argmax()), 8)
    word = int(values[29, 64:].argmax())
    wanted = (
        f"Row 4, column 6 looks most at row {row + 1}, column {column + 1} "
        f"({percent(float(values[29, :64].max()), 1.0)}); "
        f"{percent(float(values[29, 64:].sum()), 1.0)} go to words, most to “{WORDS[word]}” "
        f"({percent(float(values[29, 64:].max()), 1.0)})"
    )
    assert panel.map.words.text() == wanted
    assert panel.map.of_what == "Patch in row 4, column 6"
    assert panel.matrix.picture.marked == (29, 0)
    # A patch that is kept: every head of every layer shows which places it looks at.
    middle = panel.map.picture.middle_of(3, 5).toPoint()
    QTest.mouseClick(panel.map.picture, LEFT, pos=middle)
    other = captured(panel, layer="block 1 joint")[0].numpy()
    assert np.array_equal(panel.heads.maps["block 1 joint", 0], other[29, :64].reshape(8, 8))
    # A word: who looks at it, on the image and in every head.
    QTest.mouseClick(bars, LEFT, pos=bars.row_of(6).center().toPoint())
    assert panel.map.of_what == "Word blue"
    assert np.array_equal(panel.map.values, values[:64, 70].reshape(8, 8))
    assert np.array_equal(panel.heads.maps["block 1 joint", 0], other[:64, 70].reshape(8, 8))
    QTest.mouseClick(bars, LEFT, pos=bars.row_of(6).center().toPoint())
    assert np.array_equal(panel.map.values, values[29, :64].reshape(8, 8))


def test_the_matrix_holds_patches_and_words_in_three_stages(panel, drawing) -> None:
    panel.show_drawing(drawing)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.place_of(1).center().toPoint())
    pick(panel, "block 1 joint", 0)
    for stage in ("scores", "masked", "softmax"):
        QTest.mouseClick(panel.matrix.stages.button(stage), LEFT)
        # "a green triangle", without the padding that the other captions need.
        values = captured(panel, stage)[0, :67, :67].numpy()
        assert np.array_equal(panel.matrix.values, values)
        assert not panel.matrix.columns.isVisible()
        point_at(panel.matrix.picture, 65, 9)
        value = number(float(values[65, 9]))
        assert panel.matrix.words.text() == f"“green” looks at row 2, column 2: {value}"
    assert values.sum(1) == pytest.approx(1.0, abs=1e-5)
    picture = panel.matrix.picture
    hover(picture, picture.middle_of(65, 9), leave=True)
    told = panel.matrix.words.text()
    assert told.startswith("64 patches and 3 words down, 64 patches and 3 words across")
    assert "rows sum to 1" in told
    pick(panel, "block 4 joint", 0)
    assert panel.matrix.values.shape == (64, 67)
    assert panel.matrix.words.text().startswith("64 patches down, 64 patches and 3 words across")


def test_rollout_entropy_and_word_maps_are_those_of_joint_attention(panel, drawing) -> None:
    panel.show_drawing(drawing)
    pick(panel, "block 4 joint", 0)
    QTest.mouseClick(panel.way.button("rollout"), LEFT)
    layers = panel.capture.chosen(calls=[panel.choice.call])
    flow = rollout(layers, 0).numpy()
    assert panel.matrix.values == pytest.approx(flow, abs=1e-6)
    assert panel.heads.whole_layers == {item.layer for item in layers}
    point_at(panel.map.picture, 0, 1)
    assert np.array_equal(panel.map.bars.values, flow[1, 64:])
    shares = torch.stack([i.values[0] for i in panel.capture.chosen(layers=["block 4 joint"])])
    by_hand = torch.special.entr(shares).sum(-1).mean(-1) / np.log(72)
    assert panel.entropy.lines == pytest.approx(by_hand.T.numpy(), abs=1e-5)
    assert panel.words.tiles.words == WORDS
    maps = heat_of_words(panel.capture, 0, 8)
    assert np.array_equal(panel.words.tiles.maps, maps.numpy())
    assert panel.words.layers.isVisible()
