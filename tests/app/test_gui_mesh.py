"""Making a mesh in the real window: of Gaussians that were just learnt, and of a field."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from app_drop import drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.enginekinds import KINDS, load_machine
from app.export_dialog import ExportDialog
from app.run import State
from assets.camera import Camera
from assets.mesh import Mesh
from assets.open import open_path
from engines.engine import RenderedView
from tests.cli_photos import write_photos
from tests.engines.mesh_scenes import BallField

pytestmark = pytest.mark.gl
LEFT = Qt.MouseButton.LeftButton


class BallSource(BallField):
    """A ball as an engine's source has it."""

    modes = ("colour",)
    megabytes = 0.1

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        return super().render(camera, budget_ms)

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        yield self.render(camera.resized(16, 12))


@pytest.fixture
def ball_kinds(small_kinds):
    """The small engine that draws itself, with a ball that can be made into a mesh."""
    nerf = small_kinds["nerf"]

    def make(dataset, config):
        engine = nerf.make(dataset, config)
        engine.source = BallSource
        return engine

    return {"nerf": dataclasses.replace(nerf, make=make)}


@pytest.fixture
def ball_window(make_window, ball_kinds, photos, wait):
    """A window whose run on a ball has come to its end."""
    window = make_window(kinds=ball_kinds)
    drop(window, photos)
    wait(lambda: window.bench.run.state is State.FINISHED)
    return window


def set_up(dialog, **values) -> None:
    for name, value in values.items():
        dialog.form.rows[name].set_value(value)
    dialog.form.edited.emit()


def opened(window, wait):
    """The dialog, once it knows where things are."""
    window.actions_["make_mesh"].trigger()
    dialog = window.mesh_dialog
    assert dialog.isVisible()
    wait(lambda: dialog.make.isEnabled() and dialog.box.isEnabled(), 60)
    return dialog


def orange(window) -> int:
    """Pixels of the viewport that have the colour of the box's edges."""
    picture = window.viewport.grab().astype(int)
    return int(((picture[..., 0] - picture[..., 2] > 120) & (picture[..., 1] > 120)).sum())


def test_gaussians_become_a_mesh_that_is_shown_saved_and_opened_again(
    make_window, tmp_path, wait, live_for
):
    window = make_window(ready=False, kinds=KINDS, load=load_machine, size=(1100, 750))
    bench = window.bench
    wait(lambda: bench.machine is not None, 60)
    window.docks.settings.set_config(
        dataclasses.replace(window.docks.config(), steps=60, downscale=1, evaluate_every=60)
    )
    assert not window.actions_["make_mesh"].isEnabled()
    drop(window, write_photos(tmp_path / "blobs"))
    wait(lambda: bench.run.state is State.FINISHED, 120)
    window.actions_["cameras"].setChecked(False)
    dialog = opened(window, wait)
    assert dialog.origin.text() == "Step 60 of blobs"
    assert dialog.sight.text() == "Seen from 9 photos"
    assert dialog.form.rows["agreement"].editor.isVisibleTo(dialog.form.advanced)
    assert not dialog.form.rows["level"].editor.isVisibleTo(dialog)
    low, high = np.reshape(dialog.box.content, (2, 3))
    assert (low > -2.5).all()
    assert (high < 2.5).all()
    assert (low < -0.3).all()
    assert (high > 0.3).all()
    set_up(dialog, resolution=40, agreement=1, opacity=0.3)
    assert "MB" in dialog.forecast.text()

    QTest.mouseClick(dialog.make, LEFT)
    assert not dialog.make.isEnabled()
    wait(lambda: bench.meshing.last is not None, 120)
    mesh = bench.meshing.last.mesh
    assert bench.session.meshes == [mesh]
    assert f"{len(mesh.faces):,} triangles" in dialog.message.text()
    log = "\n".join(entry.to_text() for entry in window.docks.log.entries)
    assert f"Made a mesh of step 60 of blobs: {len(mesh.faces):,} triangles" in log
    assert not window.actions_["learnt"].isChecked()
    dialog.close()
    wait(lambda: not window.viewport.busy)
    middle = window.viewport.grab()[..., :3].astype(int)
    background = 255 * np.array(window.viewport.background)
    seen = np.abs(middle - background).max(axis=2) > 25
    assert 0.01 < seen.mean() < 0.6, "the mesh, and nothing else"

    window.actions_["make_mesh"].trigger()
    QTest.mouseClick(dialog.export, LEFT)
    exporting = window.findChild(ExportDialog)
    assert exporting.format.value == ".glb"
    exporting.path.setText(str(tmp_path / "mesh.glb"))
    QTest.mouseClick(exporting.save, LEFT)
    wait(lambda: "Read back" in exporting.message.text(), 30)
    exporting.close()
    back = open_path(tmp_path / "mesh.glb")
    assert isinstance(back, Mesh)
    assert len(back.faces) == len(mesh.faces)
    assert np.abs(np.sort(back.vertices, 0) - np.sort(mesh.vertices, 0)).max() < 1e-6
    drop(window, tmp_path / "mesh.glb")
    wait(lambda: len(bench.session.meshes) == 2)


def test_a_field_offers_its_level_and_becomes_a_mesh(ball_window, wait):
    window, bench = ball_window, ball_window.bench
    dialog = opened(window, wait)
    assert dialog.form.rows["level"].editor.isVisibleTo(dialog)
    assert not dialog.form.rows["agreement"].editor.isVisibleTo(dialog.form.advanced)
    set_up(dialog, resolution=32, level=900.0)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: "try a level from" in dialog.message.text(), 60)
    assert bench.session.meshes == []
    assert not window.banner.text, "it is said where it was asked for"
    set_up(dialog, level=0.0)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: bench.meshing.last is not None, 60)
    first = bench.meshing.last.mesh
    assert np.linalg.norm(first.vertices, axis=1) == pytest.approx(1, abs=0.1)
    assert "density of" in dialog.message.text()
    set_up(dialog, resolution=24)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: bench.meshing.last.mesh is not first, 60)
    assert bench.session.meshes == [bench.meshing.last.mesh], "it takes the place of the first"


def test_the_box_is_seen_can_be_typed_and_goes_back(ball_window, wait):
    window = ball_window
    window.actions_["cameras"].setChecked(False)
    wait(lambda: not window.viewport.busy)
    before = orange(window)
    dialog = opened(window, wait)
    whole = dialog.box.content
    wait(lambda: orange(window) > before + 150)
    forecast = dialog.forecast.text()
    assert not dialog.reset_box.isVisible()
    field = dialog.box.fields[5]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0.1")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.bench.meshing.job is None, "Enter ends the typing and no more"
    assert dialog.box.content == (*whole[:5], 0.1)
    assert dialog.config.box[5] == 0.1
    assert dialog.forecast.text() != forecast
    field.selectAll()
    QTest.keyClicks(field, "-9")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "Box is empty" in dialog.forecast.text()
    QTest.mouseClick(dialog.make, LEFT)
    assert "Box is empty" in dialog.message.text()
    assert window.bench.meshing.job is None
    QTest.mouseClick(dialog.reset_box, LEFT)
    assert dialog.box.content == whole
    dialog.close()
    wait(lambda: orange(window) <= before + 5)


def test_too_much_memory_is_said_while_it_is_typed_and_refused(ball_window, wait):
    dialog = opened(ball_window, wait)
    set_up(dialog, resolution=2000, memory_mb=500)
    assert "the limit is 500 MB" in dialog.forecast.text()
    assert dialog.forecast.property("role") == "warn"
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: "try a resolution of" in dialog.message.text())


def test_cancel_ends_the_work_and_nothing_comes_of_it(ball_window, wait, live_for):
    window, meshing = ball_window, ball_window.bench.meshing
    dialog = opened(window, wait)
    set_up(dialog, resolution=400, level=100.0)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: "Measuring density" in dialog.phase.text(), 60)
    job = meshing.job
    QTest.mouseClick(dialog.cancel, LEFT)
    assert meshing.job is None
    assert job.cancelled
    assert dialog.make.isEnabled()
    set_up(dialog, resolution=24)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: meshing.last is not None, 60)
    live_for(0.2)
    assert window.bench.session.meshes == [meshing.last.mesh]
    assert len(meshing.last.mesh.faces) < 20_000, "of the second, not of the first"


def test_hiding_the_dialog_ends_nothing_and_other_photos_end_all(
    ball_window, new_photos, tmp_path, answers, wait
):
    from app.questions import Choice

    window, meshing = ball_window, ball_window.bench.meshing
    dialog = opened(window, wait)
    set_up(dialog, resolution=24)
    QTest.mouseClick(dialog.make, LEFT)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isHidden()
    wait(lambda: meshing.last is not None, 60)
    assert not window.actions_["learnt"].isChecked()
    dialog = opened(window, wait)
    set_up(dialog, resolution=400)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: meshing.job is not None and meshing.job.progress is not None, 60)
    answers.choice = Choice.DISCARD
    drop(window, new_photos(tmp_path / "other", 4))
    wait(lambda: window.bench.session.dataset.name == "other")
    assert dialog.isHidden()
    assert meshing.job is None
    assert meshing.last is None
    assert window.actions_["learnt"].isChecked()


def test_closing_the_window_while_a_mesh_is_made_ends_it(ball_window, wait):
    import threading

    dialog = opened(ball_window, wait)
    set_up(dialog, resolution=400)
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: ball_window.bench.meshing.job.progress is not None, 60)
    ball_window.end()
    assert not [t for t in threading.enumerate() if t.name.startswith("behind")]
