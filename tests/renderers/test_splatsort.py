"""The worker's half of drawing: what is left out, in which order, and what it will cost."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from renderers.splatsort import draft, prepared, sorted_batch

Maker = Callable[..., GaussianCloud]


def test_covariances_are_those_of_rotated_axes(make_cloud: Maker) -> None:
    cloud = make_cloud(20)
    ready = prepared(cloud)
    w, x, y, z = (cloud.quats / np.linalg.norm(cloud.quats, axis=1, keepdims=True)).T
    for i, source in enumerate(ready.source):
        q = np.array([[0, -z[source], y[source]], [z[source], 0, -x[source]],
                      [-y[source], x[source], 0]])  # fmt: skip
        rotation = np.eye(3) + 2 * w[source] * q + 2 * q @ q
        expected = rotation @ np.diag(cloud.scales[source] ** 2) @ rotation.T
        found = [*ready.covariance_a[i], *ready.covariance_b[i][:3]]
        upper = expected[np.triu_indices(3)]
        assert found == pytest.approx(upper, abs=1e-6)


@pytest.mark.parametrize("field", ["means", "quats", "log_scales", "logit_opacities", "sh"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_left_out(make_cloud: Maker, field: str, bad: float) -> None:
    cloud = make_cloud(10, degree=1)
    values = np.array(getattr(cloud, field))
    values.reshape(10, -1)[[3, 7], -1] = bad
    ready = prepared(replace(cloud, **{field: values}))
    # An infinite logit is an opacity of 1, which can be drawn.
    expected = 10 if (field == "logit_opacities" and bad == np.inf) else 8
    assert len(ready) == expected
    if expected == 8:
        assert not {3, 7} & set(ready.source)


def test_opposite_infinities_do_not_cancel(make_cloud: Maker) -> None:
    means = make_cloud(4).means.copy()
    means[1] = (np.inf, -np.inf, 0.0)
    assert 1 not in prepared(replace(make_cloud(4), means=means)).source


def test_nothing_and_no_rotation(make_cloud: Maker, camera: Camera) -> None:
    empty = prepared(make_cloud(0))
    assert len(sorted_batch(empty, camera, near=0.1)) == 0
    quats = make_cloud(3).quats.copy()
    quats[1] = 0.0
    assert list(prepared(replace(make_cloud(3), quats=quats)).source) == [0, 2]


def test_farthest_first_and_coloured_for_the_eye(make_cloud: Maker, camera: Camera) -> None:
    cloud = make_cloud(500, degree=2)
    batch = sorted_batch(prepared(cloud), camera, near=0.1)
    _, depth = camera.project(batch.mean_opacity[:, :3].astype(np.float64))
    assert len(batch) > 300
    assert (np.diff(depth) <= 1e-5).all()
    assert batch.colour.std(axis=0).min() > 0.05
    low, high = batch.depth_range
    assert np.mean((depth >= low) & (depth <= high)) == pytest.approx(0.96, abs=0.02)


def test_what_is_seen_is_kept_and_what_is_behind_is_not(make_cloud: Maker, camera: Camera) -> None:
    ready = prepared(make_cloud(3000, spread=4.0))
    batch = sorted_batch(ready, camera, near=0.2)
    kept = {tuple(row) for row in batch.mean_opacity}
    pixels, depth = camera.project(ready.means.astype(np.float64))
    reach = 3.4 * ready.longest * camera.fx / np.maximum(depth, 1e-9) + 2.0
    inside = (depth > 0.2) & (pixels[:, 0] > -reach) & (pixels[:, 0] < camera.width + reach)
    inside &= (pixels[:, 1] > -reach) & (pixels[:, 1] < camera.height + reach)
    for row, seen, z in zip(ready.mean_opacity, inside, depth, strict=True):
        assert not seen or tuple(row) in kept
        assert z > 0.2 or tuple(row) not in kept
    assert len(batch) < 0.8 * len(ready)


def test_a_plane_parts_far_side_from_near_side(make_cloud: Maker, camera: Camera) -> None:
    normal = np.array([0.0, -1.0, 0.0])
    batch = sorted_batch(prepared(make_cloud(400)), camera, near=0.1, plane=(normal, 0.1))
    above = batch.mean_opacity[:, :3] @ normal > 0.1
    assert 50 < batch.beyond < len(batch) - 50
    assert not above[: batch.beyond].any()
    assert above[batch.beyond :].all()
    _, depth = camera.project(batch.mean_opacity[:, :3].astype(np.float64))
    assert (np.diff(depth[: batch.beyond]) <= 1e-5).all()
    assert (np.diff(depth[batch.beyond :]) <= 1e-5).all()


def test_cost_is_never_less_than_the_quads(make_cloud: Maker, camera: Camera) -> None:
    batch = sorted_batch(prepared(make_cloud(200)), camera, near=0.1)
    assert (np.diff(batch.pixels) > 0).all()
    assert np.diff(batch.pixels).max() <= camera.width * camera.height
    view = camera.world_to_camera
    local = batch.mean_opacity[:, :3] @ view[:3, :3].T + view[:3, 3]
    for i in range(0, len(batch), 9):
        x, y, z = local[i]
        jacobian = np.array(
            [
                [camera.fx / z, 0.0, -camera.fx * x / z**2],
                [0.0, camera.fy / z, -camera.fy * y / z**2],
            ]
        )
        xx, xy, xz = batch.shape_a[i]
        yy, yz, zz, _ = batch.shape_b[i]
        sigma = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        turned = view[:3, :3] @ sigma @ view[:3, :3].T
        flat = jacobian @ turned @ jacobian.T + 0.3 * np.eye(2)
        extent = 2 * np.log(255 * batch.mean_opacity[i, 3])
        quad = 4 * extent * np.sqrt(np.linalg.det(flat))
        # Seen from the side a slope stretches it a little more than the estimate knows.
        assert batch.pixels[i + 1] - batch.pixels[i] > 0.8 * min(quad, camera.width * camera.height)


def test_a_draft_keeps_what_matters_most(make_cloud: Maker) -> None:
    ready = prepared(make_cloud(1000))
    small = draft(ready, 100)
    assert len(small) == 100
    weight = ready.opacities * ready.longest * ready.middle
    heaviest = ready.source[np.argsort(weight)[-100:]]
    assert set(small.source) == set(heaviest)
    assert small.longest.mean() > ready.longest[np.argsort(weight)[-100:]].mean()
    assert draft(ready, 1000) is ready
