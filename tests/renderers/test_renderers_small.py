"""The small parts: bounds, atlas, grid spacing, colours, rotations."""

import numpy as np
import pytest

from assets.camera import Camera, look_at
from renderers.atlas import packed, shrunk
from renderers.bounds import bounds_of, home_direction, resemble
from renderers.colours import depth_colours
from renderers.grid import spacing_for
from renderers.rotation import about_axis, axis_angle, between, orthonormal, perpendicular

UP = np.array([0.0, -1.0, 0.0])


def ring(n: int, radius: float = 3.0) -> list[Camera]:
    lens = Camera(width=40, height=30, fx=40.0, fy=40.0, cx=20.0, cy=15.0)
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return [
        lens.moved(look_at(radius * np.array([np.cos(a), -0.2, np.sin(a)]), np.zeros(3), UP))
        for a in angles
    ]


def test_stray_points_do_not_make_the_scene_huge() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1000, 3))
    points[:8] *= 1e4
    points[8] = np.nan
    bounds = bounds_of([points], [], [], UP)
    assert np.linalg.norm(bounds.centre) < 0.5
    assert 2.0 < bounds.radius < 6.0


def test_all_of_a_mesh_counts() -> None:
    vertices = np.array([[0, 0, 0], [10, 0, 0], [0, 2, 0]], dtype=float)
    bounds = bounds_of([], [vertices], [], np.array([0.0, 1.0, 0.0]))
    assert np.linalg.norm(vertices - bounds.centre, axis=1).max() <= bounds.radius + 1e-9
    assert bounds.ground == 0.0


def test_cameras_say_what_matters() -> None:
    rng = np.random.default_rng(0)
    background = rng.normal(size=(500, 3)) * 100
    subject = rng.normal(size=(500, 3)) * 0.3
    bounds = bounds_of([np.concatenate([subject, background])], [], ring(8), UP)
    assert np.linalg.norm(bounds.centre) < 1e-6
    assert bounds.radius == pytest.approx(np.linalg.norm([3.0, 0.6]), rel=0.2)


def test_nothing_has_no_bounds_and_one_point_has_some() -> None:
    assert bounds_of([np.zeros((0, 3))], [], [], UP) is None
    assert bounds_of([np.full((4, 3), np.nan)], [], [], UP) is None
    one = bounds_of([np.ones((1, 3))], [], [], UP)
    assert one.radius > 0
    assert one.centre == pytest.approx([1, 1, 1])
    assert bounds_of([], [], ring(1), UP).radius > 0


def test_a_learning_cloud_resembles_itself_and_no_other() -> None:
    rng = np.random.default_rng(0)
    start, later = rng.normal(size=(500, 3)), 1.1 * rng.normal(size=(5000, 3)) + 0.1
    later[:5] = np.inf
    assert resemble(later, start)
    assert not resemble(start + 3.0, start)
    assert not resemble(4.0 * start, start)
    assert not resemble(start, np.zeros((0, 3)))
    assert not resemble(np.full((4, 3), np.nan), start)


def test_home_looks_as_the_cameras_do_from_a_little_above() -> None:
    cameras = ring(16)[:3]
    direction = home_direction(cameras, UP)
    assert direction @ np.mean([c.forward for c in cameras], axis=0) > 0.7
    assert direction @ UP < -0.2
    for up in (UP, np.array([0, 0, 1.0]), np.array([1.0, 0, 0])):
        lonely = home_direction([], up)
        assert np.linalg.norm(lonely) == pytest.approx(1.0)
        assert -0.6 < lonely @ up < -0.2


def test_the_atlas_holds_every_picture_at_its_place() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(30, 255, (11, 3)).astype(np.uint8)
    sizes = [(30 + 7 * i, 90 - 5 * i) for i in range(11)]
    images = [np.tile(c, (*size, 1)) for c, size in zip(colours, sizes, strict=True)]
    images[3] = images[3].astype(np.float32) / 255
    atlas, places = packed(images, cell=64)
    for colour, (left, top, right, bottom) in zip(colours, places, strict=True):
        x = np.round(np.array([left, right]) * atlas.shape[1] - 0.5).astype(int)
        y = np.round(np.array([top, bottom]) * atlas.shape[0] - 0.5).astype(int)
        assert (atlas[y[0] : y[1], x[0] : x[1]] == colour).all()
    assert packed([], cell=64)[1].shape == (0, 4)


def test_only_what_is_drawn_is_uploaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from renderers import textures

    uploads = []

    class Recorder:
        def __init__(self, texels: np.ndarray, **options) -> None:
            uploads.append(texels)

        def set_data(self, texels: np.ndarray) -> None:
            uploads.append(texels)

    monkeypatch.setattr(textures.gloo, "Texture2D", Recorder)
    late = textures.LateTexture()
    pictures = [np.full((2, 2, 3), i, dtype=np.uint8) for i in range(5)]
    for picture in pictures[:3]:
        late.set(picture)
    assert late.uploaded() is late.uploaded()
    late.set(pictures[3])
    late.set(pictures[4])
    late.uploaded()
    assert [int(texels[0, 0, 0]) for texels in uploads] == [2, 4]


def test_shrinking_averages() -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * 200
    small = shrunk(np.repeat(board[..., None], 4, axis=2).astype(np.uint8), 16)
    assert small.shape == (16, 16, 3)
    assert (small == 100).all()
    assert shrunk(np.zeros((1, 900, 3), np.uint8), 16).shape[1] <= 16


def test_grid_spacing_is_continuous() -> None:
    distances = np.geomspace(1e-3, 1e3, 400)
    spacing, strength = np.array([spacing_for(d) for d in distances]).T
    assert (spacing > 0.005 * distances).all()
    assert (spacing < 0.5 * distances).all()
    assert ((strength >= 0) & (strength <= 1)).all()
    jumps = np.flatnonzero(np.diff(spacing) > 1e-9)
    assert (strength[jumps] < 0.05).all()


def test_depth_colours_fall_evenly_in_lightness() -> None:
    colours = depth_colours(64)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(luminance) - 16
    assert (np.diff(lightness) < 0).all()
    assert np.diff(lightness).min() > 2.0 * np.diff(lightness).mean()
    assert colours.min() >= 0
    assert colours.max() <= 1


def test_rotations() -> None:
    rng = np.random.default_rng(0)
    for angle in (0.0, 1e-9, 0.3, 2.9, np.pi):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        rotation = about_axis(axis, angle)
        assert rotation @ axis == pytest.approx(axis)
        found, size = axis_angle(rotation)
        assert size == pytest.approx(angle, abs=1e-6)
        assert about_axis(found, size) == pytest.approx(rotation, abs=1e-6)
        first, second = perpendicular(axis)
        assert np.cross(first, second) == pytest.approx(axis)
        assert between(np.eye(3), rotation, 0.5) @ between(np.eye(3), rotation, 0.5) == (
            pytest.approx(rotation, abs=1e-6)
        )
        assert orthonormal(rotation + 1e-4 * rng.normal(size=(3, 3))) == (
            pytest.approx(rotation, abs=1e-3)
        )
