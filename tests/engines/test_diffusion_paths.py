"""Paths from data to noise: exact at the levels of the discrete chain, smooth between them."""

import math

import pytest
import torch

from engines.diffusion.paths import FIRST, PATHS, STEPS, Cosine, Flow, Linear, levels

INSIDE = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)


@pytest.fixture(params=sorted(PATHS))
def path(request):
    return PATHS[request.param]()


def chain(betas: torch.Tensor) -> torch.Tensor:
    """a at the levels of a discrete chain."""
    return (1 - betas).cumprod(0).sqrt()


def test_the_linear_path_is_the_chain_of_ho():
    betas = torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)
    a, s = Linear().at(torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS)
    torch.testing.assert_close(a, chain(betas), rtol=1e-8, atol=0)
    torch.testing.assert_close(s, (1 - chain(betas).square()).sqrt(), rtol=1e-6, atol=0)
    assert float(a[-1]) ** 2 == pytest.approx(4.0e-5, rel=0.02)


def test_the_cosine_path_is_the_chain_of_nichol_with_its_cap():
    def share(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - share((i + 1) / STEPS) / share(i / STEPS), 0.999) for i in range(STEPS)]
    a, _ = Cosine().at(torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS)
    torch.testing.assert_close(
        a, chain(torch.tensor(betas, dtype=torch.float64)), rtol=1e-6, atol=0
    )


def test_ends_are_data_and_noise(path):
    for kind in (torch.float32, torch.float64):
        a, s = path.at(torch.tensor([0.0, 1.0], dtype=kind))
        assert a.dtype == s.dtype == kind
        assert (a[0], s[0]) == (1, 0)
        torch.testing.assert_close(s[1], torch.ones((), dtype=kind), rtol=0, atol=3e-5)
        assert 0 <= float(a[1]) < (0.007 if not path.vanishes else 1e-4)
    a, s = path.at(levels(50))
    assert bool((a.diff() > 0).all())
    assert bool((s.diff() < 0).all())


def test_rates_are_slopes(path):
    step = 1e-5
    above, below = path.at(INSIDE + step), path.at(INSIDE - step)
    for rate, up, down in zip(path.rates(INSIDE), above, below, strict=True):
        torch.testing.assert_close(rate, (up - down) / (2 * step), rtol=1e-4, atol=1e-6)


def test_rates_stay_finite_at_the_ends(path):
    ends = torch.tensor([0.0, 1e-9, FIRST, 1.0])
    for rate in path.rates(ends):
        assert bool(rate.isfinite().all())
        assert rate[0] == rate[1] == rate[2]


def test_two_transitions_make_one(path):
    """Noising from data to 0.3 and on to 0.7 has the marginals of 0.7."""
    early, late = torch.tensor(0.3, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    (a, s), (ratio, spread) = path.at(early), path.transition(early, late)
    expected = path.at(late)
    torch.testing.assert_close(ratio * a, expected[0])
    torch.testing.assert_close(((ratio * s).square() + spread.square()).sqrt(), expected[1])


def test_single_precision_is_precise(path):
    t = torch.rand(1000, generator=torch.Generator().manual_seed(0)).clamp_min(1e-4)
    for single, double in zip(path.at(t), path.at(t.double()), strict=True):
        torch.testing.assert_close(single.double(), double, rtol=1e-6, atol=1e-7)


def test_noising_takes_a_level_for_each_sample_or_one_for_all(path):
    x0, eps = torch.randn(2, 3, 3, 4, 4, generator=torch.Generator().manual_seed(0)).unbind()
    t = torch.tensor([0.0, 0.4, 0.8])
    each = path.noised(x0, eps, t)
    torch.testing.assert_close(each[0], x0[0], rtol=0, atol=0)
    for i in range(3):
        torch.testing.assert_close(each[i], path.noised(x0, eps, t[i])[i])
    assert path.noised(x0, eps, torch.tensor(0.4, dtype=torch.float64)).dtype == torch.float32


def test_levels_are_those_of_the_chain():
    found = levels(50)
    assert (found[0], found[-1], len(found)) == (1, 0, 51)
    torch.testing.assert_close(found * STEPS, torch.arange(1000, -1, -20, dtype=torch.float64))
    assert levels(4, start=0.5).tolist() == [0.5, 0.375, 0.25, 0.125, 0.0]
    with pytest.raises(ValueError, match="at least 1"):
        levels(0)


def test_flow_is_straight():
    a, s = Flow().at(INSIDE)
    torch.testing.assert_close(a + s, torch.ones_like(INSIDE))
