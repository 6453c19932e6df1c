"""Making a mesh as a run: its events, its end at any moment, and what it refuses."""

import time

import numpy as np
import psutil
import pytest
import torch

from assets.camera import Camera, look_at
from assets.errors import InputError
from assets.gaussians import SH_C0, GaussianCloud
from assets.mesh import Mesh
from engines.events import Prepared
from engines.mesh import DepthMesher, MeshConfig, Mesher, mesher_of_cloud
from engines.mesh.box import Box
from engines.mesh.clean import without_small_pieces
from engines.mesh.cloud import SurfaceSource
from engines.mesh.compare import compared, surface_points
from engines.mesh.simplify import simplified
from engines.mesh.views import depth_view, orbit
from engines.splats.source import CloudSource
from tests.engines.conftest import make_cloud
from tests.engines.mesh_scenes import Ball

AROUND = (-1.3, -1.3, -1.3, 1.3, 1.3, 1.3)


def ring(count: int = 12, centre: tuple = (0.0, 0.0, 0.0), away: float = 4.0) -> list[Camera]:
    """Cameras around `centre` that look at it, some from above and some from below."""
    cameras = []
    for i in range(count):
        angle = 2 * np.pi * i / count
        eye = np.array(centre) + away * np.array([np.cos(angle), np.sin(angle), 0.6 * (-1) ** i])
        pose = look_at(eye, np.array(centre), np.array([0, 0, 1]))
        cameras.append(
            Camera(width=120, height=90, fx=130, fy=130, cx=60, cy=45, camera_to_world=pose)
        )
    return cameras


def made(mesher: Mesher) -> Mesh:
    events = list(mesher.run())
    assert all(isinstance(event, Prepared) for event in events)
    for phase in {event.phase for event in events}:
        of_phase = [event for event in events if event.phase == phase]
        assert of_phase[-1].done == of_phase[-1].total, f"{phase} ends full"
    assert mesher.result is not None
    assert mesher.slots.take(Mesh) is mesher.result
    return mesher.result


def test_a_ball_far_from_the_origin_comes_out_in_its_own_frame_and_colours():
    centre = (5000.0, -3000.0, 20.0)
    mesh = made(DepthMesher(Ball(centre), ring(centre=centre), MeshConfig(resolution=48)))
    assert mesh.vertices.dtype == mesh.normals.dtype == mesh.colours.dtype == np.float32
    assert mesh.faces.dtype == np.int32
    out = mesh.vertices - np.array(centre)
    radius = np.linalg.norm(out, axis=1)
    assert abs(radius.mean() - 1) < 0.03
    assert ((out / radius[:, None] * mesh.normals).sum(axis=1) > 0.8).mean() > 0.95
    top, bottom = out[:, 2] > 0.15, out[:, 2] < -0.15
    assert np.abs(mesh.colours[top] - (0.8, 0.1, 0.1)).mean() < 0.01
    assert np.abs(mesh.colours[bottom] - (0.1, 0.1, 0.8)).mean() < 0.01


def test_a_given_box_crops():
    half = MeshConfig(resolution=32, box=(-1.3, -1.3, 0.0, 1.3, 1.3, 1.3))
    mesh = made(DepthMesher(Ball(), ring(), half))
    assert mesh.vertices[:, 2].min() >= -1e-6
    assert mesh.vertices[:, 2].max() > 0.9


def test_closing_at_any_event_ends_the_work_and_leaves_nothing():
    config = MeshConfig(resolution=48, faces=500, box=AROUND)
    before = psutil.Process().children()
    run = DepthMesher(Ball(), ring(), config).run()
    # How often the child that simplifies is looked after depends on the machine.
    moments = list(dict.fromkeys((event.phase, event.done) for event in run))
    for at in (0, 1, len(moments) // 2, -4, -3, -2):
        mesher = DepthMesher(Ball(), ring(), config)
        run = mesher.run()
        for event in run:
            if (event.phase, event.done) == moments[at]:
                break
        run.close()
        assert mesher.result is None
        assert mesher.slots.take(Mesh) is None
    assert psutil.Process().children() == before


def test_closing_ends_the_child_that_simplifies():
    side = 500
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    vertices = np.stack([x, y, np.sin(x * y)], axis=-1).reshape(-1, 3).astype(float)
    a = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate(
        [np.stack([a, a + 1, a + side], 1), np.stack([a + 1, a + side + 1, a + side], 1)]
    )
    before = psutil.Process().children()
    run = simplified(vertices, faces, most=100)
    next(run)
    assert len(psutil.Process().children()) == len(before) + 1
    began = time.monotonic()
    run.close()
    assert time.monotonic() - began < 0.7, "half a million triangles take seconds if it goes on"
    assert psutil.Process().children() == before


def test_simplifying_keeps_shape_and_colours():
    config = MeshConfig(resolution=48, box=AROUND)
    whole = made(DepthMesher(Ball(), ring(), config))
    few = made(DepthMesher(Ball(), ring(), MeshConfig(resolution=48, box=AROUND, faces=1500)))
    assert len(whole.faces) > 5000
    assert 1000 < len(few.faces) <= 1500 * 1.05
    assert np.abs(np.linalg.norm(few.vertices, axis=1) - 1).mean() < 0.05
    top = few.vertices[:, 2] > 0.15
    assert np.abs(few.colours[top] - (0.8, 0.1, 0.1)).mean() < 0.01


def test_too_much_memory_is_refused_before_the_work_with_a_resolution_that_would_do():
    ball = Ball()
    huge = MeshConfig(resolution=2000, box=AROUND, memory_mb=300)
    with pytest.raises(InputError, match=r"likely to need .* try a resolution of \d+") as refused:
        list(DepthMesher(ball, ring(), huge).run())
    assert ball.drawn == 0
    fits = int(str(refused.value).split("resolution of ")[1].split()[0])
    assert 100 < fits < 2000
    smaller = DepthMesher(
        ball, ring(), MeshConfig(resolution=fits, box=AROUND, memory_mb=300)
    ).run()
    assert isinstance(next(smaller), Prepared)
    smaller.close()


def test_no_surface_is_said_with_a_range_that_has_one():
    elsewhere = MeshConfig(resolution=32, box=(3.0, 3.0, 3.0, 4.0, 4.0, 4.0))
    with pytest.raises(InputError, match="no surface in the box 3 3 3 4 4 4") as nothing:
        list(DepthMesher(Ball(), ring(), elsewhere).run())
    numbers = tuple(
        float(word) for word in str(nothing.value).split("lies in ")[1].split(",")[0].split()
    )
    assert made(DepthMesher(Ball(), ring(), MeshConfig(resolution=32, box=numbers))).faces.size


def test_a_faint_scene_is_said_with_an_opacity_that_would_do():
    with pytest.raises(
        InputError, match=r"more opaque than 0.30 .* opacity of 0.15|opacity of 0.15"
    ):
        list(DepthMesher(Ball(alpha=0.3), ring(), MeshConfig(resolution=32)).run())
    faint = MeshConfig(resolution=32, opacity=0.15)
    assert made(DepthMesher(Ball(alpha=0.3), ring(), faint)).faces.size
    with pytest.raises(InputError, match="see nothing of the scene"):
        list(DepthMesher(Ball((0, 0, 900)), ring(), MeshConfig(resolution=32)).run())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"resolution": 8}, "Resolution is 8"),
        ({"box": (1.0, 2.0, 3.0)}, "six numbers"),
        ({"box": (0.0, 0.0, 0.0, 1.0, 0.0, 1.0)}, "empty"),
        ({"box": (0.0, 0.0, 0.0, 1.0, float("nan"), 1.0)}, "six numbers"),
        ({"truncation": 1.0}, "at least"),
        ({"device": "tpu"}, "expected one of"),
    ],
)
def test_settings_out_of_range_are_refused(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        MeshConfig(**values)


def test_without_cameras_or_gaussians_there_is_nothing_to_do():
    with pytest.raises(InputError, match="at least one camera"):
        DepthMesher(Ball(), [], MeshConfig())
    with pytest.raises(InputError, match="no Gaussians"):
        mesher_of_cloud(make_cloud().selected(np.zeros(300, bool)), None, MeshConfig())
    far = MeshConfig(box=(50.0, 50.0, 50.0, 51.0, 51.0, 51.0))
    with pytest.raises(InputError, match="nothing in the box"):
        mesher_of_cloud(make_cloud(), None, far)


def test_a_cloud_without_photos_is_looked_at_from_all_around():
    cloud = ball_of_gaussians()
    mesh = made(mesher_of_cloud(cloud, None, MeshConfig(resolution=40, views=40)))
    radius = np.linalg.norm(mesh.vertices, axis=1)
    assert abs(np.median(radius) - 1) < 0.08
    room = ball_of_gaussians(radius=6.0, count=6000, size=0.3)
    both = GaussianCloud(
        **{
            name: np.concatenate([getattr(cloud, name), getattr(room, name)])
            for name in ("means", "quats", "log_scales", "logit_opacities", "sh")
        }
    )
    inner = MeshConfig(resolution=40, views=40, box=AROUND)
    mesh = made(mesher_of_cloud(both, None, inner))
    assert abs(np.median(np.linalg.norm(mesh.vertices, axis=1)) - 1) < 0.08, "walls do not hide it"


def ball_of_gaussians(radius: float = 1.0, count: int = 4000, size: float = 0.04) -> GaussianCloud:
    random = np.random.default_rng(3)
    means = random.normal(size=(count, 3))
    means *= radius / np.linalg.norm(means, axis=1, keepdims=True)
    return GaussianCloud(
        means=means.astype(np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        log_scales=np.full((count, 3), np.log(size), np.float32),
        logit_opacities=np.full(count, 3.0, np.float32),
        sh=np.full((count, 1, 3), 0.3, np.float32),
    )


def test_depth_is_that_of_the_first_surface_and_colour_that_of_the_cloud():
    """A haze, a half opaque red disc at depth 4 and a blue one at depth 6, all across the view."""
    logit = np.log(np.float32([0.05, 0.6, 0.95]) / np.float32([0.95, 0.4, 0.05]))
    cloud = GaussianCloud(
        means=np.float32([[0, 0, 1.5], [0, 0, 4], [0, 0, 6]]),
        quats=np.tile(np.float32([1, 0, 0, 0]), (3, 1)),
        log_scales=np.log(np.tile(np.float32([9, 9, 0.01]), (3, 1))),
        logit_opacities=logit.astype(np.float32),
        sh=(np.float32([[0.5, 0.5, 0.5], [1, 0, 0], [0, 0, 1]])[:, None] - 0.5) / np.float32(SH_C0),
    )
    camera = Camera(width=20, height=20, fx=20, fy=20, cx=10, cy=10)
    plain = CloudSource(cloud).render(camera)
    drawn = SurfaceSource(cloud, torch.device("cpu")).render(camera)
    assert plain.depth[10, 10] > 4.5
    assert drawn.depth[10, 10] == pytest.approx(4.15, abs=0.1)
    view = depth_view(drawn, opacity=0.5)
    colour = plain.image[10, 10] / plain.alpha[10, 10]
    assert view.colour[10, 10] / 255 == pytest.approx(colour, abs=0.01)


def test_every_camera_of_an_orbit_sees_the_whole_box():
    box = Box(np.array([-1.0, 2.0, 0.0]), np.array([3.0, 2.5, 1.0]))
    corners = np.stack(np.meshgrid(*zip(box.low, box.high, strict=True)), -1).reshape(-1, 3)
    for camera in orbit(box, 20, pixels=64):
        pixels, depth = camera.project(corners)
        assert (depth > 0).all()
        assert ((pixels >= 0) & (pixels <= 64)).all()


def test_loose_pieces_go_by_their_area():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
    vertices = np.concatenate([square * 10, square + 20, square * 0.5 + 40])
    faces = np.concatenate([np.array([[0, 1, 2], [0, 2, 3]]) + 4 * i for i in range(3)])
    kept, kept_faces, gone = without_small_pieces(vertices, faces, least_part=0.005)
    assert (gone, len(kept), len(kept_faces)) == (1, 8, 4)
    assert kept.max() == 21
    assert without_small_pieces(vertices, faces, least_part=0.0)[2] == 0
    assert without_small_pieces(vertices, faces, least_part=1.0)[2] == 2


def test_agreement_of_known_points():
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0), [0.0]), -1).reshape(-1, 3)
    result = compared(grid + np.array([0, 0, 0.3]), grid[:50], threshold=0.5)
    assert result.completeness == pytest.approx(0.3)
    assert result.recall == 1
    assert result.precision == pytest.approx(0.5)
    assert result.f_score == pytest.approx(2 / 3)
    assert result.chamfer == pytest.approx((result.accuracy + 0.3) / 2)
    assert compared(grid, grid + np.array([0, 0, 9]), threshold=0.5).f_score == 0


def test_surface_points_are_even_over_the_area():
    mesh = Mesh(
        vertices=np.float32([[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 5], [1, 0, 5], [0, 1, 5]]),
        faces=np.int32([[0, 1, 2], [3, 4, 5]]),
        normals=np.zeros((6, 3), np.float32),
        colours=np.ones((6, 3), np.float32),
    )
    points, face = surface_points(mesh, 4000)
    assert (face == 0).mean() == pytest.approx(0.75, abs=0.03)
    large = points[face == 0]
    assert np.allclose(large.mean(axis=0), (1, 1 / 3, 0), atol=0.05)
