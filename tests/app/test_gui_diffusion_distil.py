"""An opened model teaches another one: asked for, watched, cancelled, and drawn from."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.distil_dialog import NO_WORDS, DistilDialog
from app.distilling import DistilSettings
from app.enginekinds import DIFFUSION
from app.panels.samples import WAITING
from app.questions import Choice
from app.run import State
from engines.diffusion import DiffusionConfig, DiffusionEngine, teaching
from engines.diffusion.config import student_config
from engines.diffusion.data.pairs import Pairs
from engines.diffusion.saved import write_model
from engines.diffusion.teaching import Teaching
from tests.engines.diffusion_data import make_pictures

pytestmark = pytest.mark.gl

FEW = DistilSettings(pairs=40, guidance=1.5, steps=50_000)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The file of a model that has hardly learnt."""
    engine = DiffusionEngine(make_pictures(size=16), DiffusionConfig(size=16, steps=2, batch=4))
    for _ in engine.run():
        pass
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    write_model(engine.saved_model(), path)
    return path


@pytest.fixture
def wait(wait):
    """Patient, on a machine that may have other things to do."""
    return lambda condition: wait(condition, 120.0)


@pytest.fixture
def window(make_window, small_kinds, teacher, wait):
    """The teacher is open and has drawn."""
    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    window.questions.choice = Choice.DISCARD
    drop(window, teacher)
    wait(lambda: "Drawn in" in window.diffusing.page.draw.row.progress.text())
    window.docks.settings.set_config(replace(window.docks.config(), variance="learned", batch=4))
    return window


def test_a_student_is_asked_for_and_drawn_from_in_few_steps(window, wait, tmp_path):
    page, bench, rows = window.diffusing.page, window.bench, window.diffusing.page.draw.form.rows
    own = window.docks.config()
    distil = window.actions_["distil"]
    distil.trigger()
    assert window.questions.asked[-1].startswith("Distil ")
    assert bench.run.state is State.IDLE, "nobody answered"
    window.questions.distils = FEW
    phases = []
    window.feed.status_changed.connect(lambda status: phases.append(status.phase))
    distil.trigger()
    wait(lambda: page.shown is not None and bench.run.step > 3)
    student = bench.run.engine
    assert isinstance(student.data, Pairs)
    taught = student.data.source.teaching
    assert (taught.pairs, taught.guidance) == (40, 1.5)
    assert (student.config.path, student.config.variance) == ("flow", "fixed")
    assert (student.config.steps, student.config.batch) == (50_000, 4)
    assert student.wish().steps == 1
    assert window.docks.config() == student.config
    wait(lambda: "Distilling" in phases)
    assert "The teacher draws" in phases
    assert "Training diffusion" not in phases
    assert not distil.isEnabled()
    assert [rows[n].value for n in ("sampler", "steps", "guidance")] == ["euler", 4, 0.0]
    window.actions_["stop"].trigger()
    step = bench.run.between_steps(lambda engine: engine.step)
    wait(lambda: step.done() and page.shown.origin == f"Step {step.result():,}")
    shown, meant = page.shown.samples, student.sheet().averaged
    assert np.abs(shown.astype(int) - meant).max() <= 2
    write_model(student.saved_model(), tmp_path / "student.safetensors")
    # What it is given back to is as it was, and so are the settings.
    window.actions_["clear"].trigger()
    assert window.docks.config() == own
    assert [rows[n].value for n in ("sampler", "steps", "guidance")] == ["dpmpp_2m", 20, 3.0]
    wait(lambda: "Drawn in" in page.draw.row.progress.text())
    drop(window, tmp_path / "student.safetensors")
    wait(lambda: rows["steps"].value == 4 and "Drawn in" in page.draw.row.progress.text())
    assert page.shown.origin.startswith("Euler, 4 steps")


def test_the_page_tells_how_far_the_teacher_is_and_cancel_brings_it_back(window, wait, monkeypatch):
    page, bench = window.diffusing.page, window.bench
    window.questions.distils = FEW
    gate, drawn = threading.Event(), teaching.IMAGES_AT_ONCE
    made = teaching.wish_of

    def slow(*given, **about):
        if about["seed"] > teaching.SEEDS:  # its second part
            gate.wait(60)
        return made(*given, **about)

    monkeypatch.setattr(teaching, "wish_of", slow)
    name = window.windowTitle()
    window.actions_["distil"].trigger()
    wait(lambda: page.grid.empty.startswith("The teacher draws"))
    assert page.shown is None
    assert "of 40" in page.grid.empty
    assert 0 <= page.grid.share <= drawn / 40
    wait(window.status.cancel.isVisible)
    QTest.mouseClick(window.status.cancel, Qt.MouseButton.LeftButton)
    gate.set()
    assert bench.run.state is State.IDLE
    wait(lambda: page.shown is not None and "Drawn in" in page.draw.row.progress.text())
    assert window.windowTitle() == name
    assert page.grid.empty != WAITING
    assert window.actions_["distil"].isEnabled()


def test_the_dialog_has_the_usual_values_of_the_engine(qtbot, teacher):
    dialog = DistilDialog("pets", told=False)
    qtbot.addWidget(dialog)
    dialog.show()
    QApplication.processEvents()
    assert dialog.settings == DistilSettings()
    usual = Teaching(model=teacher)
    assert (dialog.settings.pairs, dialog.settings.steps) == (usual.pairs, student_config().steps)
    assert dialog.settings.guidance == teaching.GUIDANCE
    assert NO_WORDS in dialog.form.rows["guidance"].editor.toolTip()
    field = dialog.form.rows["pairs"].editor
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "500")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert dialog.isVisible(), "Enter ends the typing, and no more"
    QTest.mouseClick(dialog.begin, Qt.MouseButton.LeftButton)
    assert dialog.result() == DistilDialog.DialogCode.Accepted
    assert dialog.settings.pairs == 500
