"""The whole way with the real engine: shapes are learnt, drawn, scrubbed, and looked into."""

from dataclasses import replace

import numpy as np
import pytest
from app_drawings import point_at
from app_drop import drop
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import DIFFUSION
from app.questions import Choice
from engines.diffusion.data.shapes.source import make_shapes

pytestmark = pytest.mark.gl

LEFT = Qt.MouseButton.LeftButton
SMALL = {"batch": 4, "steps": 100_000, "samples": 4, "sample_steps": 2, "sample_seconds": 1.0}


@pytest.fixture
def shapes(tmp_path):
    """Some of the shapes as a person would have them: pictures with captions beside them."""
    made = make_shapes(12).pictures
    folder = tmp_path / "shapes"
    folder.mkdir()
    for i, (image, text) in enumerate(zip(made.images, made.texts, strict=True)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{i:02}.png")
        (folder / f"{i:02}.txt").write_text(text, encoding="utf-8")
    return folder


def test_shapes_are_learnt_drawn_scrubbed_and_their_attention_is_the_engines(
    make_window, small_kinds, shapes, wait
):
    def patient(condition) -> None:
        wait(condition, 120.0)

    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    window.questions.choice = Choice.DISCARD
    QTest.mouseClick(window.topbar.engine.button("diffusion"), LEFT)
    window.docks.settings.set_config(replace(window.docks.config(), **SMALL))
    drop(window, shapes)
    patient(lambda: window.diffusing.page.shown is not None)
    window.actions_["stop"].trigger()

    docks, box = window.docks, window.diffusing.page.draw
    docks["attention"].raise_()
    patient(lambda: docks.attention.record.isVisible())
    QTest.mouseClick(docks.attention.record, LEFT)
    for name, value in {"count": 2, "steps": 3, "guidance": 1.0}.items():
        box.form.rows[name].set_value(value)
    box.caption.setFocus()
    QTest.keyClicks(box.caption, "a red circle")
    QTest.mouseClick(box.button, LEFT)
    patient(lambda: docks.attention.drawing is not None and docks.attention.drawing.done)

    panel = docks.attention
    drawing, capture = panel.drawing, panel.capture
    assert len(drawing.strokes) == 4
    assert capture.calls == 3
    patient(lambda: panel.heads.layer != "")
    place = panel.heads.place_of("block 2 self", 1).center().toPoint()
    QTest.mouseClick(panel.heads, LEFT, pos=place)
    assert panel.choice.layer == "block 2 self"
    items = capture.chosen(kind="self", layers=["block 2 self"], calls=[panel.choice.call])
    values = items[0].values[0, 1].numpy()
    assert np.array_equal(panel.matrix.values, values)
    assert values.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    point_at(panel.map.picture, 3, 5)
    assert panel.map.query == 29
    assert np.array_equal(panel.map.values, values[29].reshape(8, 8))
    assert panel.words.tiles.words == ("a", "red", "circle")

    # What is recorded changes nothing of what is drawn.
    wish = drawing.order.wish
    assert np.array_equal(drawing.artist.samples(wish).numpy(), drawing.strokes[-1].x.numpy())

    docks["path"].raise_()
    path = docks.path
    patient(lambda: path.isVisible() and path.stroke is not None)
    path.steps.slider.setFocus()
    QTest.keyClick(path.steps.slider, Qt.Key.Key_Home)
    assert path.stroke is path.drawing.strokes[0]
    QTest.keyClick(path.steps.slider, Qt.Key.Key_Right)
    assert path.stroke is path.drawing.strokes[1]
    QTest.mouseClick(path.compare.draw, LEFT)
    patient(lambda: path.other is not None and path.other.done)
    assert path.other.order.wish.sampler != wish.sampler
    first, other = path.drawing.strokes[0].x, path.other.strokes[0].x
    assert np.array_equal(first.numpy(), other.numpy()), "it begins at the same noise"
