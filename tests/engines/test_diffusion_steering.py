"""Guidance with a classifier, held against distributions and gradients that are known."""

import math

import pytest
import torch
from scipy.stats import chi2_contingency, kstest, norm

from engines.diffusion.paths import PATHS, levels
from engines.diffusion.samplers import SAMPLERS, last, walk
from engines.diffusion.steering import ClassifierGuidance
from engines.diffusion.targets import TARGETS, Denoiser, Estimate
from engines.diffusion.toys import GaussianMixture, ring_of_gaussians

ALPHA, COUNT = 1e-3, 3_000
CLASS = torch.tensor([0, 1, 2, 5])
"""Modes that together are one class: side by side, and one away from them."""
WAYS = list(zip(sorted(PATHS) * 3, TARGETS * 3, sorted(SAMPLERS) * 2, strict=False))[:7]
"""Every sampler, path and target at least once."""


def class_of_modes(mixture: GaussianMixture, path):
    """log p(c | x_t, t), where c is the class of the modes `CLASS`."""
    return lambda x, t: mixture.posterior(x, t, path)[:, CLASS].sum(1).log()


def drawn(mixture, path, target, name: str, guidance, count: int = COUNT) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    denoise = Denoiser(mixture.model(path, target), path, target, steer=guidance)
    start = torch.randn(count, mixture.means.shape[1], generator=generator)
    steps = {"ddpm": 400, "euler_maruyama": 600, "ddim": 200, "euler": 200}.get(name, 50)
    return last(walk(SAMPLERS[name], denoise, start, levels(steps).square(), generator=generator))


def cells(points: torch.Tensor) -> torch.Tensor:
    """[32] points by nearest mode and quadrant around it."""
    ring = ring_of_gaussians()
    mode = torch.cdist(points, ring.means).argmin(1)
    off = points - ring.means[mode]
    return torch.bincount((mode * 2 + (off[:, 0] > 0)) * 2 + (off[:, 1] > 0), minlength=32)


def p_value(points: torch.Tensor, exact: GaussianMixture) -> float:
    many = exact.sample(300_000, torch.Generator().manual_seed(1)).places
    table = torch.stack([cells(points), cells(many)])
    return float(chi2_contingency(table[:, table.sum(0) > 0].numpy()).pvalue)


@pytest.mark.parametrize(("path", "target", "name"), WAYS)
def test_by_the_true_posterior_samples_are_those_of_the_class(path, target, name):
    ring, way = ring_of_gaussians(), PATHS[path]()
    guidance = ClassifierGuidance(class_of_modes(ring, way), 1.0, way)
    points = drawn(ring, way, target, name, guidance)
    weights = torch.zeros(8)
    weights[CLASS] = ring.weights[CLASS]
    exact = GaussianMixture(ring.means, ring.stds, weights / weights.sum())
    assert p_value(points, exact) > ALPHA
    assert p_value(points, ring) < 1e-12, "the test tells the class from all"


@pytest.mark.parametrize("scale", [-1.0, 0.5, 3.0])
@pytest.mark.parametrize("path", sorted(PATHS))
def test_any_strength_gives_p_of_x_times_p_of_c_to_it_where_that_is_exact(path, scale):
    """For normal data and p(c | x) = exp(k x): N(mean + s k v, v), and log p(c | x_t) is linear."""
    mean, std, k, way = 0.3, 0.5, 0.8, PATHS[path]()
    normal = GaussianMixture(torch.tensor([[mean]]), torch.tensor([std]), torch.ones(1))

    def likelihood(x, t):  # E[exp(k x0) | x_t], but for what does not depend on x_t
        a, s = way.at(t)
        return k * a * std**2 / ((a * std).square() + s.square()) * x[:, 0]

    guidance = ClassifierGuidance(likelihood, scale, way)
    points = drawn(normal, way, "v", "heun", guidance)[:, 0].numpy()
    exact = norm(mean + scale * k * std**2, std)
    assert kstest(points, exact.cdf).pvalue > ALPHA
    assert kstest(points, norm(mean, std).cdf).pvalue < 1e-6


def test_the_pull_is_the_gradient():
    ring, way = ring_of_gaussians(), PATHS["flow"]()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 2, generator=generator, dtype=torch.float64)
    t = 0.1 + 0.8 * torch.rand(40, generator=generator, dtype=torch.float64)
    ring = GaussianMixture(*(part.double() for part in (ring.means, ring.stds, ring.weights)))
    shares = torch.zeros(40, 8, dtype=torch.float64)
    shares[torch.arange(40), torch.arange(40) % 8] = 0.7
    shares[:, 3] += 0.3

    def likelihood(x, t):
        return (shares * ring.posterior(x, t, way).log()).sum(1)

    with torch.no_grad():  # as while drawing
        pull = ClassifierGuidance(likelihood, 2.0, way).pull(x, t)
    assert not pull.requires_grad
    h = 1e-5
    for axis in range(2):
        off = torch.zeros(2, dtype=torch.float64)
        off[axis] = h
        slope = 2.0 * (likelihood(x + off, t) - likelihood(x - off, t)) / (2 * h)
        torch.testing.assert_close(pull[:, axis], slope, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(pull, 2.0 * ring.pull(x, t, way, shares))


@pytest.mark.parametrize("path", sorted(PATHS))
def test_data_and_noise_stay_a_pair_of_x_t(path):
    """And the noise moves by -s sigma g (Dhariwal and Nichol 2021, algorithm 2)."""
    way = PATHS[path]()
    t = torch.tensor([0.0, 0.001, 0.5, 0.99, 1.0], dtype=torch.float64)
    x0, eps = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).double()
    x = way.noised(x0, eps, t)
    guidance = ClassifierGuidance(lambda x, t: (2 * x).sum(1), 1.5, way)
    found = guidance(Estimate(x0, eps), x, t)
    torch.testing.assert_close(way.noised(found.x0, found.eps, t), x)
    _, s = way.at(t)
    torch.testing.assert_close(found.eps[:4], (eps - 3.0 * s[:, None])[:4])
    assert bool(found.x0.isfinite().all())
    assert math.isclose(float(found.x0[2, 0] - x0[2, 0]), float(3 * s[2] ** 2 / way.at(t)[0][2]))
