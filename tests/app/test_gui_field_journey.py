"""The whole way of a person with the real engines: learn a field, look into it, compare, go home.

The steps are few and the pictures small, so nothing is said here of how good what was learnt is.
"""

import dataclasses
import math

import numpy as np
import pytest
import torch
from app_drop import drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QTabBar

from app.enginekinds import KINDS, load_machine
from app.export_dialog import ExportDialog
from app.pairview import PairView
from app.questions import Choice
from app.run import State
from assets.samples import sample_folder
from engines.artifacts import FieldRay
from kernels.composite import composite

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
LEFT = Qt.MouseButton.LeftButton
LONG_S = 280.0
"""What takes some seconds may take minutes on a machine that is busy with something else."""


def press(window, name: str) -> None:
    """Click the button of an action in the bar at the top."""
    QTest.mouseClick(window.topbar.findChild(QPushButton, f"button_{name}"), LEFT)


def choose(window, engine: str, **settings) -> None:
    QTest.mouseClick(window.topbar.engine.button(engine), LEFT)
    window.docks.settings.set_config(dataclasses.replace(window.docks.config(), **settings))


def bring_forward(window, title: str) -> None:
    """Click the tab of a panel."""
    for bar in window.findChildren(QTabBar):
        for i in range(bar.count()):
            if bar.tabText(i) == title:
                QTest.mouseClick(bar, LEFT, pos=bar.tabRect(i).center())


def is_composited(ray: FieldRay, behind: np.ndarray) -> None:
    """What the panel was given is what the kernel makes of its densities and distances."""
    level = ray.levels[-1]
    told = {
        name: torch.from_numpy(getattr(level, name))
        for name in ("sigma", "colours", "t_start", "t_end")
    }
    offsets = torch.tensor([0, len(level.sigma)])
    seen = composite(told["sigma"], told["colours"], told["t_start"], told["t_end"], offsets)
    assert level.weights == pytest.approx(seen.weights.numpy(), abs=1e-5)
    assert ray.accumulation == pytest.approx(float(seen.accumulation), abs=1e-5)
    assert ray.depth == pytest.approx(float(seen.depth), rel=1e-4)
    thickness = level.sigma * (level.t_end - level.t_start)
    light = np.exp(-np.concatenate([[0.0], np.cumsum(thickness)[:-1]]))
    assert level.transmittance == pytest.approx(light, abs=1e-5)
    colour = seen.colour[0].numpy() + (1 - ray.accumulation) * behind
    assert ray.colour == pytest.approx(colour.clip(0, 1), abs=1e-4)


def decibels(first: np.ndarray, second: np.ndarray) -> float:
    return -10 * math.log10(float(np.mean(np.square(first.clip(0, 1) - second.clip(0, 1)))))


def test_from_a_drop_to_a_mesh_that_is_opened_again(make_window, tmp_path, wait):
    window = make_window(kinds=KINDS, load=load_machine, size=(820, 600), ready=False)
    bench, docks, view = window.bench, window.docks, window.view
    window.questions.choice = Choice.DISCARD
    window.actions_["cameras"].setChecked(False)
    wait(lambda: bench.machine is not None, LONG_S)

    # A field learns from what was dropped, until it is stopped.
    choose(window, "nerf", downscale=4, samples=8192, table_size=13, evaluate_every=1000)
    drop(window, sample_folder())
    wait(lambda: bench.run.step >= 30, LONG_S)
    press(window, "stop")
    wait(lambda: bench.run.state is State.STOPPED and not bench.jobs._waiting, LONG_S)
    engine = bench.run.engine
    wait(lambda: view.subject is not None and view.subject.step == engine.step, LONG_S)
    wait(lambda: view.asked.shown, LONG_S)
    assert not window.overlays.light.isVisible(), "it has no appearance codes"

    # A pixel's ray is what the kernel says.
    panel, native = docks.ray, window.viewport.native
    QTest.mouseClick(native, LEFT, pos=QPoint(native.width() // 2, 2 * native.height() // 3))
    wait(lambda: panel.ray is not None and panel.is_in_sight, LONG_S)
    towards = torch.from_numpy(panel.ray.direction).float()[None]
    is_composited(panel.ray, engine.model.backdrop.colours(towards)[0].detach().numpy())
    rows = panel.table.rows
    weights = [float(rows.index(i, 4).data().lstrip("<")) for i in range(rows.rowCount())]
    assert rows.columns[4].title == "Weight"
    assert weights == pytest.approx(panel.ray.levels[-1].weights.tolist(), abs=1.1e-3)

    # It becomes a mesh.
    window.actions_["make_mesh"].trigger()
    dialog = window.mesh_dialog
    wait(lambda: dialog.make.isEnabled() and dialog.box.isEnabled(), LONG_S)
    dialog.form.rows["resolution"].set_value(32)
    dialog.form.edited.emit()
    QTest.mouseClick(dialog.make, LEFT)
    wait(lambda: bench.meshing.last is not None, LONG_S)
    mesh, path = bench.meshing.last.mesh, tmp_path / "still life.glb"
    QTest.mouseClick(dialog.export, LEFT)
    exporting = window.findChild(ExportDialog)
    exporting.path.setText(str(path))
    QTest.mouseClick(exporting.save, LEFT)
    wait(lambda: "Read back" in exporting.message.text(), LONG_S)
    exporting.close()
    dialog.close()

    # Splats learn from the same photos; the field is kept beside them.
    choose(window, "splats", steps=15, downscale=4, evaluate_every=15)
    press(window, "run")
    wait(lambda: bench.run.state is State.FINISHED and view.cloud is not None, LONG_S)
    bring_forward(window, "Compare")
    compare = docks.compare
    wait(lambda: compare.chosen is not None and compare.is_in_sight)
    wait(lambda: compare.first.currentText() == "Splats, 15 steps")
    names = [compare.first.currentText(), compare.second.currentText()]
    assert names == ["Splats, 15 steps", f"NeRF, {engine.step} steps"]
    QTest.mouseClick(compare.on, LEFT)
    wait(lambda: isinstance(view.asked.view, PairView), LONG_S)
    wait(lambda: not math.isnan(view.asked.view.psnr), LONG_S)
    camera, shown = view.asked.camera, view.asked.view
    splats = bench.run.engine.source().render(camera)
    field = window.shelf.kept[0].exactly.source().render(camera)
    assert shown.left.image == pytest.approx(splats.image, abs=1e-5)
    assert shown.image == pytest.approx(field.image, abs=1e-5)
    assert shown.psnr == pytest.approx(decibels(splats.image, field.image), abs=1e-3)
    wait(lambda: f"{shown.psnr:.1f} dB apart" in compare.said.text())
    assert compare.cells["steps"][0].text() == "15"
    wait(lambda: all(cell.text() != "–" for cell in compare.cells["render_ms"]))

    # The mesh comes back as it went.
    before = len(bench.session.meshes)
    drop(window, path)
    wait(lambda: len(bench.session.meshes) == before + 1, LONG_S)
    back = bench.session.meshes[-1]
    assert len(back.faces) == len(mesh.faces) > 100
    assert np.abs(np.sort(back.vertices, 0) - np.sort(mesh.vertices, 0)).max() < 1e-5
