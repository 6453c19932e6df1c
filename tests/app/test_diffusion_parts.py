"""What the window says of a diffusion model: likeness and health."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.drawing import Drawer, Order
from app.panels.drawbox import DrawBox
from app.panels.drawrow import DrawRow
from app.panels.health import HealthPanel, share_of_untrained
from engines.diffusion.artifacts import Health, LearntVariance, Naming
from engines.diffusion.artist import Artist
from engines.diffusion.networks.choose import build
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.saved import SavedModel
from engines.diffusion.wish import Wish


def health(levels, untrained, non_finite: float | None = 0.0) -> Health:
    return Health(
        step=1,
        levels=levels,
        untrained=untrained,
        gradient=1.0,
        lag=0.0,
        non_finite=non_finite,
        deviation=0.5,
        sentences=(),
    )


def test_the_share_of_the_untrained_loss_leaves_out_what_was_not_seen():
    words = share_of_untrained(health((0.5, math.nan, 0.1), (1.0, 1.0, 1.0)))
    assert words.startswith("On average 30 % of the loss")


def test_before_the_first_samples_nothing_is_said_of_their_numbers(qapp):
    panel = HealthPanel()
    panel.show_health(health((0.5,), (1.0,), None))
    assert panel.figures.value("non_finite") == "not yet"
    panel.show_health(health((0.5,), (1.0,), 0.25))
    assert panel.figures.value("non_finite") == "25 %"


def test_the_accuracy_of_a_classifier_is_a_curve_over_chance(qapp):
    panel = HealthPanel()
    panel.show_health(health((0.5, 0.5), (1.0, 1.0)))
    assert panel.naming.isHidden()
    naming = Naming(learnt=(0.9, math.nan), held_out=(0.8, 0.3), chance=0.25)
    panel.show_health(replace(health((0.5, 0.5), (1.0, 1.0)), naming=naming))
    assert not panel.naming.isHidden()
    assert np.array_equal(
        panel.naming.plot.lines, [(0.25, 0.25), (0.9, math.nan), (0.8, 0.3)], equal_nan=True
    )
    assert (panel.naming.plot.strong, panel.naming.plot.high) == (2, 1.0)
    assert "the level one is chance 25 %" in panel.naming.words.text()
    panel.naming.plot.hovered.emit(1)
    assert panel.naming.words.text() == (
        "Noise level 0.5 to 1: right are 30 % of held out, none learnt yet, chance 25 %"
    )
    panel.naming.plot.left.emit()
    assert "held-out" in panel.naming.words.text()
    panel.clear()
    assert panel.naming.isHidden()


def test_a_strength_is_offered_where_there_is_a_classifier(qapp):
    box = DrawBox()
    row = box.form.rows["classifier_guidance"]
    box.set_words(("cat", "dog"), classes=True)
    assert not row.usable
    assert "has no classifier; train with Classifier on" in row.editor.toolTip()
    assert box.guidances == {"guidance": 3.0, "classifier_guidance": 0.0}
    box.set_words(("cat", "dog"), classes=True, named=("cat", "dog"))
    assert row.usable
    assert "s of p(x)" in row.editor.toolTip()
    row.set_value(2.5)
    assert box.guidances == {"guidance": 3.0, "classifier_guidance": 2.5}
    box.classes.setCurrentText("Anything")
    assert box.guidances == {"guidance": 0.0, "classifier_guidance": 0.0}
    # What learnt without classes is led to one by the classifier alone.
    row.set_value(0.0)
    box.set_words(None, named=("mode 1", "mode 2"))
    assert not box.classes.isHidden()
    assert box.texts == ("mode 1", "mode 2")
    assert box.guidances == {"guidance": 0.0, "classifier_guidance": 1.0}
    box.set_words(None)
    assert box.classes.isHidden()
    assert box.guidances == {"guidance": 0.0, "classifier_guidance": 0.0}


def test_learnt_variance_is_shown_between_its_bounds_where_there_is_one(qapp):
    learnt = LearntVariance(
        shares=(0.5, math.nan), normal=(0.75, 0.25), small=(0.1, 0.3), large=(0.4, 0.36)
    )
    panel = HealthPanel()
    panel.show_health(health((0.5,), (1.0,)))
    assert panel.variance.isHidden()
    panel.show_health(replace(health((0.5,), (1.0,)), variance=learnt))
    assert not panel.variance.isHidden()
    lower, upper, normal, found = panel.variance.plot.lines
    assert lower.tolist() == [1, 1]
    assert upper.tolist() == pytest.approx([4, 1.2])
    assert normal.tolist() == pytest.approx([4**0.75, 1.2**0.25])
    assert found.tolist() == pytest.approx([2, math.nan], nan_ok=True)
    panel.variance.plot.hovered.emit(0)
    words = panel.variance.words.text()
    assert words == "Noise level 0 to 0.5: σ = 0.2 between 0.1 and 0.4, v = 0.5"
    panel.variance.plot.hovered.emit(1)
    assert panel.variance.words.text().endswith("not seen yet")


def test_bars_tell_their_figures(qapp):
    from app.widgets.levelbars import LevelBars

    bars = LevelBars()
    bars.resize(100, 132)
    bars.show_levels((0.5, math.nan), (1.0, 2.0))
    assert bars.words_at(10) == "Noise level 0 to 0.5\nloss 0.5, 1 without learning: 50 %"
    assert "not seen yet" in bars.words_at(90)
    assert bars.words_at(200) == ""
    assert bars.bar(0, 1.0).height() == pytest.approx(bars.bar(1, 2.0).height() / 2)


@pytest.mark.parametrize("last", [True, False])
def test_the_button_that_draws_keeps_its_place_whatever_is_said(qtbot, last):
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    row = DrawRow("Draw", button_last=last)
    column.addWidget(row)
    column.insertStretch(0 if last else 1, 1)
    holder.resize(220, 300)
    holder.show()

    def place() -> QRect:
        for _ in range(5):  # layouts in layouts
            QApplication.processEvents()
        return QRect(row.button.mapTo(holder, QPoint()), row.button.size())

    before = place()
    row.begin()
    assert place() == before
    row.say("Eta is read by DDIM alone, and this sentence is too long for one line")
    assert place() == before
    row.rest()
    row.say("")
    assert place() == before


def test_a_model_that_came_apart_is_said_to_be_instead_of_drawn():
    network = build(NetworkConfig(height=8, width=8, features=16, depth=1, heads=2), seeded())
    about = {"path": "flow", "target": "velocity"}
    saved = SavedModel(name="m", network=network, vocabulary=None, diffusion=about)
    next(network.parameters()).data.fill_(torch.nan)
    drawer = Drawer()
    try:
        drawer.ask(Order(artist=lambda: Artist.of(saved), wish=Wish(count=2, steps=2)))
        while drawer.busy:
            time.sleep(0.01)
        assert drawer.take() is None, "nothing black is shown"
        assert "its weights hold such numbers" in drawer.take_problem()
        spoil = network.register_forward_hook(lambda _n, _x, found: found * torch.tensor(
            [1.0, torch.nan])[:, None, None, None])  # fmt: skip
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.fill_(0.01)
        drawer.ask(Order(artist=lambda: Artist.of(saved), wish=Wish(count=2, steps=2)))
        while drawer.busy:
            time.sleep(0.01)
        spoil.remove()
        drawing = drawer.take()
        assert drawing is not None
        assert drawing.done
        assert drawing.notes[-1].startswith("1 of 2 samples have numbers that are not finite")
    finally:
        drawer.close()


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)
