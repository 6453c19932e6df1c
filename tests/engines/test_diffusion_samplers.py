"""With the true score plugged in, every sampler gives the true distribution.

The test compares counts of samples with those of a million exact ones in 64 cells: nearest
mode, quadrant around it, inside or outside of the modes' median radius. Its level is ALPHA;
`test_the_test_has_power` shows that with COUNT samples it rejects, 99 times of 100 or more,
modes that are 15 % too wide or too narrow, lie 0.4 of their width away, or of which one has
half of its samples too few.
"""

import math
from functools import cache, partial

import pytest
import torch
from scipy.stats import chi2_contingency

from engines.diffusion.paths import PATHS, levels
from engines.diffusion.samplers import (
    SAMPLERS,
    Step,
    ddim,
    ddpm,
    last,
    walk,
)
from engines.diffusion.targets import POINTS_CLIP, TARGETS, Denoiser, prediction_of
from engines.diffusion.toys import GaussianMixture, ring_of_gaussians

ALPHA = 1e-3
COUNT = 4000
TRIALS = 100
STEPS = {"ddpm": 400, "euler_maruyama": 600, "ddim": 200, "euler": 200}
"""How many it takes until what is left of the error of a step is not seen; 50 for others."""


def cells(points: torch.Tensor) -> torch.Tensor:
    """[64] how many of `points` [n, 2] fall into each cell."""
    ring = ring_of_gaussians()
    mode = torch.cdist(points, ring.means).argmin(1)
    off = (points - ring.means[mode]) / ring.stds[mode, None]
    outside = off.square().sum(1) > 2 * math.log(2)
    cell = ((mode * 2 + (off[:, 0] > 0)) * 2 + (off[:, 1] > 0)) * 2 + outside
    return torch.bincount(cell, minlength=64)


@cache
def truth() -> torch.Tensor:
    return cells(ring_of_gaussians().sample(1_000_000, torch.Generator().manual_seed(1)).places)


def p_value(points: torch.Tensor) -> float:
    """How probable so large a difference from the truth is if there is none."""
    assert bool(points.isfinite().all())
    return float(chi2_contingency(torch.stack([cells(points), truth()]).numpy()).pvalue)


def samples(sampler, path_name: str, target: str, steps: int, *, seed: int = 5) -> torch.Tensor:
    path = PATHS[path_name]()
    generator = torch.Generator().manual_seed(seed)
    denoise = Denoiser(ring_of_gaussians().model(path, target), path, target)  # pyright: ignore[reportArgumentType]
    # Steps get shorter towards the data, where a ring of narrow modes needs them to.
    spaced = levels(steps).square()
    start = torch.randn(COUNT, 2, generator=generator)
    return last(walk(sampler, denoise, start, spaced, generator=generator))


def rejections(mixture: GaussianMixture, *, shift: float = 0.0) -> int:
    drawn = (
        mixture.sample(COUNT, torch.Generator().manual_seed(100 + trial)).places + shift
        for trial in range(TRIALS)
    )
    return sum(p_value(points) < ALPHA for points in drawn)


def test_the_test_has_power():
    ring = ring_of_gaussians()
    fewer = ring.weights.clone()
    fewer[3] *= 0.5
    assert rejections(ring) <= 2, "false alarms"
    for factor in (0.85, 1.15):
        wider = GaussianMixture(ring.means, ring.stds * factor, ring.weights)
        assert rejections(wider) >= 99
    assert rejections(ring, shift=float(ring.stds[0]) * 0.4 / math.sqrt(2)) >= 99
    assert rejections(GaussianMixture(ring.means, ring.stds, fewer / fewer.sum())) >= 99


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_every_sampler_on_every_path_gives_the_truth(name, path):
    assert p_value(samples(SAMPLERS[name], path, "v", STEPS.get(name, 50))) > ALPHA


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_target_on_every_path_gives_the_truth(target, path):
    assert p_value(samples(SAMPLERS["heun"], path, target, 50)) > ALPHA


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_a_model_that_errs_slightly_gives_nearly_the_truth(name, path, target):
    """As an artist draws points, also where an error of the noise is a large one of the data."""
    ring, way = ring_of_gaussians(), PATHS[path]()
    exact = ring.model(way, target)  # pyright: ignore[reportArgumentType]
    generator = torch.Generator().manual_seed(5)

    def errs(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return exact(x, t) + 0.025 * (3 * x + 1).sin()

    denoise = Denoiser(errs, way, target, clip=POINTS_CLIP)  # pyright: ignore[reportArgumentType]
    start = torch.randn(500, 2, generator=generator)
    found = last(walk(SAMPLERS[name], denoise, start, levels(20).square(), generator=generator))
    assert 0.64 < float(found.std()) < 0.78, "0.70 is right"
    assert float(torch.cdist(found, ring.means).amin(1).mean()) < 0.22, "0.15 is right"


@pytest.mark.parametrize("option", [partial(ddim, eta=0.5), partial(ddpm, variance="large")])
def test_options_give_the_truth(option):
    assert p_value(samples(option, "linear", "noise", 500)) > ALPHA


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("name", [*sorted(SAMPLERS), "large"])
def test_the_last_step_adds_no_noise(name, path):
    """Whatever the seed; and where all data are one point, that point comes out."""
    sampler = SAMPLERS.get(name, partial(ddpm, variance="large"))
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    point = Denoiser(lambda x, t: torch.full_like(x, 0.3), PATHS[path](), "x0")
    ends = [
        last(
            walk(
                sampler, point, x, levels(1, start=0.1), generator=torch.Generator().manual_seed(i)
            )
        )
        for i in range(2)
    ]
    assert torch.equal(*ends)
    if name != "midpoint":
        torch.testing.assert_close(ends[0], torch.full_like(x, 0.3))


def without_noise(step: Step) -> torch.Tensor:
    """DDPM that forgets its noise."""
    (a_s, s_s), (_, s_t) = step.path.at(step.s), step.path.at(step.now.t)
    ratio, spread = step.path.transition(step.s, step.now.t)
    return (ratio * s_s**2 * step.now.x + a_s * spread**2 * step.now.x0) / s_t**2


def variance_for_deviation(step: Step) -> torch.Tensor:
    """DDPM that takes a variance for a standard deviation."""
    _, spread = step.path.transition(step.s, step.now.t)
    noise = 0 if step.s == 0 else spread**2 * step.noise()
    return without_noise(step) + noise


def half_the_score(step: Step) -> torch.Tensor:
    """An SDE with the drift of the ODE."""
    now, (da, _) = step.now, step.path.rates(step.now.t)
    if step.s == 0:
        return now.x0
    g2 = -2 * da / step.path.at(now.t)[0]
    velocity = prediction_of("velocity", step.path, now.t, now.x0, now.eps)
    length = now.t - step.s
    return now.x - length * velocity + (g2 * length).sqrt() * step.noise()


def noise_of_where_it_was(step: Step) -> torch.Tensor:
    """DDIM that puts back a little too little noise."""
    a_s, s_s = step.path.at(step.s)
    return a_s * step.now.x0 + 0.995 * s_s * step.now.eps


@pytest.mark.parametrize(
    "wrong", [without_noise, variance_for_deviation, half_the_score, noise_of_where_it_was]
)
def test_wrong_samplers_are_rejected(wrong):
    assert p_value(samples(wrong, "linear", "v", 400)) < 1e-6
