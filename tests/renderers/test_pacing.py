"""Portions and scales keep their budget, and the model learns what the machine can do."""

import numpy as np
import pytest

from renderers.pacing import SCALES, CostModel, is_software


@pytest.mark.parametrize(
    ("name", "software"),
    [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", True),
        ("Microsoft Basic Render Driver", True),
        ("NVIDIA GeForce RTX 4090/PCIe/SSE2", False),
        ("Apple M2", False),
        ("Mesa Intel(R) UHD Graphics 620", False),
    ],
)
def test_emulations_are_known_by_name(name: str, software: bool) -> None:
    assert is_software(name) is software


def test_all_in_one_go_on_a_graphics_card() -> None:
    costs = CostModel.first_guess(software=False)
    pixels = np.linspace(0.0, 5e7, 100_001)
    assert costs.scale_for(100_000, 5e7, 30.0) == 1.0
    assert costs.portion(pixels, 0, 1.0, 12.0) == 100_000


def test_portions_keep_to_the_budget_and_cover_everything() -> None:
    rng = np.random.default_rng(0)
    costs = CostModel(splat_us=1.0, fragment_ns=20.0)
    pixels = np.concatenate([[0.0], np.cumsum(rng.lognormal(5, 2, 20_000))])
    first, steps = 0, 0
    while first < 20_000:
        last = costs.portion(pixels, first, 0.5, 10.0)
        assert last > first
        cost = costs.predicted_ms(last - first, 0.25 * (pixels[last] - pixels[first]))
        assert cost <= 10.0 or last == first + 1
        if last < 20_000:
            more = costs.predicted_ms(last + 1 - first, 0.25 * (pixels[last + 1] - pixels[first]))
            assert more > 10.0
        first, steps = last, steps + 1
    assert steps > 5


def test_a_single_huge_one_is_a_portion_of_its_own() -> None:
    costs = CostModel(splat_us=1.0, fragment_ns=20.0)
    assert costs.portion(np.array([0.0, 1e9, 2e9]), 0, 1.0, 10.0) == 1
    assert costs.portion(np.array([0.0]), 0, 1.0, 10.0) == 0


def test_the_largest_scale_that_fits() -> None:
    costs = CostModel(splat_us=0.0, fragment_ns=10.0)
    assert costs.scale_for(10, 4e6, 40.0) == 1.0
    assert costs.scale_for(10, 16e6, 40.1) == 0.5
    assert costs.scale_for(10, 1e12, 40.0) == SCALES[-1]


@pytest.mark.parametrize(("splat_us", "fragment_ns"), [(3.0, 60.0), (0.02, 0.5)])
def test_it_learns_what_a_portion_takes(splat_us: float, fragment_ns: float) -> None:
    truth = CostModel(splat_us, fragment_ns)
    costs = CostModel.first_guess(software=True)
    for _ in range(60):
        costs.learn(20_000, 4e6, truth.predicted_ms(20_000, 4e6))
    expected = truth.predicted_ms(20_000, 4e6)
    assert costs.predicted_ms(20_000, 4e6) == pytest.approx(expected, rel=0.1)


def test_one_odd_measurement_changes_little() -> None:
    costs = CostModel(1.0, 10.0)
    costs.learn(10_000, 1e6, 10_000.0)
    assert costs.predicted_ms(10_000, 1e6) < 40.0
