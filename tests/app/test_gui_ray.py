"""A click on a pixel in the real window with the real engine: the ray that is read is the truth."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from app_drop import drop
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.enginekinds import KINDS, load_machine
from app.run import State
from assets.camera import Camera, look_at
from engines.splats import CloudSource
from engines.splats.lineage import Birth
from engines.splats.probe import probe
from engines.splats.render import CloudTensors, render

pytestmark = [
    pytest.mark.gl,
    # vispy 0.17 asks Qt's mouse events for pos(), which Qt would rather call position().
    pytest.mark.filterwarnings("ignore:.*QMouseEvent.pos:DeprecationWarning"),
]
LEFT = Qt.MouseButton.LeftButton


def write_scene(folder: Path, cloud) -> Path:
    """Eight photos of a cloud of Gaussians from a ring around it, with their cameras."""
    folder.mkdir()
    tensors = CloudTensors.of(cloud, torch.device("cpu"))
    frames = []
    for i in range(8):
        angle = 2 * np.pi * i / 8
        eye = np.array([2.5 * np.cos(angle), -0.6, 2.5 * np.sin(angle)])
        pose = look_at(eye, np.zeros(3), np.array([0.0, -1.0, 0.0]))
        camera = Camera(
            width=48, height=36, fx=45.0, fy=45.0, cx=24.0, cy=18.0, camera_to_world=pose
        )
        image = render(tensors, camera).image.clamp(0, 1).numpy()
        Image.fromarray((image * 255).astype(np.uint8)).save(folder / f"{i}.png")
        matrix = (pose @ np.diag([1.0, -1, -1, 1])).tolist()
        frames.append({"file_path": f"{i}.png", "transform_matrix": matrix})
    lens = {"fl_x": 45.0, "fl_y": 45.0, "cx": 24.0, "cy": 18.0, "w": 48, "h": 36}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    return folder


@pytest.fixture
def window(make_window, tmp_path, gaussians, wait):
    """A window that has learnt for a while with clones and splits, and holds."""
    window = make_window(kinds=KINDS, load=load_machine, size=(1280, 800), ready=False)
    wait(lambda: window.bench.machine is not None, 120)
    config = dataclasses.replace(
        window.docks.config(),
        steps=4000,
        downscale=1,
        refine_from=10,
        refine_every=10,
        refine_until=60,
        start_count=300,
        evaluate_every=2000,
    )
    window.docks.settings.set_config(config)
    window.actions_["cameras"].setChecked(False)
    drop(window, write_scene(tmp_path / "ball", gaussians(300)))
    run = window.bench.run
    wait(lambda: run.step >= 45, 120)
    run.pause()
    wait(lambda: window.view.cloud is not None and not window.bench.jobs._waiting, 30)
    return window


def click(window, x: int, y: int) -> None:
    QTest.mouseClick(window.viewport.native, LEFT, pos=QPoint(x, y))


def middle(window) -> tuple[int, int]:
    native = window.viewport.native
    return native.width() // 2, native.height() // 2


def truth(window, x: int, y: int):
    """What made the pixel, asked of the engine itself."""
    engine, ratio = window.bench.run.engine, window.viewport._canvas.pixel_scale
    source = CloudSource(engine.cloud(), lineage=engine.lineage)
    return source.probe(window.viewport.camera, x * ratio, y * ratio)


def cells(window) -> list[list[str]]:
    model = window.docks.ray.table.rows
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def pixel_of(window, place: np.ndarray) -> tuple[int, int]:
    (pixel,), _ = window.viewport.camera.project(place[None])
    return int(pixel[0]), int(pixel[1])


def test_a_click_shows_the_gaussians_that_made_the_pixel(window, wait) -> None:
    panel = window.docks.ray
    x, y = middle(window)
    click(window, x, y)
    wait(lambda: panel.ray is not None)
    told, found = truth(window, x, y), panel.ray
    assert len(told.rows) > 3
    for name in ("ids", "parents", "causes", "born", "t", "alpha", "weights", "colour"):
        assert np.array_equal(getattr(found, name), getattr(told, name)), name
    bare = probe(
        CloudTensors.of(window.bench.run.engine.cloud(), torch.device("cpu")),
        window.viewport.camera,
        *told.pixel,
    )
    assert np.array_equal(bare.rows, found.rows)

    wait(lambda: panel.is_in_sight)  # the tab comes forward when it was no double click
    rows = cells(window)
    assert [int(row[0]) for row in rows] == list(range(1, len(told.rows) + 1))
    assert [float(row[1]) for row in rows] == pytest.approx(told.t.tolist(), abs=6e-3)
    assert [float(row[2]) for row in rows] == pytest.approx(told.alpha.tolist(), abs=6e-4)
    assert [row[5] for row in rows] == [f"{i:,}" for i in told.ids]
    parents = [f"{p:,}" if p >= 0 else "none" for p in told.parents]
    assert [row[6] for row in rows] == parents
    assert {Birth(cause) for cause in told.causes} & {Birth.CLONE, Birth.SPLIT}
    column, row = (int(place) for place in told.pixel)
    assert panel.header.value == f"{column:,}, {row:,}"


def test_the_ray_stays_in_space_while_the_view_orbits_and_escape_forgets_it(window, wait) -> None:
    x, y = middle(window)
    eye = window.viewport.camera.centre.copy()
    click(window, x, y)
    wait(lambda: window.viewport.ray is not None)
    mark = window.viewport.ray
    assert mark.origin == pytest.approx(eye)
    assert mark.length > mark.t.max()

    native, start = window.viewport.native, QPoint(x, y)
    QTest.mousePress(native, LEFT, pos=start)
    for i in range(1, 6):
        QTest.qWait(12)
        QTest.mouseMove(native, start + QPoint(8 * i, 2 * i))
    QTest.mouseRelease(native, LEFT, pos=start + QPoint(40, 10))
    wait(lambda: np.linalg.norm(window.viewport.camera.centre - eye) > 0.05)
    assert window.viewport.ray is mark
    picture = window.viewport.grab()
    reach = np.linalg.norm(mark.origin) * np.array([0.6, 0.8])
    ends = [pixel_of(window, mark.origin + t * mark.direction) for t in reach]
    window.activateWindow()
    native.setFocus()
    wait(native.hasFocus)
    QTest.keyClick(native, Qt.Key.Key_Escape)
    assert window.viewport.ray is None
    assert window.docks.ray.ray is None
    change = np.abs(picture.astype(int) - window.viewport.grab()).max(axis=2)
    for column, row in ends:
        assert change[row - 2 : row + 3, column - 2 : column + 3].max() > 25
    assert (change > 25).mean() < 0.05


def test_pointing_at_a_row_marks_the_gaussian_in_plot_and_space(window, wait, live_for) -> None:
    panel = window.docks.ray
    click(window, *middle(window))
    wait(lambda: panel.ray is not None and panel.is_in_sight)
    live_for(0.1)
    pointed = []
    panel.pointed.connect(pointed.append)
    plain = window.viewport.grab().astype(int)
    index = panel.table.rows.index(2, 1)
    where = panel.table.visualRect(index).center()
    QTest.mouseMove(panel.table.viewport(), where)
    wait(lambda: panel.plot.marked == 2)
    ray = panel.ray
    assert pointed[-1][0] == pytest.approx(ray.origin + ray.t[2] * ray.direction)
    assert pointed[-1][1] == pytest.approx(ray.means[2])
    assert f"{ray.ids[2]:,}" in panel.details.text()
    column, row = pixel_of(window, ray.means[2])
    marked = window.viewport.grab().astype(int)
    assert np.abs(marked - plain)[row - 3 : row + 4, column - 3 : column + 4].max() > 60
    QTest.mouseClick(panel.table.viewport(), LEFT, pos=where)
    QTest.keyClick(panel.table, Qt.Key.Key_Down)
    assert panel.table.chosen == 3
    QTest.keyClick(panel.table, Qt.Key.Key_Escape)
    assert panel.ray is None
    assert window.viewport.ray is None


def test_the_same_pixel_is_looked_into_again_while_the_run_learns(window, wait) -> None:
    panel, run = window.docks.ray, window.bench.run
    click(window, *middle(window))
    wait(lambda: panel.ray is not None and panel.is_in_sight)
    first, mark = panel.ray, window.viewport.ray
    run.resume()
    wait(lambda: panel.ray is not first, 30)
    assert panel.ray.pixel == first.pixel
    assert not np.array_equal(panel.ray.alpha, first.alpha)
    assert window.viewport.ray is not mark
    QTest.mouseClick(panel.live, LEFT)
    wait(lambda: not window.view.asked.renderer.probing)
    window.probing.tick()
    still, step = panel.ray, run.step
    wait(lambda: run.step > step + 30, 60)
    QTest.qWait(1300)
    assert panel.ray is still


def test_a_new_run_and_closing_clear_the_ray(window, wait) -> None:
    from app.questions import Choice

    panel = window.docks.ray
    window.questions.choice = Choice.DISCARD
    click(window, *middle(window))
    wait(lambda: panel.ray is not None)
    window.actions_["restart"].trigger()
    assert panel.ray is None
    assert window.viewport.ray is None
    run = window.bench.run
    wait(lambda: run.step >= 3 and window.view.cloud is not None, 60)
    click(window, *middle(window))
    wait(lambda: panel.ray is not None)
    assert panel.ray.born.max() <= run.step
    assert len(panel.ray.ids) == len(set(panel.ray.ids.tolist()))
    window.actions_["close_all"].trigger()
    assert run.state is State.IDLE
    assert panel.ray is None
    click(window, *middle(window))
    QTest.qWait(200)
    assert panel.ray is None


def test_the_exact_view_is_looked_into_at_the_pixel_that_it_shows(window, wait) -> None:
    panel = window.docks.ray
    window.actions_["mode_exact"].trigger()
    wait(lambda: window.viewport._scene.rendered.shown, 30)
    wait(lambda: not window.view.asked.renderer.busy, 30)
    QTest.qWait(400)
    x, y = middle(window)
    camera = window.view.drawn_camera
    view = window.bench.run.engine.source().render(camera)
    click(window, x, y)
    wait(lambda: panel.ray is not None)
    column, row = (int(place) for place in panel.ray.pixel)
    assert panel.ray.colour.clip(0, 1) == pytest.approx(view.image[row, column], abs=1e-5)


def test_a_double_click_goes_there_and_leaves_the_tabs_alone(window, wait) -> None:
    panel = window.docks.ray
    assert not panel.is_in_sight
    native, at = window.viewport.native, QPoint(*middle(window))
    QTest.mouseClick(native, LEFT, pos=at)
    QTest.mouseDClick(native, LEFT, pos=at)
    wait(lambda: panel.ray is not None)
    QTest.qWait(600)
    assert not panel.is_in_sight


def test_gaussians_of_a_file_are_known_by_their_rows(make_window, tmp_path, gaussians, wait):
    from assets.export import export

    window = make_window(kinds=KINDS, load=load_machine)
    export(gaussians(200), tmp_path / "ball.ply")
    drop(window, tmp_path / "ball.ply")
    wait(lambda: window.view.cloud is not None)
    wait(lambda: not window.viewport._navigator.moving)
    click(window, *middle(window))
    panel = window.docks.ray
    wait(lambda: panel.ray is not None)
    assert panel.ray.ids is None
    wait(lambda: panel.is_in_sight)
    assert panel.table.rows.columns[-1].title == "Row"
    assert [row[-1] for row in cells(window)] == [f"{row:,}" for row in panel.ray.rows]
    panel.table.choose(0)
    assert "Gaussian in row" in panel.details.text()


def test_the_ray_of_what_only_its_engine_can_draw(make_window, photos, wait) -> None:
    window = make_window()
    QTest.mouseClick(window.topbar.engine.button("nerf"), LEFT)
    window.actions_["cameras"].setChecked(False)
    drop(window, photos)
    panel = window.docks.ray
    wait(lambda: window.view.asked.shown, 30)
    click(window, *middle(window))
    wait(lambda: panel.ray is not None and panel.is_in_sight)
    assert [level.name for level in panel.ray.levels] == ["coarse", "fine"]
    assert panel.table.rows.rowCount() == len(panel.ray.levels[1].weights)
    mark = window.viewport.ray
    assert mark.direction == pytest.approx(panel.ray.direction)
    assert mark.length > 3.2
    panel.table.choose(3)
    QTest.mouseClick(panel._levels.button("coarse"), LEFT)
    assert panel.table.rows.rowCount() == len(panel.ray.levels[0].weights)
    window.bench.run.clear()
    window.actions_["run"].trigger()
    assert panel.ray is None
    assert window.viewport.ray is None


def test_the_ray_of_a_radiance_field_is_that_of_its_engine(
    make_window, tmp_path, gaussians, wait
) -> None:
    window = make_window(kinds=KINDS, load=load_machine, size=(1280, 800), ready=False)
    wait(lambda: window.bench.machine is not None, 120)
    QTest.mouseClick(window.topbar.engine.button("nerf"), LEFT)
    config = dataclasses.replace(
        window.docks.config(), steps=400, samples=4096, table_size=12, holdout=0, downscale=1
    )
    window.docks.settings.set_config(config)
    window.actions_["cameras"].setChecked(False)
    drop(window, write_scene(tmp_path / "ball", gaussians(300)))
    run, panel = window.bench.run, window.docks.ray
    wait(lambda: run.step >= 40, 240)
    run.pause()
    wait(lambda: window.view.asked.shown and not window.bench.jobs._waiting, 60)
    click(window, *middle(window))
    wait(lambda: panel.ray is not None and panel.is_in_sight, 60)
    told = run.engine.source().probe(window.view.drawn_camera, *panel.ray.pixel)
    assert len(told.levels) == len(panel.ray.levels)
    for name in ("sigma", "weights", "t_start", "colours"):
        for one, other in zip(told.levels, panel.ray.levels, strict=True):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4)
    assert panel.table.rows.rowCount() == len(told.levels[-1].weights) > 5
    assert window.viewport.ray.direction == pytest.approx(told.direction)
