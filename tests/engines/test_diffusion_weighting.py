"""Which noise levels count: known formulas, and draws with the distribution they are to have."""

import pytest
import torch
from scipy.stats import kstest, norm

from engines.diffusion.paths import PATHS, Cosine, Flow, Linear
from engines.diffusion.targets import TARGETS
from engines.diffusion.weighting import TIMINGS, WEIGHTINGS, draw_times, loss_weights

INSIDE = torch.linspace(0.02, 0.95, 50, dtype=torch.float64)


def test_min_snr_is_what_its_authors_wrote():
    snr = Linear().snr(INSIDE)
    clipped = snr.clamp_max(5)
    for target, expected in {
        "x0": clipped,
        "noise": clipped / snr,
        "v": clipped / (snr + 1),
    }.items():
        found = loss_weights("min_snr", Linear(), target, INSIDE)
        torch.testing.assert_close(found, expected)


def test_min_snr_of_velocity_is_that_of_x0_in_its_terms():
    """x0 = x_t - t velocity on the straight line; on the others x0 follows from a v by its rate."""
    found = loss_weights("min_snr", Flow(), "velocity", INSIDE)
    snr = ((1 - INSIDE) / INSIDE) ** 2
    torch.testing.assert_close(found, snr.clamp_max(5) * INSIDE**2)
    # Where a^2 + s^2 = 1 the velocity is v times the rate at which the angle of (a, s) turns.
    path = Cosine()
    found = loss_weights("min_snr", path, "velocity", INSIDE)
    (a, s), (_, ds) = path.at(INSIDE), path.rates(INSIDE)
    snr = path.snr(INSIDE)
    expected = snr.clamp_max(5) / (snr + 1) / (ds / a) ** 2
    torch.testing.assert_close(found, expected)
    assert float((s - (1 - a**2).sqrt()).abs().max()) < 1e-9


def test_uniform_weighs_all_alike():
    assert bool((loss_weights("uniform", Linear(), "noise", INSIDE) == 1).all())


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", sorted(PATHS))
def test_weights_are_finite_everywhere(path, target, weighting):
    found = loss_weights(weighting, PATHS[path](), target, torch.linspace(0, 1, 1001))
    assert bool(found.isfinite().all())
    assert bool((found >= 0).all())
    assert float(found.max()) <= 6


def test_times_have_their_distribution():
    generator = torch.Generator().manual_seed(0)
    even = draw_times("uniform", 4000, generator)
    assert kstest(even.numpy(), "uniform").pvalue > 0.01
    middle = draw_times("logit_normal", 4000, generator, mean=0.5, std=0.8)
    assert kstest(middle.logit().numpy(), norm(0.5, 0.8).cdf).pvalue > 0.01


def test_a_shift_moves_times_to_more_noise():
    found = draw_times("uniform", 4000, torch.Generator().manual_seed(0), shift=3.0)
    assert kstest(found.numpy(), lambda t: t / (3 - 2 * t)).pvalue > 0.01
    assert float(found.median()) == pytest.approx(0.75, abs=0.02)
    assert bool(((found > 0) & (found <= 1)).all())


def test_uniform_times_leave_no_part_out_and_come_in_any_order():
    found = draw_times("uniform", 32, torch.Generator().manual_seed(0))
    assert sorted((found * 32).ceil().int().tolist()) == list(range(1, 33))
    assert not bool((found.diff() > 0).all() or (found.diff() < 0).all())


@pytest.mark.parametrize("timing", TIMINGS)
def test_times_are_above_0_and_repeat_with_the_seed(timing):
    one, other = (draw_times(timing, 64, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, other)
    assert one.dtype == torch.float32
    assert bool(((one > 0) & (one <= 1)).all())
