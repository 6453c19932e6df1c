"""The bundled still life: true poses, true surfaces, and never half of it on disk."""

import os
from pathlib import Path

import numpy as np
import pytest

from assets.open import open_path
from assets.posed import PosedPhotos, split_holdout
from assets.samples import render, sample_cameras, sample_folder, sample_mesh, sample_scene, store
from assets.samples import viewpoints as views
from assets.samples.stilllife import still_life


@pytest.fixture(scope="module")
def scene() -> PosedPhotos:
    return sample_scene()


@pytest.fixture(scope="module")
def studio() -> render.Studio:
    return render.studio()


@pytest.fixture(scope="module")
def shots(studio: render.Studio) -> list[render.Photograph]:
    return [render.photograph(studio, camera) for camera in sample_cameras()[:2]]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, studio: render.Studio) -> list[int]:
    """Two photos instead of thirty; the list grows with every time the scene is made."""
    made: list[int] = []
    two = sample_cameras()[:2]

    def count() -> render.Studio:
        made.append(1)
        return studio

    monkeypatch.setattr(render, "studio", count)
    monkeypatch.setattr(views, "viewpoints", lambda: two)
    return made


ITEMS = still_life()
NAMES = [item.name for item in ITEMS]


def test_it_opens_as_any_data_set(scene: PosedPhotos) -> None:
    assert len(scene.views) == 30
    assert scene.notes == ()
    assert scene.points is not None
    assert len(scene.points) == 5000
    again = open_path(sample_folder())
    assert isinstance(again, PosedPhotos)
    assert [view.name for view in again.views] == [view.name for view in scene.views]
    assert scene.up @ (0, 0, 1) > 0.99


def test_poses_are_exact_and_photos_are_what_they_see(
    scene: PosedPhotos, shots: list[render.Photograph]
) -> None:
    for view, camera in zip(scene.views, sample_cameras(), strict=True):
        np.testing.assert_allclose(view.camera.camera_to_world, camera.camera_to_world, atol=1e-12)
        np.testing.assert_allclose(view.camera.intrinsics, camera.intrinsics, atol=1e-12)
        assert (view.camera.width, view.camera.height) == (320, 240)
    for view, shot in zip(scene.views, shots, strict=False):
        np.testing.assert_allclose(view.photo.load(320, 240), shot.image, atol=0.51 / 255)


def test_rays_end_where_the_camera_says(shots: list[render.Photograph]) -> None:
    n = render.OVERSAMPLING
    for camera, shot in zip(sample_cameras(), shots, strict=False):
        pixels, depth = camera.project(shot.points.reshape(-1, 3).astype(np.float64))
        row, column = np.divmod(np.arange(len(pixels)), shot.items.shape[1])
        expected = (np.stack([column, row], axis=1) + 0.5) / n
        assert np.abs(pixels - expected).max() < 2e-3
        assert depth.min() > 1


def test_points_lie_on_the_true_surfaces(scene: PosedPhotos) -> None:
    assert scene.points is not None
    points = scene.points.positions.astype(np.float64)
    off = np.abs(np.linalg.norm(points, axis=1) - render.ROOM_RADIUS)
    for item in ITEMS:
        nearest = item.shape.at(item.shape.uv_of(points))[0]
        off = np.minimum(off, np.linalg.norm(nearest - points, axis=1))
    assert off.max() < 4e-3
    on_things = np.linalg.norm(points, axis=1) < 3
    assert 0.75 < on_things.mean() < 0.99


def test_highlights_move_with_the_viewer_and_paper_stays(
    shots: list[render.Photograph], studio: render.Studio
) -> None:
    first, camera = shots[0], sample_cameras()[6]
    second = render.photograph(studio, camera)
    fine = np.repeat(np.repeat(first.image, 2, axis=0), 2, axis=1)
    dimmed = {}
    for name in ("print", "brass ball", "orange"):
        here = first.items == NAMES.index(name)
        points, brightness = first.points[here].astype(np.float64), fine[here].mean(axis=1)
        column, row = (camera.project(points)[0] * render.OVERSAMPLING).astype(int).T
        seen = np.linalg.norm(second.points[row, column] - points, axis=1) < 0.03
        seen &= brightness >= np.percentile(brightness[seen], 95)
        assert seen.sum() > 20, name
        there = second.image[row[seen] // 2, column[seen] // 2].mean(axis=1)
        dimmed[name] = (brightness[seen] - there).mean()
    assert abs(dimmed["print"]) < 0.05
    assert dimmed["brass ball"] > 0.3
    assert dimmed["orange"] > 0.19


def test_held_out_views_lie_among_the_others(scene: PosedPhotos) -> None:
    train, held_out = split_holdout([view.name for view in scene.views], 8)
    assert len(held_out) == 4
    away = scene.centres - views.TARGET
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    for index in held_out:
        angles = np.degrees(np.arccos(np.clip(away[train] @ away[index], -1, 1)))
        close = away[train][angles < 35]
        assert angles.min() < 25
        assert (close[:, 2] < away[index, 2]).any()
        assert (close[:, 2] > away[index, 2]).any()
        sides = np.cross(away[index], close)[:, 2]
        assert (sides < -0.05).any()
        assert (sides > 0.05).any()


def test_everything_is_in_the_picture(shots: list[render.Photograph]) -> None:
    assert set(range(len(NAMES))) <= set(np.unique(shots[0].items))
    image = shots[0].image
    assert 0.25 < image.mean() < 0.5
    assert (image > 0.97).all(axis=2).mean() < 0.01
    detail = np.abs(np.diff(image, axis=1)).mean()
    assert detail > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_maps_of_a_shape_agree(name: str) -> None:
    item = ITEMS[NAMES.index(name)]
    uv = np.random.default_rng(0).uniform(0.01, 0.99, (4000, 2))
    points, normals = item.shape.at(uv)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-9)
    back = item.shape.at(item.shape.uv_of(points))[0]
    assert np.abs(back - points).max() < 2e-3
    tangents = [item.shape.at(uv + step)[0] - points for step in ((1e-5, 0), (0, 1e-5))]
    for tangent in tangents:
        lengths = np.linalg.norm(tangent, axis=1)
        moved = (lengths > 1e-8) & (lengths < 1e-2)
        slant = np.abs((tangent[moved] * normals[moved]).sum(axis=1)) / lengths[moved]
        # Blended normals lean away from the frusta that they smooth.
        assert np.median(slant) < 0.2


@pytest.mark.parametrize("name", NAMES)
def test_rays_hit_the_surface_that_the_map_describes(name: str) -> None:
    item = ITEMS[NAMES.index(name)]
    uv = np.random.default_rng(1).uniform(0.02, 0.98, (3000, 2))
    if name == "table":  # mapped in plan: the corners of the square are beside it
        uv = uv[np.linalg.norm(uv - 0.5, axis=1) < 0.49]
    points, normals = item.shape.at(uv)
    pieces = item.shape.pieces()
    low, high = (np.array([getattr(p, side) for p in pieces]) for side in ("low", "high"))
    assert (points > low.min(axis=0) - 1e-6).all()
    assert (points < high.max(axis=0) + 1e-6).all()
    eye = views.TARGET + np.array([2.0, -3.0, 2.5])
    away = points - eye
    distance = np.linalg.norm(away, axis=1)
    directions = (away / distance[:, None]).astype(np.float32)
    hit = np.min([piece.hit(eye, directions) for piece in pieces], axis=0)
    steep = np.abs((directions * normals).sum(axis=1)) > 0.15
    facing = steep & ((directions * normals).sum(axis=1) < 0)
    # Nothing lets a ray through, and what faces the eye is hit there or hidden by itself.
    assert (hit[steep] < distance[steep] + 2e-3).mean() > 0.995
    assert (np.abs(hit[facing] - distance[facing]) < 2e-3).mean() > 0.6
    reached = np.isfinite(hit)
    landed = eye + hit[reached, None] * directions[reached]
    nearest = item.shape.at(item.shape.uv_of(landed))[0]
    assert np.percentile(np.linalg.norm(nearest - landed, axis=1), 99) < 2e-3


def test_mesh_is_the_scene(shots: list[render.Photograph]) -> None:
    mesh = sample_mesh()
    assert mesh.faces.max() < len(mesh.vertices)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert mesh.colours.min() >= 0
    assert mesh.colours.max() <= 1
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    outwards = (across * mesh.normals[mesh.faces].sum(axis=1)).sum(axis=1)
    assert (outwards > 0).mean() > 0.999
    # Points seen in a photo lie on the triangles: none is farther from all corners than the
    # triangles are long.
    from scipy.spatial import cKDTree

    seen = shots[0].points[shots[0].items >= 0][::37]
    longest = max(np.linalg.norm(x - y, axis=1).max() for x, y in ((a, b), (b, c), (c, a)))
    assert cKDTree(mesh.vertices).query(seen)[0].max() < longest
    np.testing.assert_allclose(mesh.vertices.max(axis=0)[2], 1.31 + 0.45, atol=0.01)


def test_made_once_and_again_when_damaged(tmp_path: Path, quick: list[int]) -> None:
    folder = sample_folder(tmp_path / "a ü")
    assert folder == tmp_path / "a ü" / store.FOLDER
    sample_folder(tmp_path / "a ü")
    assert len(quick) == 1
    photo = folder / "images/frame_01.png"
    for harm in (
        lambda: photo.unlink(),
        lambda: photo.write_bytes(photo.read_bytes()[:-5]),
        lambda: (folder / "sample.json").unlink(),
        lambda: (folder / "sample.json").write_text("{}"),
        lambda: (folder / "transforms.json").write_text("{"),
    ):
        harm()
        before = len(quick)
        opened = open_path(sample_folder(tmp_path / "a ü"))
        assert isinstance(opened, PosedPhotos)
        assert len(quick) == before + 1
    assert os.listdir(tmp_path / "a ü") == [store.FOLDER]


def test_changed_paint_makes_new_pictures(
    tmp_path: Path, quick: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_folder(tmp_path)
    monkeypatch.setattr(store, "_version", lambda: "another")
    sample_folder(tmp_path)
    assert len(quick) == 2


@pytest.mark.usefixtures("quick")
def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    shares: list[float] = []

    class EnoughError(Exception):
        pass

    def stop(share: float) -> None:
        shares.append(share)
        if share > 0.3:
            raise EnoughError

    with pytest.raises(EnoughError):
        sample_folder(tmp_path, progress=stop)
    assert os.listdir(tmp_path) == []
    sample_folder(tmp_path, progress=shares.append)
    assert shares[-1] == 1.0


@pytest.mark.skipif(os.name == "nt", reason="other folders there")
def test_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(store.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.cache_folder() == tmp_path / "zograscope"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for odd in ("", "relative/place"):
        monkeypatch.setenv("XDG_CACHE_HOME", odd)
        assert store.cache_folder() == tmp_path / "home/.cache/zograscope"


def test_a_cache_that_cannot_be_written_is_left_for_another_place(
    tmp_path: Path, quick: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "file" / "zograscope")
    monkeypatch.setattr(store, "spare_folder", lambda: tmp_path / "spare")
    assert sample_folder() == tmp_path / "spare" / store.FOLDER
    assert sample_folder() == tmp_path / "spare" / store.FOLDER
    assert len(quick) == 1
