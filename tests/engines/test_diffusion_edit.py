"""Edits of images: what is kept is kept exactly, what is forgotten is forgotten."""

import pytest
import torch

from engines.diffusion.edit import edited, harmonised, inpainted, jump_of, levels_below
from engines.diffusion.paths import PATHS, levels
from engines.diffusion.samplers import SAMPLERS, dpmpp_2m, euler, last, walk
from engines.diffusion.targets import Denoiser


@pytest.fixture(params=sorted(PATHS))
def path(request):
    return PATHS[request.param]()


def image(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def denoiser(path) -> Denoiser:
    """Smooths what it sees."""
    return Denoiser(lambda x, t: (x + x.roll(1, -1) + x.roll(1, -2)) / 3, path, "x0", clip=1.0)


def change(path, of: torch.Tensor, strength: float, sampler=euler, steps: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return last(
        edited(sampler, denoiser(path), of, levels(steps), strength=strength, generator=generator)
    )


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_strength_0_returns_the_image_and_1_forgets_it(path, name):
    sampler = SAMPLERS[name]
    assert torch.equal(change(path, image(), 0, sampler), image())
    assert torch.equal(change(path, image(0), 1, sampler), change(path, image(9), 1, sampler))
    half = change(path, image(0), 0.5, sampler)
    assert not torch.allclose(half, change(path, image(9), 0.5, sampler), atol=0.05)


def test_a_stronger_edit_changes_more_in_more_steps(path):
    changed = [float((change(path, image(), s) - image()).norm()) for s in (0, 0.2, 0.5, 0.9)]
    assert changed == sorted(changed)
    generator = torch.Generator().manual_seed(1)
    moments = list(
        edited(euler, denoiser(path), image(), levels(20), strength=0.52, generator=generator)
    )
    assert [round(float(m.t), 2) for m in moments] == [0.52, *(i / 20 for i in range(10, -1, -1))]


def test_no_step_of_an_edit_is_next_to_none():
    """Levels are computed, so that they may lie next to a strength that means the same."""
    assert levels(25)[8] != 0.68
    for steps in range(1, 101):
        way = levels(steps)
        for hundredths in range(101):
            found = levels_below(hundredths / 100, way)
            assert bool((found.diff() < -1e-5).all()), (steps, hundredths)
            assert found[-1] == 0
            assert len(found) == 1 + sum(steps * hundredths > 100 * i for i in range(steps))
    assert levels_below(1e-12, levels(3)).tolist() == [1e-12, 0]


@pytest.mark.parametrize("gap", [0.0, 1e-17, 1e-12, 1e-7, 1e-4])
def test_a_step_next_to_none_is_not_extrapolated(path, gap):
    way = torch.cat([torch.tensor([0.68 + gap + 1e-16], dtype=torch.float64), levels(25)[8:]])
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    walked = [
        last(walk(dpmpp_2m, denoiser(path), x, each, generator=torch.Generator()))
        for each in (way, way[1:])
    ]
    torch.testing.assert_close(*walked, atol=0.02, rtol=0)
    assert bool(change(path, image(), 0.68, dpmpp_2m, steps=25).isfinite().all())


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_other_strengths_are_refused(strength):
    with pytest.raises(ValueError, match="from 0 to 1"):
        change(PATHS["flow"](), image(), strength)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_inpainting_keeps_what_is_known_exactly(path, name):
    hole = torch.zeros(8, 8, dtype=torch.bool)
    hole[2:5, 3:7] = True
    moments = list(
        inpainted(
            SAMPLERS[name],
            denoiser(path),
            image(),
            hole,
            harmonised(levels(10), jump=5, repeats=2),
            generator=torch.Generator().manual_seed(1),
        )
    )
    end = moments[-1].x
    assert torch.equal(end[..., ~hole], image()[..., ~hole])
    assert bool((end[..., hole] != image()[..., hole]).all())
    assert bool(end.isfinite().all())
    # On the way the known pixels are the image at that level of noise.
    for moment in moments[:-1]:
        a, s = path.at(moment.t)
        left = (moment.x - a * image())[..., ~hole] / s
        assert 0.8 < float(left.std()) < 1.2


def test_what_is_around_a_hole_decides_what_fills_it():
    hole = torch.zeros(8, 8, dtype=torch.bool)
    hole[3:5, 3:5] = True
    path = PATHS["flow"]()
    filled = [
        last(
            inpainted(
                euler,
                Denoiser(lambda x, t: x.mean((2, 3), keepdim=True).expand_as(x), path, "x0"),
                torch.full((2, 3, 8, 8), shade),
                hole,
                levels(20),
                generator=torch.Generator().manual_seed(1),
            )
        )[..., hole].mean()
        for shade in (-0.8, 0.8)
    ]
    assert float(filled[0]) < -0.5
    assert float(filled[1]) > 0.5


def test_harmonised_levels_go_back_up():
    found = harmonised(levels(4), jump=2, repeats=2)
    assert found.tolist() == [1, 0.75, 0.5, 1, 0.75, 0.5, 0.25, 0, 0.5, 0.25, 0]
    assert torch.equal(harmonised(levels(7), jump=3, repeats=1), levels(7))
    assert [jump_of(steps) for steps in (1, 20, 50, 250, 1000)] == [1, 1, 2, 10, 40]
    with pytest.raises(ValueError, match="at least 1"):
        harmonised(levels(4), jump=0, repeats=2)


def test_going_back_up_restores_the_noise(path):
    """From the data of one level up to another, x has that level's spread."""
    start = torch.randn(1, 1, 100, 100, generator=torch.Generator().manual_seed(0))
    point = Denoiser(lambda x, t: torch.full_like(x, 0.5), path, "x0")
    up = torch.tensor([1.0, 0.3, 0.6, 0.0])
    moments = list(walk(euler, point, start, up, generator=torch.Generator().manual_seed(1)))
    assert [round(float(moment.t), 2) for moment in moments] == [1.0, 0.6, 0.0]
    a, s = path.at(moments[1].t)
    assert float(moments[1].x.mean()) == pytest.approx(0.5 * float(a), abs=0.05)
    assert float(moments[1].x.std()) == pytest.approx(float(s), rel=0.05)


@pytest.mark.parametrize(
    "wrong", [[], [1.0, 0.5], [1.2, 0.0], [0.5, 0.5, 0.0], [[1.0, 0.0]], [float("nan"), 0.0]]
)
def test_levels_that_cannot_be_walked_are_refused(wrong):
    generator = torch.Generator()
    with pytest.raises(ValueError, match="Noise levels must"):
        last(
            walk(
                euler, denoiser(PATHS["flow"]()), image(), torch.tensor(wrong), generator=generator
            )
        )
