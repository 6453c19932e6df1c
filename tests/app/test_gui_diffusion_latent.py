"""A run among latents in the real window: two stages, and pictures of what is denoised."""

from dataclasses import replace

import numpy as np
import pytest
from app_drop import drop
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import DIFFUSION
from app.panels.health import IN_STAGE_2
from app.questions import Choice
from app.run import State
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.latent import stage

pytestmark = pytest.mark.gl

LEFT = Qt.MouseButton.LeftButton
SMALL = {
    "latent": "4",
    "size": 16,
    "batch": 4,
    "steps": 24,
    "samples": 3,
    "sample_steps": 2,
    "sample_seconds": 0.0,
    "evaluate_every": 4,
    "holdout": 0.2,
    "autoencoder": 0.5,
}


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """A few shapes at half their size, with captions; the autoencoder is a narrow one."""
    made = stage.autoencoder_for
    monkeypatch.setattr(
        stage, "autoencoder_for", lambda *given, **about: replace(made(*given, **about), features=8)
    )
    folder = tmp_path / "shapes"
    folder.mkdir()
    pictures = make_shapes(8).pictures
    for i, (image, text) in enumerate(zip(pictures.images, pictures.texts, strict=True)):
        pixels = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((16, 16))
        pixels.save(folder / f"{i}.png")
        (folder / f"{i}.txt").write_text(text, encoding="utf-8")
    return folder


def test_both_stages_are_seen_and_so_are_the_latents(make_window, small_kinds, shapes, wait):
    window = make_window(kinds={**small_kinds, "diffusion": DIFFUSION}, size=(1300, 800))
    window.questions.choice = Choice.DISCARD
    QTest.mouseClick(window.topbar.engine.button("diffusion"), LEFT)
    window.docks.settings.set_config(replace(window.docks.config(), **SMALL))
    docks, page, bench = window.docks, window.diffusing.page, window.bench
    (chart,) = [c for c in docks.curves.charts if c.spec.title == "Autoencoder"]
    assert chart.isHidden(), "there is nothing to show in it yet"
    phases, pairs, first = [], [], []

    def look() -> None:
        engine = bench.run.engine
        if engine is not None and engine.first.learner is not None and engine.in_first_stage:
            first.append((page.draw.button.isEnabled(), page.draw.waits.text()))
            first.append((False, docks.health.empty.text()))

    window.feed.ticked.connect(look)
    window.feed.status_changed.connect(lambda status: phases.append(status.phase))
    window.feed.noted.connect(
        lambda found: pairs.append((found, page.grid.in_pairs)) if hasattr(found, "pairs") else None
    )
    drop(window, shapes)
    wait(lambda: bench.run.state is State.FINISHED, 120.0)
    said = docks.log.to_text()
    assert "Stage 1 of 2: autoencoder" in said
    assert "images come back from the autoencoder with" in said
    assert "Stage 2 of 2: diffusion" in said
    assert "Autoencoder (1 of 2)" in phases
    # What refuses would be said before anybody asks.
    assert not any(able for able, _ in first)
    told = {words for _, words in first}
    assert "The autoencoder is learnt first; what draws comes after 50% of the run" in told
    assert IN_STAGE_2 in told
    assert page.draw.button.isEnabled()
    assert page.draw.waits.isHidden()
    first, in_pairs = pairs[0]
    assert (first.pairs, in_pairs) == (True, True)
    assert first.averaged.shape == (2, 16, 16, 3)
    (chart,) = [c for c in docks.curves.charts if c.spec.title == "Autoencoder"]
    wait(lambda: not chart.isHidden(), 20.0)
    assert docks.curves.run.series["holdout/autoencoder"].steps.tolist() == [4, 8, 12]

    box = page.draw
    for name, value in {"count": 2, "steps": 3}.items():
        box.form.rows[name].set_value(value)
    QTest.mouseClick(box.button, LEFT)
    docks["path"].raise_()
    path = docks.path
    wait(lambda: path.drawing is not None and path.drawing.done and path.isVisible(), 60.0)
    path.steps.go_to(1)
    row, stroke = path.row, path.stroke
    shown = {"x": row.pictures["x"], "latent": row.latents, **row.pictures}
    for part, picture in shown.items():
        assert picture.isVisible()
        assert np.array_equal(picture.pixels, stroke.bytes_of(part)[0]), part

    def two_by_two() -> bool:
        tops = [picture.mapTo(row, picture.rect().topLeft()).y() for picture in shown.values()]
        return tops[0] == tops[1] < tops[2] == tops[3]

    wait(two_by_two, 20.0)
    assert page.shown.samples.shape == (2, 16, 16, 3)
    assert window.diffusing.starting.box.isVisible(), "an image may be started from"
