"""Drawing in the real window: stopped, with noise added anew, and beside another drawing."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from app_drop import drop
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import DIFFUSION
from app.export_dialog import ExportDialog
from app.imagesets import image_folder
from app.widgets.heat import heat
from assets.errors import InputError
from engines.diffusion import flowfield, guidanceparts
from engines.diffusion.artist import Artist
from engines.diffusion.networks.choose import build
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.saved import SavedModel, write_model
from engines.diffusion.words import Vocabulary

pytestmark = pytest.mark.gl

LEFT = Qt.MouseButton.LeftButton
LONG = 1_000
"""Steps that take some seconds."""


def written(folder, name: str, config: NetworkConfig, words: Vocabulary | None = None):
    """The file of a model that has learnt nothing, but draws, and differently for other words."""
    generator = torch.Generator().manual_seed(0)
    network = build(config, generator)
    if words is not None:
        with torch.no_grad():
            for weights in network.parameters():
                weights += 0.1 * torch.randn(weights.shape, generator=generator)
    path = folder / f"{name}.safetensors"
    about = {"path": "linear", "target": "noise"}
    write_model(SavedModel(name=name, network=network, vocabulary=words, diffusion=about), path)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Of images and of points."""
    folder = tmp_path_factory.mktemp("models")
    images = NetworkConfig(height=16, width=16, features=16, depth=1, heads=2)
    points = NetworkConfig(kind="points", features=16, depth=1)
    words = Vocabulary(("blue", "circle", "red"), longest=4)
    told = replace(images, tokens=words.size, longest=4, cross=True)
    return {
        "captions": written(folder, "captions", told, words),
        "plain": written(folder, "plain", images),
        "mixture": written(folder, "mixture", points),
    }


@pytest.fixture
def wait(wait):
    """Patient, on a machine that may have other things to do."""
    return lambda condition: wait(condition, 120.0)


@pytest.fixture
def opened(make_window, small_kinds, models, wait):
    """`opened(name)` is a window with the first samples of a model, the path in sight."""

    def opened(name: str = "plain"):
        window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
        drop(window, models[name])
        wait(lambda: "Drawn in" in progress(window))
        window.docks["path"].raise_()
        wait(lambda: window.docks.path.steps.isVisible())
        return window

    return opened


def progress(window) -> str:
    return window.diffusing.page.draw.row.progress.text()


def test_a_model_file_is_compared_with_the_images_that_are_open(opened, models, wait, tmp_path):
    window = opened()
    page = window.diffusing.page
    page.enlarge(0)
    assert "open their folder and then the model" in page.view.sentence.text()
    folder = tmp_path / "images"
    folder.mkdir()
    sample = page.shown.samples[1]
    Image.fromarray(sample).save(folder / "b.png")
    Image.fromarray(255 - sample).save(folder / "a.png")
    window.bench.session.set_images(image_folder(folder))  # as if they had been there before
    page.enlarge(1)
    wait(lambda: page.view.nearest_name.text() == "b.png")
    assert page.view.sentence.text().startswith("Memorised: 0.000 apart")
    assert np.array_equal(page.view.nearest.image, sample)
    page.enlarge(0)
    wait(lambda: "apart" in page.view.sentence.text())
    (folder / "a.png").write_bytes(b"none")
    (folder / "b.png").write_bytes(b"none")
    before = page.shown
    drop(window, models["plain"])
    wait(lambda: page.shown is not before and "Drawn in" in progress(window))
    page.enlarge(0)
    wait(lambda: "can be read" in page.view.sentence.text())


def typed(field, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def chosen(field, value: str) -> None:
    """By the arrow keys."""
    field.setFocus()
    way = Qt.Key.Key_Down if field.findData(value) > field.currentIndex() else Qt.Key.Key_Up
    while field.content != value:
        QTest.keyClick(field, way)


def ask(window, **settings) -> None:
    rows = window.diffusing.page.draw.form.rows
    for name, value in {"count": 2, **settings}.items():
        rows[name].set_value(value)
    QTest.mouseClick(window.diffusing.page.draw.button, LEFT)


def begin_long(window, wait):
    """A drawing that goes on for a while; returns once some of its steps are on show."""
    before = window.docks.path.drawing.order
    ask(window, steps=LONG)
    wait(lambda: window.docks.path.drawing.order is not before)
    wait(lambda: len(window.docks.path.drawing.strokes) > 2)


def test_a_stopped_drawing_says_where_it_was_stopped(opened, wait, tmp_path):
    window = opened()
    page, path, attention = window.diffusing.page, window.docks.path, window.docks.attention
    page.draw.record_attention()
    begin_long(window, wait)
    assert path.steps.words.text().endswith("still drawing")
    assert page.shown.words.startswith("Step ")
    QTest.mouseClick(page.draw.row.stop, LEFT)
    wait(lambda: path.drawing.ended)
    drawing = path.drawing
    count = len(drawing.strokes)
    said = f"Stopped at step {count} of {LONG}"
    assert drawing.stopped
    assert not drawing.done
    assert 2 < count < LONG
    assert progress(window) == said
    assert not page.draw.row.stop.isVisible()
    assert path.steps.words.text().startswith(f"{said}, noise level t = ")
    path.steps.go_to(1)
    assert path.steps.words.text().endswith(f", stopped at step {count}")
    # Estimates are not taken for samples, in the window or in what is taken away.
    assert np.array_equal(page.shown.samples, drawing.strokes[-1].bytes_of("x0"))
    assert page.words.text() == f"{said}: DPM++ 2M, {LONG} steps, seed 1, EMA"
    page.enlarge(0)
    assert page.view.caption.text() == said
    page.show_all()
    picture = page.picture()
    line = {picture.pixel(x, y) for x in range(300, 700) for y in range(974, 1000)}
    assert len(line) > 2
    QTest.mouseClick(page.export, LEFT)
    wait(lambda: window.findChildren(ExportDialog))
    dialog = window.findChildren(ExportDialog)[-1]
    assert said[1:] in dialog.facts.text()
    dialog.close_button.click()
    # All that was recorded is shown, as nothing more will come.
    window.docks["attention"].raise_()
    wait(lambda: attention.steps.isVisible())
    assert attention.steps.count == count
    ask(window, steps=2)
    wait(lambda: "Drawn in" in progress(window))
    assert page.words.text() == "DPM++ 2M, 2 steps, seed 1, EMA"
    assert page.shown.unfinished == ""


def test_ddim_takes_an_eta_and_others_do_not(opened, wait):
    window = opened()
    assert window.docks.settings.rows["sampler"].editor.currentText() == "DPM++ 2M"
    page, path = window.diffusing.page, window.docks.path
    rows = page.draw.form.rows
    eta, sampler = rows["eta"].editor, rows["sampler"].editor
    assert sampler.currentText() == "DPM++ 2M"
    assert "DPM++ 2M" in sampler.toolTip()
    assert not any("_" in sampler.itemText(i) for i in range(sampler.count()))
    assert not eta.isEnabled()
    chosen(sampler, "ddim")
    assert eta.isEnabled()
    assert "DDIM" in eta.toolTip()
    typed(eta, "0.5")
    ask(window, steps=3)
    wait(lambda: path.drawing.done and path.drawing.order.wish.sampler == "ddim")
    wish, found = path.drawing.order.wish, path.drawing.strokes[-1].x
    assert wish.eta == 0.5
    assert "DDIM, eta 0.5, 3 steps" in page.shown.origin
    assert torch.allclose(path.drawing.artist.samples(wish), found, atol=1e-3)
    without = path.drawing.artist.samples(replace(wish, eta=0.0))
    assert not torch.allclose(without, found, atol=1e-2)
    # The other run has an eta of its own.
    fields = path.compare
    chosen(fields.sampler, "heun")
    assert not fields.eta.isEnabled()
    chosen(fields.sampler, "ddim")
    typed(fields.eta, "1")
    QTest.mouseClick(fields.draw, LEFT)
    wait(lambda: path.other is not None and path.other.done)
    assert path.other.order.wish.eta == 1.0
    chosen(sampler, "heun")
    assert not eta.isEnabled()
    ask(window, steps=2)
    wait(lambda: path.drawing.done and path.drawing.order.wish.sampler == "heun")
    assert path.drawing.order.wish.eta == 0.0
    assert page.draw.row.note.text() == ""


def test_ddpm_takes_its_noise_and_others_do_not(opened, wait):
    window = opened()
    page, path = window.diffusing.page, window.docks.path
    rows = page.draw.form.rows
    assert not rows["noise"].editor.isEnabled()
    chosen(rows["sampler"].editor, "ddpm")
    assert rows["noise"].editor.isEnabled()
    chosen(rows["noise"].editor, "large")
    ask(window, steps=3)
    wait(lambda: path.drawing.done and path.drawing.order.wish.sampler == "ddpm")
    wish, found = path.drawing.order.wish, path.drawing.strokes[-1].x
    assert "DDPM, large noise, 3 steps" in page.shown.origin
    assert torch.allclose(path.drawing.artist.samples(wish), found, atol=1e-3)
    small = path.drawing.artist.samples(replace(wish, noise="small"))
    assert not torch.allclose(small, found, atol=1e-2)
    assert path.compare.wish().noise == "auto", "the other run is of another sampler"
    chosen(path.compare.sampler, "ddpm")
    assert path.compare.wish().noise == "large"
    ask(window, steps=2, sampler="heun")
    wait(lambda: path.drawing.done and path.drawing.order.wish.sampler == "heun")
    assert path.drawing.order.wish.noise == "auto"
    assert page.draw.row.note.text() == ""


def test_another_run_has_its_own_progress_stop_and_end(opened, wait):
    window = opened()
    path, main = window.docks.path, window.diffusing.page.draw.row
    row, fields = path.compare.row, path.compare
    drawn = progress(window)
    typed(fields.steps, str(LONG))
    QTest.mouseClick(fields.draw, LEFT)
    assert row.stop.isVisibleTo(path)
    wait(lambda: row.progress.text().startswith("Step ") and path.other is not None)
    assert progress(window) == drawn
    QTest.mouseClick(row.stop, LEFT)
    wait(lambda: path.other.stopped)
    said = f"Stopped at step {len(path.other.strokes)} of {LONG}"
    assert row.progress.text() == said
    assert said in path.other_row.words.text()
    assert not row.stop.isVisibleTo(path)
    # A new drawing may be by a model that has learnt more: the other run goes with the old one.
    ask(window, steps=3)
    wait(lambda: path.drawing.done and path.drawing.order.wish.steps == 3)
    assert path.other is None
    assert not path.other_row.isVisible()
    assert row.progress.text() == ""
    assert "Drawn in" in main.progress.text()


def test_a_failure_of_the_other_run_is_said_there_and_touches_nothing_else(
    opened, wait, monkeypatch
):
    window = opened()
    path, main = window.docks.path, window.diffusing.page.draw.row
    draw = Artist.draw

    def failing(artist, wish, **named):
        for stroke in draw(artist, wish, **named):
            if wish.sampler == "ddim" and stroke.index == 2:
                raise InputError("There is no paper left; bring some")
            yield stroke

    monkeypatch.setattr(Artist, "draw", failing)
    begin_long(window, wait)
    QTest.mouseClick(path.compare.draw, LEFT)
    wait(lambda: path.compare.row.note.text() != "")
    assert len(path.other.strokes) == 2
    assert path.other.stopped
    assert path.compare.row.note.text() == "There is no paper left; bring some"
    assert not path.compare.row.stop.isVisibleTo(path)
    assert main.stop.isVisible()
    assert main.progress.text().startswith("Step ")
    assert main.note.text() == ""
    QTest.mouseClick(main.stop, LEFT)
    wait(lambda: path.drawing.stopped)
    ask(window, sampler="ddim", steps=10)
    wait(lambda: "no paper" in main.note.text())
    assert not main.stop.isVisible()
    assert path.drawing.stopped
    monkeypatch.undo()
    monkeypatch.setattr("engines.diffusion.memory.free_bytes", lambda _device: 12 * 2 * 768 * 50)
    ask(window, sampler="heun", steps=50)
    wait(lambda: "All steps of 2 samples would need" in main.note.text())
    assert path.drawing.stopped
    assert window.diffusing.page.shown.unfinished == "Stopped at step 2 of 10"


def test_the_plane_is_looked_at_off_the_windows_thread_and_each_stroke_once(
    opened, wait, monkeypatch
):
    threads, strokes = set(), []
    field_of, score_errors = flowfield.field_of, flowfield.score_errors

    def field(*arguments, **named):
        threads.add(threading.current_thread())
        return field_of(*arguments, **named)

    def errors(some, *rest):
        threads.add(threading.current_thread())
        strokes.extend(some)
        return score_errors(some, *rest)

    monkeypatch.setattr(flowfield, "field_of", field)
    monkeypatch.setattr(flowfield, "score_errors", errors)
    window = opened("mixture")
    path = window.docks.path
    plane = path.plane
    begin_long(window, wait)
    wait(lambda: len(path.drawing.strokes) > 10)
    QTest.mouseClick(window.diffusing.page.draw.row.stop, LEFT)
    wait(lambda: path.drawing.ended)
    drawing = path.drawing
    shown = list(drawing.strokes)
    wait(lambda: plane.plot.lines.shape[1] == len(shown) and np.isfinite(plane.plot.lines).all())
    assert threading.main_thread() not in threads
    of_it = [stroke for stroke in strokes if any(stroke is other for other in shown)]
    assert len(of_it) == len(shown)
    expected = score_errors(
        shown, drawing.artist, drawing.order.wish, flowfield.known_truth("mixture")
    )
    assert plane.plot.lines[0] == pytest.approx(expected)
    path.steps.slider.setFocus()
    for _ in range(5):
        QTest.keyClick(path.steps.slider, Qt.Key.Key_Left)
    QTest.mouseClick(plane.below.button("error"), LEFT)
    stroke = path.stroke
    assert stroke is shown[-6]
    truth = flowfield.known_truth("mixture")
    wanted = field_of(drawing.artist, drawing.order.wish, stroke.t, truth=truth).error
    wait(lambda: plane.view.error is not None and np.allclose(plane.view.error, wanted))

    def failing(*_arguments, **_named):
        raise ZeroDivisionError("no plane")

    QTest.mouseClick(plane.below.button("field"), LEFT)
    assert plane.view.arrows > 0
    monkeypatch.setattr(flowfield, "field_of", failing)
    ask(window, steps=5)
    wait(lambda: "no plane" in window.banner.text and path.drawing.done)
    assert plane.view.arrows == 0
    assert window.docks.log.to_text().count("failed unexpectedly") == 1  # not for each stroke
    monkeypatch.undo()
    ask(window, steps=5)
    wait(lambda: plane.view.arrows > 0)


def test_what_guidance_does_is_seen_and_found_off_the_windows_thread(opened, wait, monkeypatch):
    threads = []
    guidance_parts = guidanceparts.guidance_parts

    def parts(*arguments):
        threads.append(threading.current_thread())
        return guidance_parts(*arguments)

    monkeypatch.setattr(guidanceparts, "guidance_parts", parts)
    window = opened("captions")
    page, path = window.diffusing.page, window.docks.path
    guidance, view = path.guidance, path.guidance.views[0]
    QTest.mouseClick(guidance.what.button("eps"), LEFT)
    assert "No caption" in view.said.text()
    QTest.keyClicks(page.draw.caption, "0.5 red circle + 0.5 blue circle; red")
    typed(page.draw.form.rows["guidance"].editor, "2")
    ask(window, steps=4)
    wait(lambda: path.drawing.done and path.drawing.order.wish.steps == 4)
    assert "No noise is left" in view.said.text()
    path.steps.slider.setFocus()
    for _ in range(2):
        QTest.keyClick(path.steps.slider, Qt.Key.Key_Left)
    drawing, stroke = path.drawing, path.stroke
    assert stroke is drawing.strokes[2]
    # One sample of a mix, and one that is not.
    for row in (0, 1):
        tile = path.strip.place_of(row).center().toPoint()
        QTest.mouseClick(path.strip, LEFT, pos=tile)
        found = guidance_parts(drawing.artist, drawing.order.wish, stroke, row)
        figures = f"norm {found.norm:.3g}, RMS {found.rms:.3g}"
        wait(lambda words=figures: words in view.figures.text())
        assert np.array_equal(view.difference.pixels, heat(found.difference.numpy()))
        for name, picture in view.pictures.items():
            assert np.array_equal(picture.pixels, getattr(found, name).picture("eps", 0))
    assert threads
    assert threading.main_thread() not in threads

    def failing(*_arguments):
        raise ZeroDivisionError("no parts")

    monkeypatch.setattr(guidanceparts, "guidance_parts", failing)
    QTest.keyClick(path.steps.slider, Qt.Key.Key_Left)
    wait(lambda: "no parts" in window.banner.text)
    assert not view.difference.isVisible()


def test_one_sample_is_looked_at_in_samples_path_and_attention(opened, wait):
    window = opened()
    page, path, attention = window.diffusing.page, window.docks.path, window.docks.attention
    page.draw.record_attention()
    ask(window, count=4, steps=3)
    wait(lambda: path.drawing.done and len(page.shown.samples) == 4)
    QTest.mouseClick(page.grid, LEFT, pos=page.grid.cell(2).center())
    wait(lambda: path.strip.row == 2)
    assert path.header.value == "sample 3 of 4"
    # What nobody saw at that time is at the same sample once it is seen.
    window.docks["attention"].raise_()
    wait(lambda: attention.strip.isVisible() and attention.strip.row == 2)
    assert attention.choice.row == 2
    QTest.mouseClick(attention.strip, LEFT, pos=attention.strip.place_of(1).center().toPoint())
    assert attention.choice.row == page.index == 1
    page.show_all()
    assert page.grid.pointed == 1
    window.docks["path"].raise_()
    wait(lambda: path.strip.isVisible() and path.header.value == "sample 2 of 4")
    QTest.keyClick(path.strip, Qt.Key.Key_Right)
    assert page.grid.pointed == 2
    assert page.index == -1, "a click elsewhere does not enlarge it here"
    # Another drawing of fewer has another one to be looked at, and less to choose from.
    ask(window, count=2, steps=3)
    wait(lambda: path.drawing.done and len(path.drawing.strokes[-1].x) == 2)
    wait(lambda: path.header.value == "sample 2 of 2")
