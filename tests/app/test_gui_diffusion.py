"""Diffusion in the real window: a folder is dropped, learnt, drawn from, looked into, saved."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from app_drop import drop
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from safetensors.torch import save_file

from app.enginekinds import DIFFUSION
from app.questions import Choice
from app.run import State
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.config import GUIDANCE
from engines.diffusion.saved import read_model

pytestmark = pytest.mark.gl

NEWER = {"zograscope": json.dumps({"kind": "diffusion model", "version": 99})}
SMALL = {
    "size": 16,
    "batch": 4,
    "steps": 100_000,
    "samples": 4,
    "sample_steps": 3,
    "sample_seconds": 0.2,
    "holdout": 0.2,
    "evaluate_every": 5,
}


@pytest.fixture(scope="module", autouse=True)
def _probed():
    """What the program does while its window opens, so that no wait includes it."""
    import engines.diffusion.train  # noqa: F401 - not within a wait
    from kernels.backend import backend

    backend()


@pytest.fixture
def wait(wait):
    """Patient: a model learns meanwhile, on a machine that may have other things to do."""
    return lambda condition: wait(condition, 120.0)


@pytest.fixture
def images(tmp_path):
    """Ten images in two classes."""
    random = np.random.default_rng(0)
    for name, colour in (("cats", (200, 40, 40)), ("dogs", (40, 40, 200))):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for i in range(5):
            pixels = random.normal(colour, 40, (18, 20, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{name} {i}.png")
    return tmp_path / "pets"


@pytest.fixture
def window(make_window, small_kinds):
    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    window.questions.choice = Choice.DISCARD
    click(window.topbar.engine.button("diffusion"))
    window.docks.settings.set_config(type(window.docks.config())(**SMALL))
    return window


def click(widget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def page(window):
    return window.diffusing.page


def state(window) -> State:
    return window.bench.run.state


def said(window) -> str:
    return window.docks.log.to_text()


def stop(window, wait) -> None:
    """End the run and see its last samples."""
    window.actions_["stop"].trigger()
    step = window.bench.run.between_steps(lambda engine: engine.step)
    wait(lambda: step.done() and page(window).shown.origin == f"Step {step.result():,}")


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Drawn alike: threads add up in another order, which may move a byte by one."""
    return one.shape == other.shape and np.abs(one.astype(int) - other.astype(int)).max() <= 2


def draw(window, wait, **settings) -> None:
    rows = page(window).draw.form.rows
    for name, value in {"count": 3, "steps": 2, **settings}.items():
        rows[name].set_value(value)
    click(page(window).draw.button)
    wait(lambda: "Drawn in" in page(window).draw.row.progress.text())


@pytest.fixture
def run(window, images, wait):
    """A run on the images that has shown its first samples."""
    drop(window, images)
    wait(lambda: page(window).shown is not None and window.docks.health.health is not None)
    return window.bench.run.engine


def test_a_folder_is_learnt_without_poses_and_the_run_is_saved_and_resumed(
    window, run, wait, answers
):
    assert window.bench.run_kind is DIFFUSION
    assert page(window).isVisible()
    assert not window.bench.posing.is_at_work
    assert "Opened pets: 10 images with classes" in said(window)
    sheet = page(window).shown
    assert sheet.samples.shape == (4, 16, 16, 3)
    assert [sheet.caption(i) for i in range(3)] == ["cats", "dogs", "cats"]
    wait(lambda: page(window).shown.origin != sheet.origin)  # it refreshes
    wait(lambda: "holdout/loss" in window.docks.curves.run.series)
    averaged = page(window).shown.samples
    click(page(window).weights.button("raw"))
    assert page(window).shown.samples.shape == averaged.shape
    stop(window, wait)
    assert alike(page(window).shown.samples, run.sheet().raw)
    curves = window.docks.curves.run.series
    assert {"loss", "gradient", "lr", "holdout/loss"} <= set(curves)
    health = window.docks.health.health
    assert len(health.levels) == len(health.untrained) == 10
    assert window.docks.health.figures.value("gradient") != ""
    # What is said depends on how many steps fitted in meanwhile.
    assert all(said in window.docks.health.sentences.text() for said in health.sentences)
    assert window.docks["health"].isVisible()
    assert window.docks["photos"].isHidden()
    in_space = ("mode_colour", "cameras", "grid", "learnt", "meshes", "reset_view")
    assert not any(window.actions_[name].isEnabled() for name in in_space)
    window.actions_["run"].trigger()
    step = run.step
    wait(lambda: window.bench.run.step > step)  # goes on after a stop
    window.actions_["run"].trigger()
    assert state(window) is State.PAUSED
    window.actions_["save_checkpoint"].trigger()
    wait(lambda: "Saved step" in said(window))
    step = run.step
    window.actions_["clear"].trigger()
    assert page(window).shown is None
    assert not page(window).draw.button.isEnabled()
    drop(window, answers.path)
    wait(lambda: window.bench.run.step > step)
    assert window.bench.run.engine is not run
    assert window.bench.session.images.folder == run.data.source.folder
    assert window.docks.config().size == 16


def test_samples_are_drawn_and_enlarged_and_are_those_of_the_engine(window, run, wait):
    stop(window, wait)
    box = page(window).draw
    box.classes.setCurrentText("dogs")
    draw(window, wait, seed=7, sampler="ddim", guidance=2.0)
    assert page(window).source.value == "drawn"
    shown = page(window).shown
    wish = Wish(count=3, texts=("dogs",), sampler="ddim", steps=2, guidance=2.0, seed=7)
    *_, end = run.artist().draw(wish)
    assert alike(shown.samples, end.bytes_of("x"))
    assert shown.origin.endswith(f"seed 7, EMA at step {run.step:,}")
    assert page(window).grid.captions == ("dogs",) * 3
    assert len(window.docks.path.drawing.strokes) == 3  # two steps and the end
    assert window.docks.attention.capture is None
    window.docks["attention"].raise_()
    attention = window.docks.attention
    attention.record.click()
    assert box.form.rows["attention"].value
    box.form.rows["attention"].editor.click()
    assert "without recording" in attention.empty.text(), "the panel follows the box"
    assert not attention.record.isChecked()
    attention.record.click()
    click(attention.recorder.stages.button("softmax"))
    attention.recorder.samples.setValue(2)
    draw(window, wait)
    assert {(item.stage, len(item.values)) for item in attention.capture.kept} == {("softmax", 2)}
    assert box.row.note.text() == ""
    click(page(window).source.button("training"))
    grid, view = page(window).grid, page(window).view
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell(1).center())
    assert view.nearest_name.text() == f"Looking among {len(run.train.images)} images"
    wait(lambda: view.sentence.text() != "")
    assert view.isVisible()
    assert view.caption.text() == "dogs"
    shown = page(window).shown.samples[1].astype(float)
    train = run.train.images.permute(0, 2, 3, 1).numpy().astype(float)
    distances = np.sqrt(((train - shown) ** 2).mean(axis=(1, 2, 3))) / 127.5
    nearest = int(distances.argmin())
    assert np.array_equal(view.nearest.image, train[nearest])
    assert view.nearest_name.text() == run.train.names[nearest]
    assert f"{distances[nearest]:.3f} apart" in view.sentence.text()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert page(window).index == 2
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert grid.isVisible()
    seen = []
    grid.chosen.connect(seen.append)
    for index in range(4):
        QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell(index).center())
        page(window).show_all()
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert seen == [0, 1, 2, 3]


def test_space_pauses_and_resumes_from_the_page_and_is_a_letter_where_one_writes(
    window, images, wait
):
    for path in images.rglob("*.png"):
        path.with_suffix(".txt").write_text(f"a photo of {path.parent.name}")
    drop(window, images)
    wait(lambda: page(window).shown is not None and state(window) is State.RUNNING)
    box, grid = page(window).draw, page(window).grid

    def space() -> State:
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_Space)
        return state(window)

    assert space() is State.PAUSED  # the page has the keys as soon as it is there
    assert space() is State.RUNNING
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert space() is State.PAUSED
    click(page(window).weights.button("raw"))  # a click on a button leaves the key to the page
    assert page(window).weights.value == "raw"
    assert space() is State.RUNNING
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell(0).center())
    assert page(window).view.isVisible()
    assert space() is State.PAUSED
    QTest.keyClick(page(window).view, Qt.Key.Key_Escape)
    click(box.caption)
    QTest.keyClicks(window.focusWidget(), "a photo")
    assert box.caption.text() == "a photo"
    assert state(window) is State.PAUSED
    click(box.form.rows["count"].editor)
    assert space() is State.PAUSED
    box.form.rows["averaged"].editor.setFocus(Qt.FocusReason.TabFocusReason)
    assert space() is State.PAUSED
    assert not box.settings.averaged  # who came by Tab presses what is there
    QTest.mouseClick(page(window), Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert space() is State.RUNNING


def test_what_was_learnt_is_exported_and_drawn_from_again(window, run, wait, tmp_path):
    from app.export_dialog import ExportDialog

    def export(path) -> None:
        wait(lambda: window.findChildren(ExportDialog))
        dialog = window.findChildren(ExportDialog)[-1]
        dialog.path.setText(str(path))
        click(dialog.save)
        wait(lambda: "Read back" in dialog.message.text())
        dialog.close_button.click()
        wait(lambda: not window.findChildren(ExportDialog))

    window.actions_["stop"].trigger()
    click(page(window).export)
    export(tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (1000, 1000)
    window.actions_["export"].trigger()
    export(tmp_path / "pets.safetensors")
    assert window.bench.run.unsaved_steps == 0
    drop(window, tmp_path / "pets.safetensors")
    wait(lambda: "Drawn in" in page(window).draw.row.progress.text())
    assert state(window) is State.IDLE
    drawing = window.docks.path.drawing
    wish = drawing.order.wish
    assert (wish.texts, wish.guidance) == (("cats", "dogs"), GUIDANCE)
    assert f"guidance {GUIDANCE:g}, seed 1" in page(window).shown.origin
    artist = Artist.of(read_model(tmp_path / "pets.safetensors"))
    *_, end = artist.draw(wish)
    assert alike(page(window).shown.samples, end.bytes_of("x"))
    # So little was learnt that bytes tell nothing of guidance; what they are made of does.
    apart = (drawing.strokes[-1].x - end.x).abs().max()
    *_, otherwise = artist.draw(replace(wish, guidance=1.0))
    assert 100 * apart < (otherwise.x - end.x).abs().max()
    # Their folder is still open, so that the file is compared with them as the run was.
    page(window).enlarge(0)
    view = page(window).view
    wait(lambda: "apart" in view.sentence.text())
    assert view.nearest_name.text().startswith(("cats", "dogs"))
    assert view.nearest.image.shape == page(window).shown.samples[0].shape


def test_words_that_are_not_known_are_named(window, images, wait):
    for path in images.rglob("*.png"):
        path.with_suffix(".txt").write_text(f"a photo of {path.parent.name}")
    drop(window, images)
    wait(lambda: page(window).draw.button.isEnabled() and window.bench.run.step > 0)
    window.actions_["stop"].trigger()
    QTest.keyClicks(page(window).draw.caption, "a purple zebra")
    draw(window, wait)
    assert "“purple”, “zebra”" in page(window).draw.row.note.text()
    assert page(window).grid.captions == ("a purple zebra",) * 3


def test_bad_input_ends_in_a_sentence_and_the_window_lives_on(window, tmp_path, wait):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "cut.safetensors").write_bytes(b"\x40\x00\x00\x00\x00\x00\x00\x00{")
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    save_file({"x": torch.zeros(2)}, tmp_path / "newer.safetensors", metadata=NEWER)
    for name, words in {
        "empty": "has no images",
        "notes.txt": "drop a folder of images",
        "cut.safetensors": "cannot be read",
        "other.safetensors": "holds no",
        "newer.safetensors": "of version 99",
    }.items():
        drop(window, tmp_path / name)
        wait(lambda words=words: words in window.banner.text)
        assert state(window) is State.IDLE
        assert window.welcome.isVisible()
    # Points of the plane need no files at all.
    click(window.welcome.bundled["moons"])
    wait(lambda: page(window).shown is not None)
    assert window.banner.isHidden()
    assert page(window).shown.samples.shape[1] == 2
    assert page(window).grid.reference is not None
    assert not page(window).draw.caption.isVisible()
    window.actions_["stop"].trigger()
    draw(window, wait, count=50)
    assert page(window).shown.samples.shape == (50, 2)
    assert np.isfinite(page(window).shown.samples).all()


def test_a_folder_that_tells_what_it_is_for_chooses_diffusion(window, images, tmp_path, wait):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in images.rglob("*.png"):
        path.rename(flat / path.name)
    for path in list(flat.glob("*.png"))[:6]:
        path.with_suffix(".txt").write_text("a photo of a pet")
    splats = window.topbar.engine.button("splats")
    click(splats)
    drop(window, flat)
    wait(lambda: page(window).shown is not None)
    assert window.bench.kind is DIFFUSION
    assert window.topbar.engine.value == "diffusion"
    sentence = "flat has 10 images with captions, so Diffusion was chosen to learn them"
    assert window.banner.text == sentence
    assert sentence in said(window)
    # Who wants a scene of it nevertheless is not overruled.
    window.actions_["stop"].trigger()
    click(splats)
    click(window.topbar.run)
    wait(lambda: window.bench.session.photos is not None)
    assert window.bench.session.images is None
    assert window.bench.kind.id == "splats"


def test_photos_of_a_scene_are_learnt_as_images_and_images_are_no_scene(window, photos, wait):
    click(window.topbar.engine.button("splats"))
    drop(window, photos)
    wait(lambda: state(window) is State.FINISHED)
    assert not page(window).isVisible()
    click(window.topbar.engine.button("diffusion"))
    click(window.topbar.run)
    wait(lambda: page(window).shown is not None)
    assert window.bench.session.dataset is None
    window.actions_["stop"].trigger()
    click(window.topbar.engine.button("splats"))
    click(window.topbar.run)
    wait(lambda: window.view.cloud is not None)
    assert window.docks["photos"].isVisible()
    assert not page(window).isVisible()
