"""The definition itself: its gradients against finite differences, its rules one by one."""

import math

import pytest
import torch
from rasterize_scenes import PARAMETERS, Scene, random_scene

from kernels.rasterize import reference


def one_gaussian(*, opacity: float = 0.8, z: float = 2.0, sigma: float = 0.1) -> Scene:
    """A round Gaussian in the middle of a 9 x 9 image."""
    return Scene(
        means=torch.tensor([[0.0, 0.0, z]]),
        quats=torch.tensor([[2.0, 0.0, 0.0, 0.0]]),
        scales=torch.full((1, 3), sigma),
        opacities=torch.tensor([opacity]),
        colours=torch.tensor([[1.0, 0.5, 0.0]]),
        background=torch.zeros(3),
        probe=torch.zeros(1, 2),
        world_to_camera=torch.eye(4),
        lens={"fx": 20.0, "fy": 20.0, "cx": 4.5, "cy": 4.5, "width": 9, "height": 9},
    ).to(torch.float64)


def stacked(scenes: list[Scene]) -> Scene:
    joined = {
        name: torch.cat([getattr(scene, name).detach() for scene in scenes])
        for name in ("means", "quats", "scales", "opacities", "colours", "probe")
    }
    first = scenes[0]
    return Scene(
        **joined,
        background=first.background,
        world_to_camera=first.world_to_camera,
        lens=first.lens,
    ).to(torch.float64)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("output", ["image", "depth", "alpha"])
def test_gradient_equals_finite_differences(name: str, output: str) -> None:
    # Jumps at alpha 1/255 would spoil differences, so the step is small and in float64.
    scene = random_scene(12, 12, 10, seed=3, scale=0.6).to(torch.float64)
    weights = torch.randn(
        getattr(scene.draw(reference), output).shape, generator=torch.Generator().manual_seed(1)
    ).double()

    def value() -> torch.Tensor:
        return (getattr(scene.draw(reference), output) * weights).sum()

    parameter = getattr(scene, name)
    (gradient,) = torch.autograd.grad(value(), parameter, allow_unused=True)
    gradient = torch.zeros_like(parameter) if gradient is None else gradient
    step, flat = 1e-6, parameter.detach().view(-1)
    chosen = torch.randperm(len(flat), generator=torch.Generator().manual_seed(2))[:14]
    with torch.no_grad():
        for k in chosen.tolist():
            before = flat[k].item()
            flat[k] = before + step
            above = value().item()
            flat[k] = before - step
            below = value().item()
            flat[k] = before
            slope = (above - below) / (2 * step)
            assert gradient.view(-1)[k].item() == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_alpha_of_one_gaussian_follows_the_formula() -> None:
    drawn = one_gaussian().draw(reference)
    variance = (20.0 / 2.0 * 0.1) ** 2 + 0.3
    for x, y in [(4, 4), (5, 4), (3, 6)]:
        squared = (x - 4) ** 2 + (y - 4) ** 2
        alpha = 0.8 * math.exp(-0.5 * squared / variance)
        assert drawn.alpha[y, x].item() == pytest.approx(alpha, rel=1e-6)
        assert drawn.image[y, x, 1].item() == pytest.approx(0.5 * alpha, rel=1e-6)
        assert drawn.depth[y, x].item() == pytest.approx(2.0 * alpha, rel=1e-6)


def test_alpha_is_capped_and_faint_pixels_are_skipped() -> None:
    drawn = one_gaussian(opacity=1.0).draw(reference)
    assert drawn.alpha[4, 4].item() == pytest.approx(0.99)
    assert drawn.alpha[0, 0].item() == 0.0
    assert drawn.alpha[drawn.alpha > 0].min().item() >= 1 / 255


def test_nearer_gaussians_hide_farther_ones_in_any_order() -> None:
    near, far = one_gaussian(z=2.0), one_gaussian(z=4.0, sigma=0.2)
    far.colours = torch.tensor([[0.0, 0.0, 1.0]])
    for scene in (stacked([near, far]), stacked([far, near])):
        image = scene.draw(reference).image
        assert image[4, 4].tolist() == pytest.approx([0.8, 0.4, 0.2 * 0.8])


def test_a_pixel_ends_before_its_light_falls_below_the_limit() -> None:
    # Light 1 -> 0.1 -> 0.01 -> 0.001; the fourth would leave 0.00005, so it is not drawn, and
    # neither is the fifth, which alone would leave enough.
    opacities = [0.9, 0.9, 0.9, 0.95, 0.5]
    scene = stacked([one_gaussian(opacity=a, z=2.0 + k) for k, a in enumerate(opacities)])
    assert scene.draw(reference).alpha[4, 4].item() == pytest.approx(0.999, abs=1e-6)


def test_background_fills_what_is_left() -> None:
    scene = one_gaussian()
    scene.background = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64)
    drawn = scene.draw(reference)
    assert drawn.image[0, 0].tolist() == pytest.approx([0.0, 1.0, 0.5])
    assert drawn.image[4, 4].tolist() == pytest.approx([0.8, 0.4 + 0.2, 0.1])


def test_radii_bound_what_is_drawn() -> None:
    scene = random_scene(1, 64, 64, seed=5).to(torch.float64)
    projected = scene.project(reference)
    drawn = scene.draw(reference).alpha > 0
    rows, columns = torch.nonzero(drawn, as_tuple=True)
    mean, extent = projected.means2d[0], projected.extents[0]
    assert projected.radii[0] == extent.max()
    assert drawn.any()
    assert (columns + 0.5 - mean[0]).abs().max() <= extent[0]
    assert (rows + 0.5 - mean[1]).abs().max() <= extent[1]
    assert (columns + 0.5 - mean[0]).abs().max() >= extent[0] - 2.0
