"""Broken Gaussians: no crash, nothing non-finite out, and the sound ones look as without them."""

import math

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from rasterize_scenes import Scene, random_scene

from kernels.rasterize import cpu, reference

STRANGE = [0.0, -0.0, 1e-30, -1e-30, 1e-12, 1e12, 1e30, -1e30, 3e38, math.nan, math.inf, -math.inf]
GAUSSIAN = ("means", "quats", "scales", "opacities", "colours")


def assert_finite(scene: Scene, twin) -> None:
    drawn = scene.draw(twin)
    for field in ("image", "depth", "alpha", "radii"):
        assert torch.isfinite(getattr(drawn, field)).all(), field
    assert drawn.alpha.min() >= 0
    assert drawn.alpha.max() <= 1
    for name, gradient in scene.gradients(twin).items():
        assert torch.isfinite(gradient).all(), name


@pytest.mark.parametrize("name", GAUSSIAN)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("twin", [cpu, reference], ids=["cpu", "reference"])
def test_non_finite_gaussians_are_left_out(name: str, value: float, twin) -> None:
    scene = random_scene(40, 40, 30)
    kept = torch.arange(40) % 4 != 0
    getattr(scene, name)[~kept] = value
    broken = scene.to(torch.float32)
    sound = scene.to(torch.float32)
    for parameter in (*GAUSSIAN, "probe"):
        rows = getattr(sound, parameter).detach()[kept].clone().requires_grad_()
        setattr(sound, parameter, rows)
    ours, theirs = broken.gradients(twin), sound.gradients(twin)
    torch.testing.assert_close(broken.draw(twin).image, sound.draw(twin).image)
    for parameter in (*GAUSSIAN, "probe"):
        assert not ours[parameter][~kept].any(), parameter
        torch.testing.assert_close(ours[parameter][kept], theirs[parameter])


@example([("means", 0, 2, 1e30)], 0)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["means", "quats", "scales", "opacities", "colours", "probe"]),
            st.integers(0, 11),
            st.integers(0, 3),
            st.sampled_from(STRANGE),
        ),
        max_size=12,
    ),
    st.integers(0, 1000),
)
def test_strange_numbers_do_no_harm(changes: list, seed: int) -> None:
    scene = random_scene(12, 24, 40, seed=seed)
    for name, row, column, value in changes:
        # Finite but immense colours are honoured, so only their finiteness is at stake.
        if name == "colours" and math.isfinite(value):
            value = max(-1e3, min(value, 1e3))
        rows = getattr(scene, name).view(12, -1)
        rows[row, column % rows.shape[1]] = value
    assert_finite(scene.to(torch.float32), cpu)


@given(st.floats(-7, 7), st.floats(-7, 7), st.floats(-7, 7), st.integers(0, 1000))
def test_any_shape_of_gaussian(x: float, y: float, z: float, seed: int) -> None:
    scene = random_scene(20, 33, 40, seed=seed)
    scene.scales = 10.0 ** torch.tensor([[x, y, z]]).expand(20, 3).clone()
    assert_finite(scene.to(torch.float32), cpu)


@pytest.mark.parametrize("twin", [cpu, reference], ids=["cpu", "reference"])
def test_behind_beside_and_degenerate(twin) -> None:
    scene = random_scene(12, 20, 20)
    scene.world_to_camera = torch.eye(4)
    scene.means[0:3, 2] = torch.tensor([-1.0, 0.0, 0.009])  # behind, at and before the near plane
    scene.means[3] = torch.tensor([1e6, 0.0, 1.0])
    scene.quats[4] = 0.0
    scene.opacities[5] = 0.5 / 255
    scene.opacities[6] = -1.0
    scene.means[7], scene.scales[7] = torch.tensor([0.0, 0.0, 2.0]), torch.zeros(3)
    scene.opacities[7] = 0.5
    ready = scene.to(torch.float32)
    assert not ready.project(twin).radii[:7].any()
    assert ready.project(twin).radii[7] > 0, "a point still covers a pixel"
    assert_finite(ready, twin)


def test_gaussians_that_cover_everything_fit_in_memory() -> None:
    scene = random_scene(2000, 128, 128, scale=1e4)
    scene.opacities[:] = 0.005
    assert_finite(scene.to(torch.float32), cpu)
