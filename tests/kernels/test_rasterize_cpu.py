"""The numba twin against the definition: values, gradients, rounds, threads, repeatability."""

import pytest
import torch
from rasterize_scenes import PARAMETERS, random_scene

from kernels import rasterize as kernel
from kernels.rasterize import cpu, reference
from kernels.rasterize.cpu import autograd
from kernels.threads import core_count, use_threads

SCENES = {
    "plain": {"count": 200, "width": 75, "height": 50},
    "needles and specks": {"count": 150, "width": 40, "height": 70, "scale": 0.05, "seed": 1},
    "large": {"count": 60, "width": 33, "height": 65, "scale": 3.0, "seed": 2},
    "opaque": {"count": 400, "width": 48, "height": 40, "opaque": 40.0, "seed": 4},
    "faint": {"count": 300, "width": 31, "height": 29, "opaque": 0.02, "seed": 5},
    "tiny image": {"count": 30, "width": 1, "height": 1, "seed": 6},
    "one": {"count": 1, "width": 20, "height": 20, "seed": 8},
}


def scene_of(name: str):
    scene = random_scene(**SCENES[name])
    scene.opacities.clamp_(max=1.0)
    if name == "needles and specks":
        scene.scales[::3, 0] *= 40.0
    return scene


@pytest.mark.parametrize("name", SCENES)
def test_values_agree_with_the_reference(name: str) -> None:
    scene = scene_of(name)
    ours, truth = scene.to(torch.float32), scene.to(torch.float64)
    projected, expected = ours.project(cpu), truth.project(reference)
    assert torch.equal(projected.radii > 0, expected.radii > 0)
    for field in ("means2d", "conics", "depths", "extents", "radii"):
        torch.testing.assert_close(
            getattr(projected, field).double(), getattr(expected, field), rtol=2e-4, atol=1e-5
        )
    drawn, wanted = ours.draw(cpu), truth.draw(reference)
    for field in ("image", "depth", "alpha"):
        error = (getattr(drawn, field) - getattr(wanted, field)).abs()
        # A pixel may fall on either side of alpha = 1/255; that moves it by less than 2/255.
        assert error.quantile(0.999) < 2e-5, field
        assert error.max() < 0.03, field


@pytest.mark.parametrize("name", SCENES)
def test_gradients_agree_with_the_reference(name: str) -> None:
    scene = scene_of(name)
    ours = scene.to(torch.float32).gradients(cpu)
    truth = scene.to(torch.float64).gradients(reference)
    for parameter in PARAMETERS:
        size = truth[parameter].abs().max().clamp(min=1e-3)
        error = (ours[parameter] - truth[parameter]).abs() / size
        assert error.max() < 2e-3, parameter
        assert error.mean() < 1e-4, parameter


@pytest.mark.parametrize("name", PARAMETERS)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    # Independent of the reference: float32, so a large step and an average over directions.
    scene = random_scene(40, 40, 30, seed=11, scale=1.5).to(torch.float32)
    scene.draw(cpu).image.mean().backward()
    parameter = getattr(scene, name)
    gradient = parameter.grad.clone()
    direction = gradient / gradient.norm()
    step = 2e-3 * float(parameter.detach().abs().mean().clamp(min=0.5))
    with torch.no_grad():
        start = parameter.clone()
        parameter.copy_(start + step * direction)
        above = scene.draw(cpu).image.double().mean()
        parameter.copy_(start - step * direction)
        below = scene.draw(cpu).image.double().mean()
    slope = float((above - below) / (2 * step))
    assert slope == pytest.approx(float(gradient.norm()), rel=0.03)


def test_without_probe_and_background() -> None:
    scene = random_scene(30, 30, 20).to(torch.float32)
    arguments = (scene.means, scene.quats, scene.scales, scene.opacities, scene.colours)
    camera = {"world_to_camera": scene.world_to_camera, **scene.lens}
    drawn = kernel.rasterize(*arguments, **camera)
    black = kernel.rasterize(
        *arguments, **camera, background=torch.zeros(3), probe=torch.zeros(30, 2)
    )
    assert torch.equal(drawn.image, black.image)
    drawn.image.sum().backward()
    assert scene.means.grad.abs().sum() > 0


def test_probe_moves_the_centres_by_pixels() -> None:
    scene = random_scene(30, 40, 30).to(torch.float32)
    before = scene.project(cpu)
    with torch.no_grad():
        scene.probe += torch.tensor([1.5, -0.5])
    after = scene.project(cpu)
    both = (before.radii > 0) & (after.radii > 0)
    moved = after.means2d[both] - before.means2d[both]
    assert both.any()
    torch.testing.assert_close(moved, torch.tensor([1.5, -0.5]).expand_as(moved), atol=1e-4, rtol=0)


def test_nothing_to_draw_gives_the_background() -> None:
    scene = random_scene(5, 20, 18).to(torch.float32)
    with torch.no_grad():
        scene.means -= 100.0 * scene.world_to_camera[2, :3]
    drawn = scene.draw(cpu)
    drawn.image.sum().backward()
    assert torch.equal(drawn.image, scene.background.expand_as(drawn.image))
    assert not drawn.alpha.any()
    assert not drawn.radii.any()
    assert not scene.means.grad.any()


def test_no_gaussians_at_all() -> None:
    scene = random_scene(0, 12, 10).to(torch.float32)
    gradients = scene.gradients(cpu)
    assert gradients["means"].shape == (0, 3)
    assert torch.isfinite(gradients["background"]).all()


def test_gradients_in_rounds_are_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = random_scene(200, 75, 100)
    whole = scene.to(torch.float32).gradients(cpu)
    monkeypatch.setattr(autograd, "ROUND_PAIRS", 60)
    rounds = scene.to(torch.float32).gradients(cpu)
    for name in PARAMETERS:
        assert torch.equal(whole[name], rounds[name]), name


def test_the_same_bits_again_whatever_the_number_of_threads() -> None:
    scene = random_scene(300, 90, 70)
    first = scene.to(torch.float32).gradients(cpu)
    try:
        for threads in (1, 2, 2):
            use_threads(threads)
            again = scene.to(torch.float32).gradients(cpu)
            for name in PARAMETERS:
                assert torch.equal(first[name], again[name]), (name, threads)
    finally:
        use_threads(core_count())


def test_needles_far_from_their_centre_stay_exact() -> None:
    scene = random_scene(1, 64, 48, seed=3)
    # 3000 px long and half a pixel wide, slanted, its centre far outside the image.
    scene.world_to_camera = torch.eye(4)
    scene.means = torch.tensor([[30.0, 20.0, 2.0]])
    scene.quats = torch.tensor([[0.9553, 0.0, 0.0, 0.2955]])
    scene.scales = torch.tensor([[60.0, 1e-4, 1e-4]])
    scene.opacities = torch.tensor([0.9])
    ours, truth = scene.to(torch.float32).draw(cpu), scene.to(torch.float64).draw(reference)
    assert truth.alpha.max() > 0.5
    assert (ours.alpha - truth.alpha).abs().max() < 5e-3


def test_changing_the_image_before_backward_is_refused() -> None:
    scene = random_scene(20, 20, 20).to(torch.float32)
    image = scene.draw(cpu).image
    loss = (image * 2).sum()
    with torch.no_grad():
        image.clamp_(0, 0.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("means", torch.zeros(4, 2)),
        ("quats", torch.zeros(5, 4)),
        ("scales", torch.zeros(4, 3, dtype=torch.float64)),
        ("opacities", torch.zeros(3)),
        ("colours", torch.zeros(4, 4)),
        ("background", torch.zeros(4)),
        ("probe", torch.zeros(4, 3)),
        ("world_to_camera", torch.zeros(3, 4)),
    ],
)
def test_wrong_tensors_are_refused_by_name(name: str, value: torch.Tensor) -> None:
    scene = random_scene(4, 10, 10)
    setattr(scene, name, value)
    with pytest.raises(ValueError, match=rf"^{name} (has shape|is torch)"):
        scene.draw(kernel)


def test_warm_up_leaves_nothing_to_compile() -> None:
    kernel.warm_up()
    from kernels.rasterize.cpu import backward, forward, projection, tiles

    compiled = [
        projection.project_forward,
        projection.project_backward,
        tiles.depth_order,
        tiles.list_pairs,
        tiles.start_lists,
        tiles.sort_pairs,
        forward.blend_tiles,
        backward.unblend_tiles,
        backward.add_up,
        backward.spread,
    ]
    random_scene(50, 40, 30).to(torch.float32).gradients(cpu)
    assert [len(kernel.signatures) for kernel in compiled] == [1] * len(compiled)
