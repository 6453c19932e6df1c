"""Toys: the mixture's true score is the slope of its density, and samples look as they should."""

import pytest
import torch

from engines.diffusion.paths import PATHS
from engines.diffusion.targets import TARGETS, estimate_of
from engines.diffusion.toys import TOYS, GaussianMixture, ring_of_gaussians

LEVELS = (0.0, 0.001, 0.1, 0.5, 0.9, 1.0)


@pytest.fixture(params=sorted(PATHS))
def path(request):
    return PATHS[request.param]()


def uneven() -> GaussianMixture:
    """Three modes of different width in double precision."""
    means = torch.tensor([[1.0, 0.2], [-0.7, 0.5], [0.1, -1.0]], dtype=torch.float64)
    stds = torch.tensor([0.1, 0.3, 0.5], dtype=torch.float64)
    return GaussianMixture(means, stds, torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64))


def places(count: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 2, generator=generator, dtype=torch.float64)


def log_density(mixture: GaussianMixture, x: torch.Tensor, a: float, s: float) -> torch.Tensor:
    stds = ((a * mixture.stds) ** 2 + s**2).sqrt()
    modes = torch.distributions.Normal(a * mixture.means, stds[:, None].expand(-1, 2))
    return (mixture.weights.log() + modes.log_prob(x[:, None]).sum(2)).logsumexp(1)


@pytest.mark.parametrize("level", LEVELS)
def test_the_score_is_the_slope_of_the_density(path, level):
    mixture, x = uneven(), places().requires_grad_()
    t = torch.tensor(level, dtype=torch.float64)
    a, s = (float(part) for part in path.at(t))
    (expected,) = torch.autograd.grad(log_density(mixture, x, a, s).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach(), t, path), expected)
    each = t.expand(len(x))
    torch.testing.assert_close(mixture.score(x.detach(), each, path), expected)


@pytest.mark.parametrize("level", LEVELS)
def test_means_add_up_and_agree_with_the_score(path, level):
    """x = a E[x0] + s E[eps], and the score is -E[eps] / s."""
    mixture, x, t = uneven(), places(), torch.tensor(level, dtype=torch.float64)
    found = mixture.estimate(x, t, path)
    torch.testing.assert_close(path.noised(found.x0, found.eps, t), x)
    _, s = path.at(t)
    torch.testing.assert_close(-s * mixture.score(x, t, path), found.eps)


def test_the_denoised_mean_is_that_of_samples(path):
    """Weigh a million samples by how well they explain one x_t."""
    mixture, t = uneven(), torch.tensor(0.4, dtype=torch.float64)
    a, s = (float(part) for part in path.at(t))
    x = torch.tensor([[0.3, -0.1]], dtype=torch.float64)
    drawn = mixture.sample(1_000_000, torch.Generator().manual_seed(0)).places
    shares = (-((x - a * drawn) ** 2).sum(1) / (2 * s**2)).softmax(0)
    expected = (shares[:, None] * drawn).sum(0, keepdim=True)
    torch.testing.assert_close(mixture.estimate(x, t, path).x0, expected, rtol=0, atol=5e-3)


@pytest.mark.parametrize("target", TARGETS)
def test_its_model_predicts_any_target(path, target):
    mixture, x = uneven(), places()
    t = torch.full((len(x),), 0.3, dtype=torch.float64)
    found = estimate_of(target, path, t, x, mixture.model(path, target)(x, t))
    expected = mixture.estimate(x, t, path)
    torch.testing.assert_close(found.x0, expected.x0)
    torch.testing.assert_close(found.eps, expected.eps)


@pytest.mark.parametrize("name", sorted(TOYS))
def test_toys_are_centred_small_and_the_same_for_a_seed(name):
    found = TOYS[name](5000, torch.Generator().manual_seed(2))
    again = TOYS[name](5000, torch.Generator().manual_seed(2))
    assert found.places.shape == (5000, 2)
    assert found.places.dtype == torch.float32
    assert torch.equal(found.places, again.places)
    assert float(found.places.abs().max()) < 1.7
    assert float(found.places.mean(0).norm()) < 0.45
    assert 0.3 < float(found.places.std()) < 1
    assert found.labels.shape == (5000,)


def test_samples_of_the_ring_have_its_modes():
    ring = ring_of_gaussians()
    drawn = ring.sample(20_000, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn.labels, minlength=8) / 20_000
    torch.testing.assert_close(shares, ring.weights, rtol=0, atol=0.012)
    for mode in range(8):
        mine = drawn.places[drawn.labels == mode]
        torch.testing.assert_close(mine.mean(0), ring.means[mode], rtol=0, atol=0.015)
        assert float(mine.std(0).mean()) == pytest.approx(0.12, rel=0.1)


def test_moons_are_two_and_the_roll_is_one_line():
    moons = TOYS["moons"](2000, torch.Generator().manual_seed(0))
    distances = torch.cdist(moons.places, moons.places)
    distances.fill_diagonal_(10)
    same = moons.labels[distances.argmin(1)] == moons.labels
    assert float(same.float().mean()) > 0.99
    roll = TOYS["roll"](2000, torch.Generator().manual_seed(0)).places
    # Along the positive x axis the spiral is crossed at one and at two turns alone.
    crossing = roll[(roll[:, 0] > 0) & (roll[:, 1].abs() < 0.1), 0]
    assert bool(
        ((crossing - 1.2 * 2 / 4.5).abs() < 0.15)
        .logical_or((crossing - 1.2 * 4 / 4.5).abs() < 0.15)
        .all()
    )
