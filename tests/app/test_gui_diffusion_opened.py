"""An opened model file is told what it is, by name, in place of how one learns."""

import pytest
from app_drop import drop
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import DIFFUSION
from app.imagesets import read_model_file
from app.modelfacts import facts_of
from app.questions import Choice
from app.run import State
from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.saved import write_model
from tests.engines.diffusion_data import make_pictures

pytestmark = pytest.mark.gl


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of a model that has learnt for two steps."""
    pictures = make_pictures(size=16)
    engine = DiffusionEngine(pictures, DiffusionConfig(size=16, steps=2, batch=4))
    for _ in engine.run():
        pass
    path = tmp_path_factory.mktemp("model") / "two steps.safetensors"
    write_model(engine.saved_model(), path)
    return path


def test_what_the_file_says_is_told_in_words(model):
    opened = read_model_file(model)
    facts = facts_of(opened)
    assert facts["File"] == "two steps.safetensors"
    assert facts["Network"] == "Transformer (DiT), 4 blocks, width 128"
    assert facts["Weights"] == f"{opened.weights:,}"
    assert facts["Draws"] == "Images of 16 x 16 px"
    assert facts["Path, target"] == "Flow, velocity"
    assert facts["Steps trained"] == "2"
    number = opened.saved.trained["images"]
    assert facts["Learnt from"] == f"{opened.saved.name}, {number} images"
    words = opened.saved.vocabulary.words
    told = facts["Classes" if opened.saved.vocabulary.classes else "Words"]
    assert told.startswith(words[0])
    assert "Latent space" not in facts
    assert "Teacher" not in facts


def test_a_card_tells_of_it_and_running_is_not_what_to_do_next(
    make_window, small_kinds, model, tmp_path, wait
):
    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    window.questions.choice = Choice.DISCARD
    bench, health, run = window.bench, window.docks.health, window.topbar.run
    bench.choose("diffusion")
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(4):
        Image.new("RGB", (16, 16), (60 * i, 90, 30)).save(folder / f"{i}.png")
    small = {"size": 16, "batch": 2, "samples": 1, "sample_steps": 1, "steps": 100_000}
    window.docks.settings.set_config(type(window.docks.config())(**small))
    drop(window, folder)
    wait(lambda: health.health is not None)
    assert run.property("role") == "primary"
    drop(window, model)
    wait(lambda: health.model.isVisible())
    assert health.model.facts["File"] == model.name
    assert not health.empty.isVisible()
    assert window.windowTitle().startswith(model.name)
    wait(lambda: window.status.dataset.text() == model.name)
    assert run.isEnabled()
    assert run.property("role") != "primary"
    QTest.mouseClick(run, Qt.MouseButton.LeftButton)
    wait(lambda: bench.run.state is State.RUNNING)
    assert run.property("role") == "primary"
    assert not health.model.isVisible()
    assert window.windowTitle().startswith("images")
