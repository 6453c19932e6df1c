"""The picture of the Gaussians is the rasteriser's, and bad ones do it no harm."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.gaussians import GaussianCloud

pytestmark = pytest.mark.gl
Maker = Callable[..., GaussianCloud]
GROUND = (0.1, 0.2, 0.3)


@pytest.fixture
def render(opengl):
    from renderers.offscreen import render

    return render


def rasterized(cloud: GaussianCloud, camera: Camera) -> np.ndarray:
    import torch

    from kernels.rasterize import rasterize
    from kernels.sphericalharmonics import colours_of_view

    def tensor(values) -> torch.Tensor:
        return torch.tensor(np.asarray(values), dtype=torch.float32)

    return rasterize(
        tensor(cloud.means),
        tensor(cloud.quats),
        tensor(cloud.scales),
        tensor(cloud.opacities),
        tensor(colours_of_view(cloud.sh, cloud.means, camera.centre)),
        world_to_camera=tensor(camera.world_to_camera),
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        width=camera.width,
        height=camera.height,
        background=tensor(GROUND),
    ).image.numpy()


def psnr(picture: np.ndarray, reference: np.ndarray) -> float:
    difference = picture[..., :3] / 255.0 - np.clip(reference, 0.0, 1.0)
    return float(-10.0 * np.log10(np.mean(difference**2)))


def test_it_is_the_rasterisers_picture(render, make_cloud: Maker, camera: Camera) -> None:
    cloud = make_cloud(2000, degree=3)
    picture = render(camera, gaussians=cloud, background=GROUND)
    assert picture.shape == (240, 320, 4)
    assert psnr(picture, rasterized(cloud, camera)) > 45.0


def test_so_it_is_from_inside_and_at_the_image_edge(render, make_cloud: Maker) -> None:
    pose = look_at(np.array([0.1, 0.0, -0.5]), np.array([1.0, 0.2, 0.5]), np.array([0, -1, 0.1]))
    wide = Camera(width=200, height=150, fx=80.0, fy=85.0, cx=60.0, cy=100.0, camera_to_world=pose)
    cloud = make_cloud(1500, degree=1, seed=3)
    picture = render(wide, gaussians=cloud, background=GROUND)
    assert psnr(picture, rasterized(cloud, wide)) > 35.0


def test_a_real_scene_too(render, shared_data: Path) -> None:
    from assets.open import open_path

    cloud = open_path(shared_data / "splats" / "biker.compressed.ply")
    pose = look_at(np.array([2.0, -2.0, 3.0]), np.array([0.0, -1.5, 0.0]), np.array([0, -1, 0]))
    camera = Camera(
        width=240, height=320, fx=330.0, fy=330.0, cx=120.0, cy=160.0, camera_to_world=pose
    )
    picture = render(camera, gaussians=cloud, background=GROUND)
    assert psnr(picture, rasterized(cloud, camera)) > 40.0


def test_what_is_smaller_than_a_pixel_is_blurred_as_much(
    render, make_cloud: Maker, camera: Camera
) -> None:
    cloud = make_cloud(800)
    tiny = replace(cloud, log_scales=cloud.log_scales - 4.0)
    assert psnr(render(camera, gaussians=tiny, background=GROUND), rasterized(tiny, camera)) > 45.0


def test_no_gaussian_hides_all_that_is_behind_it(render, one_gaussian: Maker) -> None:
    camera = Camera(width=31, height=31, fx=30.0, fy=30.0, cx=15.5, cy=15.5)
    black = one_gaussian((0, 0, 3), (0, 0, 0), scale=1.0, opacity=0.9999)
    picture = render(camera, gaussians=black, background=(1.0, 1.0, 1.0))
    assert picture[15, 15, 0] == pytest.approx(0.01 * 255, abs=1)


def test_many_faint_layers_do_not_band(render) -> None:
    """Three hundred nearly transparent sheets: eight bits would lose half of the light."""
    n = 300
    cloud = GaussianCloud(
        means=np.column_stack([np.zeros((n, 2)), np.linspace(2, 3, n)]).astype(np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        log_scales=np.full((n, 3), np.log(0.6), dtype=np.float32),
        logit_opacities=np.full(n, np.log(0.006 / 0.994), dtype=np.float32),
        sh=np.tile(np.float32([1.5, 0.2, -0.8]), (n, 1, 1)),
    )
    camera = Camera(width=96, height=96, fx=90.0, fy=90.0, cx=48.0, cy=48.0)
    picture = render(camera, gaussians=cloud, background=GROUND)
    assert psnr(picture, rasterized(cloud, camera)) > 40.0


@pytest.mark.parametrize("mode", ["colour", "depth", "ellipsoids", "points"])
def test_nothing_shows_nothing(render, make_cloud: Maker, camera: Camera, mode: str) -> None:
    picture = render(camera, gaussians=make_cloud(0), mode=mode, background=GROUND)
    assert np.abs(picture[..., :3] - np.array(GROUND) * 255).max() <= 1


@pytest.mark.parametrize("mode", ["colour", "ellipsoids", "points"])
def test_a_single_one_is_where_it_should_be(
    render, one_gaussian: Maker, camera: Camera, mode: str
) -> None:
    position = np.array([0.4, -0.3, 0.2])
    cloud = one_gaussian(position, (0.9, 0.2, 0.1))
    picture = render(camera, gaussians=cloud, mode=mode, background=(0, 0, 0))
    rows, columns = np.nonzero(picture[..., 0] > 40)
    (pixel,), _ = camera.project(position[None])
    assert len(rows) > 2
    assert [columns.mean() + 0.5, rows.mean() + 0.5] == pytest.approx(pixel, abs=0.8)
    brightest = picture[rows, columns].max(axis=0)
    assert brightest[0] > 3 * brightest[1] > brightest[2]


def test_bad_gaussians_are_dropped_and_the_rest_is_drawn(
    render, make_cloud: Maker, camera: Camera
) -> None:
    cloud = make_cloud(300, degree=1)
    means, scales, sh = cloud.means.copy(), cloud.log_scales.copy(), cloud.sh.copy()
    means[5], means[6] = np.nan, (np.inf, -np.inf, 0)
    scales[7], scales[8] = 200.0, np.nan
    sh[9, 2] = np.nan
    bad = replace(cloud, means=means, log_scales=scales, sh=sh)
    good = cloud.selected(np.setdiff1d(np.arange(300), [5, 6, 7, 8, 9]))
    assert np.array_equal(render(camera, gaussians=bad), render(camera, gaussians=good))


@pytest.mark.parametrize("mode", ["colour", "depth", "ellipsoids", "points"])
def test_extremes_draw_something_or_nothing_but_do_not_break(
    render, make_cloud: Maker, camera: Camera, mode: str
) -> None:
    cloud = make_cloud(64, degree=1)
    scales, means = cloud.log_scales.copy(), cloud.means.copy()
    scales[:8, 0], scales[8:16] = -40.0, -60.0
    scales[16:20] = 12.0
    means[20:28] = camera.centre
    means[28:36] *= 1e6
    extreme = replace(cloud, log_scales=scales, means=means)
    picture = render(camera, gaussians=extreme, mode=mode, grid=True)
    assert picture[..., 3].min() == 255


def test_depth_runs_from_light_to_dark(render, one_gaussian: Maker) -> None:
    camera = Camera(width=120, height=60, fx=60.0, fy=60.0, cx=60.0, cy=30.0)
    near, far = one_gaussian((-1, 0, 2), (0, 0, 0)), one_gaussian((3, 0, 6), (1, 1, 1), scale=0.3)
    both = GaussianCloud(
        **{
            name: np.concatenate([getattr(near, name), getattr(far, name)])
            for name in ("means", "quats", "log_scales", "logit_opacities", "sh")
        }
    )
    picture = render(camera, gaussians=both, mode="depth", background=(0, 0, 0))[..., :3]
    left, right = picture[30, 30].astype(int), picture[30, 90].astype(int)
    assert left.sum() > right.sum() + 200
    assert left[0] > left[2]
    assert right[2] > right[0]


def test_ellipsoids_have_the_outline_of_their_size(render, one_gaussian: Maker) -> None:
    camera = Camera(width=200, height=200, fx=400.0, fy=400.0, cx=100.0, cy=100.0)
    cloud = one_gaussian((0, 0, 4), (0.5, 0.5, 0.5), scale=0.2)
    stretched = replace(cloud, log_scales=np.log(np.float32([[0.4, 0.1, 0.2]])))
    picture = render(camera, gaussians=stretched, mode="ellipsoids", background=(0, 0, 0))
    rows, columns = np.nonzero(picture[..., 0] > 0)
    assert np.ptp(columns) == pytest.approx(2 * 1.5 * 0.4 * 400 / 4, abs=4)
    assert np.ptp(rows) == pytest.approx(2 * 1.5 * 0.1 * 400 / 4, abs=3)
    assert picture[90, 100, 0] > picture[110, 100, 0]
