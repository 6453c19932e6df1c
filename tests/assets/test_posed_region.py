"""Where cameras look, for rings, arcs, rows, one camera and panoramas."""

from pathlib import Path

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.formats.colmap import read_colmap
from assets.photos import FilePhoto
from assets.posed import PosedPhotos, View
from assets.region import random_points, region_of_interest

AHEAD = np.array([0.0, 1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])


def cameras_at(eyes: np.ndarray, targets: np.ndarray) -> list[Camera]:
    lens = Camera(width=80, height=60, fx=90, fy=90, cx=40, cy=30)
    return [lens.moved(look_at(e, t, UP)) for e, t in zip(eyes, targets, strict=True)]


def data_set(cameras: list[Camera]) -> PosedPhotos:
    photo = FilePhoto(Path("none"), 80, 60)
    views = tuple(View(str(i), photo, camera) for i, camera in enumerate(cameras))
    return PosedPhotos(name="set", source=Path("set"), views=views)


def circle(count: int, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.3 * np.cos(3 * angle)], 1)


ROW = np.stack([np.linspace(-1, 1, 9), np.zeros(9), np.zeros(9)], axis=1)
LAYOUTS = {
    "ring": cameras_at(circle(20, 4.0) + 7, np.full((20, 3), 7.0)),
    "arc": cameras_at(circle(20, 4.0)[:5], np.zeros((5, 3))),
    "row": cameras_at(ROW, ROW + AHEAD),
    "one": cameras_at(ROW[:1], ROW[:1] + AHEAD),
    "same place": cameras_at(ROW[:1].repeat(4, 0), ROW[:1].repeat(4, 0) + AHEAD),
    "outwards": cameras_at(circle(12, 0.5), circle(12, 5.0)),
    "two": cameras_at(ROW[[0, -1]], np.array([[0, 3.0, 0], [0, 3.0, 0]])),
}


@pytest.mark.parametrize(("name", "centre"), [("ring", 7.0), ("arc", 0.0)])
def test_cameras_that_look_at_one_thing_find_it(name, centre):
    region = region_of_interest(LAYOUTS[name])
    np.testing.assert_allclose(region.centre, centre, atol=0.01)
    assert region.distance == pytest.approx(4.0, rel=0.05)
    assert 1.0 < region.radius < 2.0


def test_two_cameras_find_where_their_axes_cross():
    np.testing.assert_allclose(region_of_interest(LAYOUTS["two"]).centre, [0, 3, 0], atol=1e-6)


@pytest.mark.parametrize("name", ["row", "one", "same place"])
def test_parallel_cameras_look_ahead(name):
    cameras = LAYOUTS[name]
    region = region_of_interest(cameras)
    middle = np.mean([camera.centre for camera in cameras], axis=0)
    ahead = region.centre - middle
    assert ahead[1] == pytest.approx(3.0 if name == "row" else 1.0)
    np.testing.assert_allclose(ahead[[0, 2]], 0, atol=1e-6)


@pytest.mark.parametrize("name", LAYOUTS)
def test_random_points_are_finite_seen_and_repeatable(name):
    dataset = data_set(LAYOUTS[name])
    cloud = random_points(dataset, 2000, np.random.default_rng(3))
    again = random_points(dataset, 2000, np.random.default_rng(3))
    assert cloud.positions.shape == cloud.colours.shape == (2000, 3)
    assert cloud.positions.dtype == cloud.colours.dtype == np.float32
    np.testing.assert_array_equal(cloud.positions, again.positions)
    assert np.isfinite(cloud.positions).all()
    assert 0 <= cloud.colours.min() < cloud.colours.max() <= 1
    seen = np.zeros(2000, dtype=int)
    for camera in LAYOUTS[name]:
        pixels, depth = camera.project(cloud.positions.astype(np.float64))
        inside = ((pixels >= -0.01) & (pixels <= (80.01, 60.01))).all(axis=1)
        seen += inside & (depth > 0)
    assert (seen >= 1).all()
    if name in ("ring", "arc", "same place"):
        assert (seen >= 2).mean() > 0.7


def test_few_points_are_as_many_as_asked():
    assert len(random_points(data_set(LAYOUTS["ring"]), 1, np.random.default_rng(0))) == 1


def test_the_real_fox_is_where_its_points_are(shared_data):
    dataset = read_colmap(shared_data / "fox_colmap")
    region = region_of_interest([view.camera for view in dataset.views])
    assert dataset.points is not None
    away = np.linalg.norm(dataset.points.positions - region.centre, axis=1)
    assert np.median(away) < region.radius < np.quantile(away, 0.95)
