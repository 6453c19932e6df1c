"""Targets: each says the same of data and noise, also where a path ends."""

import itertools

import pytest
import torch

from engines.diffusion.paths import PATHS
from engines.diffusion.targets import (
    FLOOR,
    TARGETS,
    Denoiser,
    estimate_of,
    prediction_of,
    sensitivity,
)

EVERY = list(itertools.product(sorted(PATHS), TARGETS))
TIMES = torch.tensor([0.0, 1e-6, 1e-3, 0.02, 0.3, 0.5, 0.9, 0.999, 1.0], dtype=torch.float64)


def pair(count: int = len(TIMES), *, dtype=torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    x0, eps = torch.randn(2, count, 3, 4, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    return x0, eps


@pytest.mark.parametrize(("name", "target"), EVERY)
def test_data_and_noise_come_back(name, target):
    path = PATHS[name]()
    x0, eps = pair()
    x = path.noised(x0, eps, TIMES)
    found = estimate_of(target, path, TIMES, x, prediction_of(target, path, TIMES, x0, eps))
    a, s = path.at(TIMES)
    # Where next to nothing of one is left in x, a prediction of the other cannot tell it.
    knows_x0 = a >= FLOOR if target == "noise" else torch.ones_like(a, dtype=torch.bool)
    knows_eps = s >= FLOOR if target == "x0" else torch.ones_like(a, dtype=torch.bool)
    torch.testing.assert_close(found.x0[knows_x0], x0[knows_x0], rtol=0, atol=1e-6)
    torch.testing.assert_close(found.eps[knows_eps], eps[knows_eps], rtol=0, atol=1e-6)
    assert knows_x0[:-1].all() or name == "cosine"
    assert bool((found.x0.abs() <= x0.abs() + 1e-6).all()), "what is unknown comes out small"
    assert bool((found.eps.abs() <= eps.abs() + 1e-6).all())


@pytest.mark.parametrize(("name", "target"), EVERY)
def test_predictions_come_back_at_every_level(name, target):
    """Even one that fits x_t badly: what the estimate says is what was predicted."""
    path = PATHS[name]()
    x, prediction = pair()
    found = estimate_of(target, path, TIMES, x, prediction)
    again = prediction_of(target, path, TIMES, found.x0, found.eps)
    torch.testing.assert_close(again, prediction, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "target"), EVERY)
def test_an_estimate_adds_up_to_what_was_seen(name, target):
    path = PATHS[name]()
    x, prediction = pair()
    inside = TIMES[2:-2]
    x, prediction = x[2:-2], prediction[2:-2]
    found = estimate_of(target, path, inside, x, prediction)
    torch.testing.assert_close(path.noised(found.x0, found.eps, inside), x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_the_velocity_is_how_x_moves(name):
    path, step = PATHS[name](), 1e-6
    x0, eps = pair()
    t = TIMES[3:-2]
    x0, eps = x0[3:-2], eps[3:-2]
    moved = (path.noised(x0, eps, t + step) - path.noised(x0, eps, t - step)) / (2 * step)
    found = prediction_of("velocity", path, t, x0, eps)
    torch.testing.assert_close(found, moved, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "target"), EVERY)
def test_sensitivity_is_what_an_error_does_to_the_data(name, target):
    path = PATHS[name]()
    x, prediction = pair()
    error = 0.1
    before = estimate_of(target, path, TIMES, x, prediction)
    after = estimate_of(target, path, TIMES, x, prediction + error)
    moved = (after.x0 - before.x0).abs().amax((1, 2, 3)) / error
    torch.testing.assert_close(sensitivity(target, path, TIMES), moved, rtol=1e-6, atol=1e-9)


def test_a_denoiser_gives_the_model_single_precision_times_and_clips_data():
    seen = []

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append(t)
        return torch.full_like(x, 3.0)

    path = PATHS["linear"]()
    x, _ = pair(2, dtype=torch.float32)
    t = torch.tensor(0.5, dtype=torch.float64)
    free = Denoiser(model, path, "x0")(x, t)
    clipped = Denoiser(model, path, "x0", clip=1.0)(x, t)
    assert seen[0].tolist() == [0.5, 0.5]
    assert seen[0].dtype == clipped.x0.dtype == clipped.eps.dtype == torch.float32
    assert bool((free.x0 == 3).all())
    assert bool((clipped.x0 == 1).all())
    wide = Denoiser(model, path, "noise", clip=1e9)(x, torch.tensor(1e-4, dtype=torch.float64))
    assert bool((wide.eps == 3).all()), "what needs no clipping stays as it was predicted"
    torch.testing.assert_close(path.noised(clipped.x0, clipped.eps, t), x)
