"""Meshes of radiance fields whose surface is known: where it lies, its colours, its refusals."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.errors import InputError
from assets.export import export
from assets.mesh import Mesh
from assets.open import open_path
from engines.events import Prepared, Told
from engines.mesh import MeshConfig, mesher_of, mesher_of_field
from engines.mesh.box import Box, Grid
from engines.mesh.field import FieldMesher
from engines.mesh.level import Rays, bounded, fitted_level
from engines.mesh.settle import settled
from engines.mesh.sight import Sight
from engines.mesh.views import EMPTY
from tests.engines.mesh_scenes import BallField

CENTRE = (40.0, -3.0, 2.0)
CELLS = 48
CONFIG = MeshConfig(resolution=CELLS)


def ring(count: int = 10, centre: tuple = CENTRE, away: float = 4.0) -> list[Camera]:
    """Cameras around `centre` that look at it, some from above and some from below."""
    cameras = []
    for i in range(count):
        angle = 2 * np.pi * i / count
        eye = np.array(centre) + away * np.array([np.cos(angle), np.sin(angle), 0.6 * (-1) ** i])
        pose = look_at(eye, np.array(centre), np.array([0, 0, 1]))
        cameras.append(
            Camera(width=96, height=72, fx=104, fy=104, cx=48, cy=36, camera_to_world=pose)
        )
    return cameras


def made(mesher: FieldMesher) -> Mesh:
    for event in mesher.run():
        assert isinstance(event, Prepared | Told)
    assert mesher.result is not None
    assert mesher.slots.take(Mesh) is mesher.result
    return mesher.result


def outwards(mesh: Mesh, centre: tuple = CENTRE) -> tuple[np.ndarray, np.ndarray]:
    """Unit directions [v, 3] from the middle to the vertices, and the distances [v]."""
    out = mesh.vertices.astype(np.float64) - np.array(centre)
    radius = np.linalg.norm(out, axis=1)
    return out / radius[:, None], radius


@pytest.fixture(scope="module")
def ball() -> Mesh:
    """Of a ball with a sharp edge, with every setting automatic."""
    return made(mesher_of_field(BallField(CENTRE, peak=600, soft=0.003), ring(), CONFIG))


def test_a_ball_lies_within_a_part_of_a_cell_of_the_truth_and_is_closed(ball: Mesh):
    _, radius = outwards(ball)
    cell = 2.5 / CELLS
    assert abs(radius.mean() - 1) < 0.25 * cell
    assert radius.std() < 0.03 * cell, "no bulges along the grid"
    edges = np.sort(np.concatenate([ball.faces[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses == 2).all()
    assert len(ball.vertices) - len(ball.faces) / 2 == 2, "one closed surface (Euler)"


def test_normals_and_faces_look_outwards_and_colours_are_the_fields(ball: Mesh):
    out, _ = outwards(ball)
    assert ((out * ball.normals).sum(axis=1) > 0.97).all()
    a, b, c = (ball.vertices[ball.faces[:, i]].astype(np.float64) for i in range(3))
    facing = (np.cross(b - a, c - a) * out[ball.faces[:, 0]]).sum(axis=1)
    assert (facing > -1e-9).all(), "counter-clockwise seen from outside"
    assert np.abs(ball.colours[out[:, 2] > 0.2] - (0.8, 0.1, 0.1)).max() < 0.01
    assert np.abs(ball.colours[out[:, 2] < -0.2] - (0.1, 0.1, 0.8)).max() < 0.01


@pytest.mark.parametrize(("peak", "soft"), [(2000, 0.001), (200, 0.01), (60, 0.04)])
def test_the_automatic_level_lies_where_the_views_see_the_surface(peak: float, soft: float):
    """However soft it is: a person looks at the photos, and there the ball has this size."""
    field, cameras = BallField(CENTRE, peak=peak, soft=soft), ring()
    mesher = mesher_of_field(field, cameras, CONFIG)
    _, radius = outwards(made(mesher))
    depth = field.render(cameras[0]).depth[36, 48]
    seen = np.linalg.norm(cameras[0].centre - CENTRE) - depth
    assert abs(radius.mean() - seen) < 0.5 * 2.5 / CELLS
    assert 0 < mesher.level < peak


def test_a_level_that_is_given_is_taken():
    field = BallField(CENTRE, peak=60, soft=0.04)
    for level in (6.0, 54.0):
        mesher = mesher_of_field(field, ring(), replace(CONFIG, level=level))
        _, radius = outwards(made(mesher))
        assert radius == pytest.approx(1 + 0.04 * np.log(60 / level - 1), abs=0.003)
        assert mesher.level == level


def test_without_cameras_the_box_is_the_fields_and_the_level_still_fits():
    field = BallField(peak=600, soft=0.003)
    mesher = mesher_of_field(field, None, CONFIG)
    _, radius = outwards(made(mesher), (0, 0, 0))
    assert abs(radius.mean() - 1) < 0.03
    assert np.allclose((mesher.box.low, mesher.box.high), field.box)


def test_a_box_crops():
    x, y, z = CENTRE
    half = (x - 1.3, y - 1.3, z, x + 1.3, y + 1.3, z + 1.3)
    mesh = made(mesher_of_field(BallField(CENTRE), ring(), replace(CONFIG, box=half)))
    assert mesh.vertices[:, 2].min() >= z - 1e-5
    assert mesh.vertices[:, 2].max() > z + 0.9


class Hollow(BallField):
    """Only the outer half of the ball is there."""

    def depth_inside(self, points: np.ndarray) -> np.ndarray:
        inside = super().depth_inside(points)
        return np.minimum(inside, 0.5 - inside)


def test_what_no_camera_sees_is_left_out():
    field = Hollow(CENTRE, peak=600, soft=0.003)
    _, radius = outwards(made(mesher_of_field(field, ring(), CONFIG)))
    assert radius.min() > 0.97
    keep = replace(CONFIG, smallest_piece=0.0, level=300.0)
    _, radius = outwards(made(mesher_of_field(field, None, keep)))
    assert radius.min() == pytest.approx(0.5, abs=0.03), "nobody says that it cannot be seen"


class Rod(BallField):
    """A thin rod along z: in small views it is nothing but edge."""

    def depth_inside(self, points: np.ndarray) -> np.ndarray:
        local = np.abs(points - self.centre)
        return np.minimum(0.05 - np.linalg.norm(local[..., :2], axis=-1), 1 - local[..., 2])


def test_thin_things_stay_whole():
    config = replace(CONFIG, level=100.0, box=(39.0, -4.0, 0.9, 41.0, -2.0, 3.1))
    mesh = made(mesher_of_field(Rod(CENTRE, peak=600, soft=0.003), ring(), config))
    assert np.ptp(mesh.vertices[:, 2]) == pytest.approx(2, abs=0.05)
    heights = np.sort(mesh.vertices[:, 2])
    assert np.diff(heights).max() < 2.2 / CELLS + 1e-6


class Fenced(BallField):
    """Has a second ball where `occupied` says that nothing can be."""

    def depth_inside(self, points: np.ndarray) -> np.ndarray:
        beside = 0.3 - np.linalg.norm(points - self.centre - (0, 0, 1.5), axis=-1)
        return np.maximum(super().depth_inside(points), beside)

    def occupied(self, points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - self.centre, axis=1) < 1.1


def test_space_that_the_field_knows_to_be_empty_is_not_asked_for():
    box = (*(np.array(CENTRE) - 1.9), *(np.array(CENTRE) + 1.9))
    config = replace(CONFIG, box=box, level=100.0, smallest_piece=0.0)
    fenced, open_ = Fenced(CENTRE), BallField(CENTRE)
    _, radius = outwards(made(mesher_of_field(fenced, None, config)))
    made(mesher_of_field(open_, None, config))
    assert radius.max() < 1.1
    assert fenced.asked < 0.5 * open_.asked


class Wavering(BallField):
    """Tells the same place a little differently each time, as sums in another order do."""

    def density(self, points: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(self.asked).uniform(-1e-6, 1e-6, len(points))
        return super().density(points) * (1 + noise).astype(np.float32)


def test_bricks_meet_without_a_seam_even_where_the_field_wavers():
    mesh = made(mesher_of_field(Wavering(CENTRE, peak=60, soft=0.05), ring(), CONFIG))
    assert len(mesh.vertices) - len(mesh.faces) / 2 == 2, "one closed surface (Euler)"


def test_a_level_without_a_surface_is_said_with_a_range_that_has_one():
    field = BallField(CENTRE, peak=60, soft=0.04)
    for level in (5_000.0, 61.0):
        with pytest.raises(InputError, match=r"densest place has 60.*try a level from") as refused:
            made(mesher_of_field(field, ring(), replace(CONFIG, level=level)))
        words = str(refused.value).split("level from ")[1].split(",")[0]
        for good in (float(word) for word in words.split(" to ")):
            assert made(mesher_of_field(field, ring(), replace(CONFIG, level=good))).faces.size


def test_a_box_full_of_matter_and_an_empty_one_are_said():
    x, y, z = CENTRE
    inner = (x - 0.3, y - 0.3, z - 0.3, x + 0.3, y + 0.3, z + 0.3)
    with pytest.raises(InputError, match="denser than 1"):
        made(mesher_of_field(BallField(CENTRE), None, replace(CONFIG, box=inner, level=1.0)))

    class Void(BallField):
        def density(self, points: np.ndarray) -> np.ndarray:
            return np.zeros(len(points), np.float32)

    with pytest.raises(InputError, match="There is nothing in the box"):
        made(mesher_of_field(Void(CENTRE), None, replace(CONFIG, level=1.0)))
    with pytest.raises(InputError, match="see through everything in the box"):
        made(mesher_of_field(Void(CENTRE), ring(), CONFIG))


def test_too_much_memory_is_refused_before_the_work_with_a_resolution_that_would_do():
    field = BallField(CENTRE)
    box = (*field.box[0], *field.box[1])
    huge = MeshConfig(resolution=2000, box=box, memory_mb=300)
    with pytest.raises(InputError, match=r"likely to need .* try a resolution of \d+") as refused:
        list(mesher_of_field(field, ring(), huge).run())
    assert field.asked == field.drawn == 0
    fits = int(str(refused.value).split("resolution of ")[1].split()[0])
    assert 100 < fits < 2000
    run = mesher_of_field(field, ring(), replace(huge, resolution=fits)).run()
    next(run)
    run.close()


def test_closing_at_any_event_ends_the_work_and_leaves_nothing():
    config = replace(CONFIG, level=50.0, box=(38.7, -4.3, 0.7, 41.3, -1.7, 3.3))
    total = len(list(mesher_of_field(BallField(CENTRE), ring(), config).run()))
    for stop_at in {0, 1, 12, total // 2, total - 2}:
        mesher = mesher_of_field(BallField(CENTRE), ring(), config)
        run = mesher.run()
        for _ in range(stop_at + 1):
            next(run)
        run.close()
        assert mesher.result is None
        assert mesher.slots.take(Mesh) is None


def test_a_survey_tells_the_box_and_what_a_mesh_would_cost():
    survey = None
    mesher = mesher_of(BallField(CENTRE), ring(), CONFIG)

    def surveyed():
        nonlocal survey
        survey = yield from mesher.survey()

    assert all(isinstance(event, Prepared | Told) for event in surveyed())
    assert mesher.result is None
    assert survey.box.holds(np.array(CENTRE) + np.eye(3)).all()
    assert (survey.box.size < 2.6).all()
    coarse, fine = (survey.forecast(replace(CONFIG, resolution=r)) for r in (48, 192))
    assert fine.bytes > 8 * coarse.bytes
    assert fine.seconds > coarse.seconds > 0
    began = time.perf_counter()
    box = (*survey.box.low, *survey.box.high)
    made(mesher_of(BallField(CENTRE), ring(), replace(CONFIG, box=box)))
    assert 0.05 < coarse.seconds / (time.perf_counter() - began) < 20
    small = replace(CONFIG, resolution=192, box=(40.0, -3.0, 2.0, 40.2, -2.9, 2.1))
    assert survey.forecast(small).bytes < fine.bytes


def test_vertices_settle_exactly_between_their_samples():
    random = np.random.default_rng(1)
    low = random.integers(0, 9, (200, 3)).astype(float)
    axis = random.integers(0, 3, 200)
    vertices = low.copy()
    vertices[np.arange(200), axis] += random.uniform(0.01, 0.99, 200)
    truth = random.uniform(0.05, 0.95)

    def inside(places: np.ndarray) -> np.ndarray:
        return (places - np.floor(places)).sum(axis=1) > truth

    # On these edges the far end is a whole number, which the rule above calls outside.
    assert np.array_equal(settled(inside, vertices), vertices)

    def below(places: np.ndarray) -> np.ndarray:
        return places[:, 0] < 4.3

    edge = np.array([[4.9, 2, 3], [4.5, 0, 1], [3.5, 1, 1], [4.0, 5, 5]])
    assert np.allclose(
        settled(below, edge), [[4.3, 2, 3], [4.3, 0, 1], [3.5, 1, 1], [4, 5, 5]], atol=1 / 60
    )


def test_a_bounded_density_is_0_at_its_level_and_half_way_where_density_jumps():
    assert bounded(np.float32([0, 5, 1e30]), 5.0) == pytest.approx([1, 0, -1])
    grown = bounded(np.exp(np.float32([-0.2, 0.2])), 1.0)
    assert grown[0] == pytest.approx(-grown[1])


def looking_at(eye: tuple, target: tuple = (0.0, 0.0, 0.0)) -> Camera:
    pose = look_at(np.array(eye), np.array(target), np.array([0, 1, 0]))
    return Camera(width=64, height=48, fx=60, fy=60, cx=32, cy=24, camera_to_world=pose)


def test_haze_before_a_wall_and_thin_places_in_it_bound_the_level():
    """Density 0.3 before a wall of 100 that is only 40 at one side."""

    def density(points: np.ndarray) -> np.ndarray:
        wall = np.where(points[:, 0] > 0.8, 40.0, 100.0)
        return np.where(points[:, 2] <= 0, wall, 0.3).astype(np.float32)

    rays = Rays.through([looking_at((0, 0, 4))], Box(np.full(3, -1.5), np.full(3, 1.5)))
    level = fitted_level(density, rays, span=0.15)
    assert 0.3 < level < 40


def test_light_that_does_not_stop_chooses_no_level():
    rays = Rays.through([looking_at((0, 0, 4))], Box(np.full(3, -1.0), np.full(3, 1.0)))
    with pytest.raises(InputError, match="see through everything in the box"):
        fitted_level(lambda points: np.full(len(points), 0.1, np.float32), rays, span=0.1)


def test_rays_go_through_pixels_from_where_they_enter_the_box_to_where_they_leave_it():
    box = Box(np.full(3, -1.0), np.full(3, 1.0))
    inside, outside = looking_at((0.2, 0, 0.1), (0, 0, -1)), looking_at((0, 0, 5))
    rays = Rays.through([inside, outside], box, 400)
    assert 250 < len(rays) <= 420
    ends = rays.at(np.stack([rays.enter, rays.leave], axis=1))
    assert (np.abs(ends).max(axis=(1, 2)) <= 1 + 1e-9).all()
    assert np.allclose(np.abs(ends[:, 1]).max(axis=1), 1), "they end at a side"
    from_within = np.all(rays.eyes == inside.centre, axis=1)
    assert (rays.enter[from_within] == 0).all()
    assert (rays.enter[~from_within] >= 4 - 1e-9).all()
    pixels, depth = outside.project(ends[~from_within, 1])
    assert (depth > 0).all()
    assert ((pixels >= 0) & (pixels <= (64, 48))).all()


def test_sight_tells_front_from_back_and_from_what_is_hidden():
    """Two squares, one behind the other, seen from one side only."""
    grid = Grid.over(Box(np.full(3, -1.0), np.full(3, 1.0)), 40)
    x, y = np.meshgrid(np.arange(5.0, 36.0), np.arange(5.0, 36.0))
    square = np.stack([x.ravel(), y.ravel(), np.full(x.size, 30.0)], axis=1)
    vertices = np.concatenate([square, square - (0, 0, 12)])
    sight = Sight.of([looking_at((0, 0, 4))], grid, vertices)
    points = grid.to_world(np.array([[20, 20, 30.0], [20, 20, 18.0], [20, 20, 27.0]]))
    forward, back = np.tile((0, 0, 1.0), (3, 1)), np.tile((0, 0, -1.0), (3, 1))
    assert sight.seen_from_before(points, forward).tolist() == [True, False, True]
    assert not sight.seen_from_before(points, back).any()
    depth = sight.depth(0, 64, 48)
    assert depth.shape == (48, 64)
    assert depth[24, 32] == pytest.approx(4 - (30 - 20) * grid.spacing, abs=grid.spacing)
    assert depth[0, 0] == EMPTY


def test_without_cameras_colours_are_those_seen_straight_from_before():
    class Mirror(BallField):
        def colours(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
            return (0.5 + 0.5 * directions).astype(np.float32)

    mesh = made(mesher_of_field(Mirror(CENTRE), None, replace(CONFIG, level=100.0)))
    assert np.allclose(mesh.colours, 0.5 - 0.5 * mesh.normals, atol=1e-3)


def test_with_cameras_colours_are_those_that_cameras_see():
    class Painted(BallField):
        def _paint(self, points: np.ndarray) -> np.ndarray:
            return np.broadcast_to((0.2, 0.6, 0.4), points.shape)

        def colours(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
            raise AssertionError("nobody is to ask for single places")

    field = Painted(CENTRE, peak=600, soft=0.003)
    mesh = made(mesher_of_field(field, ring(), replace(CONFIG, level=300.0)))
    assert np.abs(mesh.colours - (0.2, 0.6, 0.4)).max() < 0.01


@pytest.mark.gl
def test_what_is_read_back_looks_like_the_field(qapp, ball: Mesh, tmp_path: Path):
    from renderers.offscreen import render

    behind = (0.0, 1.0, 0.0)
    path = tmp_path / "ball.glb"
    export(ball, path)
    back = open_path(path)
    assert isinstance(back, Mesh)
    field = BallField(CENTRE, peak=600, soft=0.003)
    for camera in ring()[::3]:
        ours = render(camera, meshes=[back], background=behind)[..., :3].astype(float) / 255
        theirs = field.render(camera)
        a, b = np.abs(ours - behind).max(axis=2) > 0.02, theirs.alpha > 0.5
        assert (a & b).sum() / (a | b).sum() >= 0.95
        # The mesh is lit, so only its hue is the field's.
        ours, image = (
            p[a & b] / np.maximum(p[a & b].max(axis=1, keepdims=True), 1e-3)
            for p in (ours, theirs.image)
        )
        assert np.abs(ours - image).mean() < 0.05
