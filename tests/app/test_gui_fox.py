"""The main job in the real window with the real engine: photos in, a splat out that is right."""

import dataclasses

import numpy as np
import pytest
import torch
from app_drop import drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.enginekinds import KINDS, load_machine
from app.run import State
from engines.events import Evaluated
from engines.quality import judge
from engines.splats.render import CloudTensors, render

pytestmark = pytest.mark.gl

STEPS, DOWNSCALE = 120, 8


@pytest.fixture
def window(make_window):
    window = make_window(kinds=KINDS, load=load_machine)
    config = dataclasses.replace(window.docks.config(), steps=STEPS, downscale=DOWNSCALE)
    window.docks.settings.set_config(config)
    return window


def orbit(window, wait) -> None:
    """Drag over the viewport as a hand would."""
    native = window.viewport.native
    start = QPoint(native.width() // 2, native.height() // 2)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=start)
    for i in range(1, 5):
        QTest.mouseMove(native, start + QPoint(18 * i, 6 * i))
        step = window.bench.run.step
        wait(lambda step=step: window.bench.run.step > step)
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=start + QPoint(72, 24))


def psnr_of(cloud, dataset, names) -> float:
    """Mean PSNR of the photos `names`, as whoever opens the file would see them."""
    tensors = CloudTensors.of(cloud, torch.device("cpu"))
    views = {view.name: view for view in dataset.views}

    def pair(name):
        camera = views[name].camera
        width, height = round(camera.width / DOWNSCALE), round(camera.height / DOWNSCALE)
        photo = views[name].photo.load(width, height)
        return render(tensors, camera.resized(width, height)).image, torch.from_numpy(photo)

    return judge(names, pair).psnr


def test_drop_train_orbit_pause_resume_export(window, shared_data, tmp_path, wait):
    from assets.open import open_path

    told = []
    window.feed.happened.connect(told.append)
    drop(window, shared_data / "fox_colmap")
    run = window.bench.run
    wait(lambda: run.step >= 5, 120)
    before = window.viewport.camera.camera_to_world.copy()
    orbit(window, wait)
    moved = window.viewport.camera
    assert np.linalg.norm(moved.centre - before[:3, 3]) > 0.01
    assert window.view.cloud is not None

    QTest.mouseClick(window.topbar.run, Qt.MouseButton.LeftButton)
    assert run.state is State.PAUSED
    held = run.between_steps(lambda engine: engine.step).result(10)
    QTest.qWait(200)
    assert run.engine.step == held
    assert held < STEPS
    QTest.mouseClick(window.topbar.run, Qt.MouseButton.LeftButton)
    wait(lambda: run.state is State.FINISHED, 120)
    assert run.engine.step == STEPS
    picture = window.viewport.grab()
    assert picture[..., :3].std() > 10

    window.actions_["export"].trigger()
    wait(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    target = tmp_path / "füchslein.ply"
    dialog.path.setText(str(target))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    wait(lambda: "Read back" in dialog.message.text())
    count = len(run.engine.cloud())
    assert f"Read back: {count:,} Gaussians" in dialog.message.text()
    dialog.reject()
    assert run.unsaved_steps == 0

    (train,) = [e for e in told if isinstance(e, Evaluated) and e.split == "train"]
    assert train.psnr > 14.0
    back = open_path(target)
    assert len(back) == count
    assert abs(psnr_of(back, run.engine.dataset, list(train.views)) - train.psnr) < 0.1


def test_start_pause_at_once_clear_and_close_with_the_real_engine(window, shared_data, wait):
    from app.questions import Choice

    window.questions.choice = Choice.DISCARD
    drop(window, shared_data / "fox_colmap")
    wait(lambda: window.bench.run.state is State.PREPARING)
    window.actions_["run"].trigger()
    assert window.bench.run.state is State.PAUSED
    window.actions_["run"].trigger()
    wait(lambda: window.bench.run.step >= 3, 120)
    window.actions_["clear"].trigger()
    assert window.bench.run.state is State.IDLE
    window.actions_["run"].trigger()
    wait(lambda: window.bench.run.step >= 3, 120)
    window.close()
    assert not window.isVisible()
