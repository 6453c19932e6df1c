"""Samples that start from an image: chosen, dropped or drawn; forgotten in part, or painted."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from app_drop import drop, mime_of
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.enginekinds import DIFFUSION
from app.panels.samples import BOX_PX, NARROW_BOX_PX
from app.panels.startbox import STRENGTH
from app.questions import Choice
from engines.diffusion.artist import Artist
from engines.diffusion.networks.choose import build
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.saved import SavedModel, read_model, write_model

pytestmark = pytest.mark.gl

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SIDE = 16


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that has learnt nothing, but draws."""
    config = NetworkConfig(height=SIDE, width=SIDE, features=16, depth=1, heads=2)
    network = build(config, torch.Generator().manual_seed(0))
    path = tmp_path_factory.mktemp("model") / "plain.safetensors"
    diffusion = {"path": "linear", "target": "noise"}
    write_model(
        SavedModel(name="plain", network=network, vocabulary=None, diffusion=diffusion), path
    )
    return path


@pytest.fixture
def wait(wait):
    """Patient, on a machine that may have other things to do."""
    return lambda condition: wait(condition, 120.0)


@pytest.fixture
def page(make_window, small_kinds, model, wait):
    """The samples of a model from a file, in a real window."""
    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    drop(window, model)
    wait(lambda: "Drawn in" in window.diffusing.page.draw.row.progress.text())
    return window.diffusing.page


@pytest.fixture
def picture(tmp_path):
    """A picture twice as wide as high: what is learnt of it is its middle."""
    pixels = np.random.default_rng(0).integers(0, 255, (2 * SIDE, 4 * SIDE, 3), np.uint8)
    path = tmp_path / "wide.png"
    Image.fromarray(pixels).save(path)
    middle = pixels[:, SIDE : 3 * SIDE].astype(float)
    return path, middle.reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3))


def drop_on(widget, path) -> bool:
    """What the window system sends to a part of the window; whether that took it."""
    taken = True
    middle = widget.rect().center()
    for make, place in ((QDragEnterEvent, middle), (QDropEvent, QPointF(middle))):
        mime = mime_of(path)  # the event does not keep it alive
        event = make(place, Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)
        taken = taken and event.isAccepted()
    return taken


def stroke(canvas, *places: tuple[float, float], button=LEFT) -> None:
    """The pointer goes from place to place of the image with a button held."""
    points = [canvas.place_of(row, column) for row, column in places]
    QTest.mousePress(canvas, button, pos=points[0].toPoint())
    for point in points[1:]:
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            point,
            QPointF(canvas.mapToGlobal(point)),
            Qt.MouseButton.NoButton,
            button,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(canvas, event)
    QTest.mouseRelease(canvas, button, pos=points[-1].toPoint())


def draw(page, wait) -> np.ndarray:
    for name, value in {"count": 3, "steps": 10, "seed": 5}.items():
        page.draw.form.rows[name].set_value(value)
    QTest.mouseClick(page.draw.button, LEFT)
    assert "Drawn in" not in page.draw.row.progress.text()
    wait(lambda: "Drawn in" in page.draw.row.progress.text())
    return page.shown.samples


def test_a_model_file_makes_the_window_say_diffusion(page, model, wait):
    window = page.window()
    assert window.topbar.engine.value == "diffusion"
    assert window.bench.kind is DIFFUSION
    assert window.docks.settings.config_type is DIFFUSION.config_type
    assert window.docks.settings.isVisible()
    assert page.isVisible()
    QTest.mouseClick(window.topbar.engine.button("splats"), LEFT)
    assert window.topbar.engine.value == "splats"  # it is still a free choice
    assert page.isVisible()
    drop(window, model)
    wait(lambda: window.topbar.engine.value == "diffusion")


def test_samples_come_from_a_chosen_image_at_a_strength(page, picture, answers, model, wait):
    path, middle = picture
    start = page.draw.start
    assert start.choose.isVisible()
    answers.path = path
    QTest.mouseClick(start.choose, LEFT)
    wait(lambda: start.image is not None)
    assert "Start from an image" in answers.asked
    assert not start.choose.isVisible()
    assert np.abs(start.image - middle).max() <= 1  # as large as what the model draws
    start.strength.setFocus()
    QTest.keyClick(start.strength, Qt.Key.Key_Home)
    assert start.strength.value() == 0
    same = draw(page, wait)
    assert same.shape == (3, SIDE, SIDE, 3)
    assert all(np.array_equal(sample, start.image) for sample in same)
    for _ in range(30):
        QTest.keyClick(start.strength, Qt.Key.Key_Right)
    found = draw(page, wait)
    assert "wide.png at strength 0.3" in page.shown.origin
    drawing = page.window().docks.path.drawing
    assert drawing.order.wish.strength == 0.3
    assert len(drawing.strokes) - 1 == drawing.artist.steps_of(drawing.order.wish) == 3
    artist = Artist.of(read_model(model))
    *_, end = artist.draw(drawing.order.wish)
    assert np.abs(found.astype(int) - end.bytes_of("x")).max() <= 2
    assert not np.array_equal(found[0], start.image)
    QTest.mouseClick(start.remove, LEFT)
    assert start.image is None
    assert start.choose.isVisible()
    draw(page, wait)
    assert page.window().docks.path.drawing.order.wish.image is None


def test_what_is_painted_on_a_dropped_image_is_drawn_anew_and_all_else_stays(page, picture, wait):
    start = page.draw.start
    assert drop_on(start, picture[0])
    wait(lambda: start.image is not None and start.canvas.isVisible())
    wait(lambda: start.canvas.height() > 80)
    QTest.keyClick(start.brush, Qt.Key.Key_Home)
    assert start.hole is None
    stroke(start.canvas, (4.5, 3.5), (4.5, 12.5))  # in one leap, without gaps
    hole = start.hole
    assert hole[4, 3:13].all()
    assert hole.sum() == 10
    assert not start.strength.isEnabled()
    stroke(start.canvas, (4.5, 3.5), button=RIGHT)
    assert start.hole.sum() == 9
    QTest.mouseClick(start.erase, LEFT)
    stroke(start.canvas, (4.5, 4.5))
    assert start.hole.sum() == 8
    QTest.mouseClick(start.erase, LEFT)
    for _ in range(5):
        QTest.keyClick(start.brush, Qt.Key.Key_Right)
    stroke(start.canvas, (10.0, 8.0))
    hole = start.hole
    assert hole[8:12, 6:10].all()  # a brush of 6 pixels
    assert not hole[14:].any()
    samples = draw(page, wait)
    assert "wide.png drawn anew in part" in page.shown.origin
    assert all(np.array_equal(sample[~hole], start.image[~hole]) for sample in samples)
    assert (samples[0][hole] != start.image[hole]).any()
    assert (samples[0][hole] != samples[1][hole]).any()
    assert "How often each step" in start.repeats.toolTip()
    page.draw.set_width(NARROW_BOX_PX)
    column = page.draw.width()
    wait(lambda: start.tools.minimumSizeHint().width() <= column)  # nothing is cut off
    assert start.offer.minimumSizeHint().width() <= column
    page.draw.set_width(BOX_PX)
    start.repeats.setFocus()
    for _ in range(2):
        QTest.keyClick(start.repeats, Qt.Key.Key_Up)
    again = draw(page, wait)
    wish = page.window().docks.path.drawing.order.wish
    assert wish.repeats == 3
    assert "drawn anew in part, each step 3 times" in page.shown.origin
    *_, end = page.window().docks.path.drawing.artist.draw(wish)
    assert np.abs(again.astype(int) - end.bytes_of("x")).max() <= 2
    assert np.abs(again.astype(int) - samples).max() > 2
    QTest.mouseClick(start.unpaint, LEFT)
    assert start.hole is None
    assert start.strength.isEnabled()
    assert not start.repeats.isEnabled()
    draw(page, wait)
    assert page.window().docks.path.drawing.order.wish.repeats == 1
    assert page.draw.row.note.text() == ""


def test_a_sample_that_is_looked_at_is_started_from(page, wait):
    grid, start = page.grid, page.draw.start
    QTest.mouseClick(grid, LEFT, pos=grid.cell(2).center())
    QTest.mouseClick(page.view.start, LEFT)
    assert np.array_equal(start.image, page.shown.samples[2])
    assert start.name == "Sample 3"
    first = start.image.copy()
    stroke(start.canvas, (8.0, 8.0))
    hole = start.hole
    samples = draw(page, wait)
    assert np.array_equal(samples[1][~hole], first[~hole])


def test_a_start_is_said_beside_the_button_and_ends_with_the_data_it_was_chosen_for(
    page, picture, model, wait, tmp_path
):
    window, start, starts = page.window(), page.draw.start, page.draw.starts
    window.questions.choice = Choice.DISCARD

    def begin() -> None:
        assert drop_on(start, picture[0])
        wait(lambda: start.image is not None)
        assert starts.isVisible()

    begin()
    assert starts.text() == "Starts from wide.png"
    start.strength.setValue(20)
    wait(lambda: start.canvas.height() > 80)
    stroke(start.canvas, (4.5, 3.5))
    assert starts.text() == "Draws what is painted of wide.png anew"
    drop(window, model)  # another one, of which nobody knows that it is the same
    wait(lambda: start.image is None)
    assert starts.isHidden()
    assert start.strength.value() == STRENGTH
    wait(lambda: "Drawn in" in page.draw.row.progress.text())

    begin()
    window.actions_["close_all"].trigger()
    assert start.image is None
    assert starts.isHidden()

    # The same data again keeps it as long as it fits.
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (6, SIDE, SIDE, 3), np.uint8)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{i}.png")
    small = {"size": SIDE, "batch": 2, "samples": 1, "sample_steps": 1, "steps": 100_000}
    config = type(window.docks.config())(**small)
    window.docks.settings.set_config(config)
    drop(window, folder)
    wait(lambda: start.isVisible() and window.bench.run.step > 0)
    begin()
    first = window.bench.run.engine
    window.actions_["restart"].trigger()
    wait(lambda: window.bench.run.step > 0 and window.bench.run.engine is not first)
    assert start.image is not None
    assert starts.isVisible()
    window.actions_["stop"].trigger()
    window.docks.settings.set_config(replace(config, size=24))
    window.actions_["restart"].trigger()
    wait(lambda: window.bench.run.step > 0 and start.isVisible())
    assert start.image is None
    assert starts.isHidden()


def test_bad_images_end_in_a_sentence_and_odd_ones_are_said(page, tmp_path, monkeypatch, wait):
    window, start = page.window(), page.draw.start
    (tmp_path / "no image.png").write_text("nothing of the kind")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.xyz").write_text("words")
    Image.new("RGB", (64, 64)).save(tmp_path / "huge.png")
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(whole)
    (tmp_path / "cut off.png").write_bytes(whole.read_bytes()[:2000])
    Image.new("RGB", (4000, 2)).save(tmp_path / "strip.png")
    for name, words in {
        "no image.png": "no image.png is not a photo in a known format",
        "empty.jpg": "empty.jpg is empty",
        "notes.xyz": "notes.xyz is not a photo",
        "cut off.png": "the file is damaged",
        "strip.png": "a strip of which nothing is left",
        "huge.png": "too many; save it at half the width",
    }.items():
        with monkeypatch.context() as patch:
            if name == "huge.png":
                patch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
            assert drop_on(start, tmp_path / name)
            wait(lambda words=words: words in window.banner.text)
        assert "\n" not in window.banner.text
        assert str(tmp_path) not in window.banner.text
        assert start.image is None
    random = np.random.default_rng(1)
    Image.fromarray(random.integers(0, 65535, (32, 32), np.uint16)).save(tmp_path / "deep.png")
    ink = random.integers(0, 255, (32, 32, 4), np.uint8)
    Image.fromarray(ink, mode="CMYK").save(tmp_path / "ink.jpg")
    for name, words in {
        "deep.png": "has more than 8 bits a channel and is reduced to 8",
        "ink.jpg": "is made for printing (CMYK) and is converted to RGB",
    }.items():
        assert drop_on(start, tmp_path / name)
        wait(lambda name=name: start.name == name)
        assert words in start.note.text()
        assert start.image.std() > 10
        assert window.banner.isHidden()
    assert draw(page, wait).shape == (3, SIDE, SIDE, 3)


def test_what_is_no_image_is_left_to_the_window(page, tmp_path, model):
    (tmp_path / "images").mkdir()
    for path in (tmp_path / "images", model):
        event = QDragEnterEvent(
            QPoint(5, 5),
            Qt.DropAction.CopyAction,
            mime := mime_of(path),
            LEFT,
            Qt.KeyboardModifier.NoModifier,
        )
        page.draw.start.dragEnterEvent(event)
        assert not event.isAccepted()
        del mime
