"""Relocation keeps the picture, moves the dead and remembers who came from whom."""

import math

import pytest
import torch

from engines.splats.config import Schedule, SplatConfig
from engines.splats.lineage import Birth, Death, Lineage
from engines.splats.mcmc import MonteCarlo, shared_opacity_and_scale
from engines.splats.model import PARAMETERS, GaussianModel


def make(opacities: list[float], **settings) -> tuple[GaussianModel, Lineage, MonteCarlo]:
    count = len(opacities)
    generator = torch.Generator().manual_seed(5)
    parameters = {
        "means": torch.randn(count, 3, generator=generator),
        "quats": torch.randn(count, 4, generator=generator),
        "log_scales": torch.full((count, 3), math.log(0.1)),
        "logit_opacities": torch.logit(torch.tensor(opacities)),
        "sh0": torch.randn(count, 1, 3, generator=generator),
        "sh_rest": torch.zeros(count, 3, 3),
    }
    lineage = Lineage()
    ids = lineage.bear(count, step=0, cause=Birth.START)
    model = GaussianModel(parameters, {"id": torch.from_numpy(ids)})
    schedule = Schedule(SplatConfig(strategy="mcmc", **settings))
    return model, lineage, MonteCarlo(model, lineage, schedule, generator)


@pytest.mark.parametrize("copies", [1, 2, 3, 7])
def test_copies_at_one_place_are_as_opaque_as_the_one_they_replace(copies):
    opacity = torch.tensor([0.2, 0.7, 0.95])
    shared, factor = shared_opacity_and_scale(opacity, torch.full((3,), copies))
    together = 1 - (1 - shared) ** copies
    assert torch.allclose(together, opacity, atol=1e-5)
    if copies == 1:
        assert torch.allclose(factor, torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_spread_as_much_opacity_over_a_line_as_the_one_they_replace(copies):
    # Equation 9 keeps the integral of the blended opacity over a line through the centre.
    x = torch.linspace(-8, 8, 20_001, dtype=torch.float64)
    shared, factor = shared_opacity_and_scale(torch.tensor([0.8]), torch.tensor([copies]))
    one = 0.8 * torch.exp(-0.5 * x**2)
    many = 1 - (1 - float(shared) * torch.exp(-0.5 * (x / float(factor)) ** 2)) ** copies
    assert float(many.sum() / one.sum()) == pytest.approx(1.0, abs=1e-4)


def test_the_dead_move_onto_the_living_under_new_ids():
    model, lineage, strategy = make([0.001, 0.9, 0.8, 0.002] + [0.5] * 96, max_gaussians=100)
    refined = strategy.refine(500)
    assert (refined.relocated, refined.added, refined.total) == (2, 0, 100)
    deaths = lineage.all_deaths()
    assert deaths["id"].tolist() == [0, 3]
    assert set(deaths["cause"].tolist()) == {Death.RELOCATION}
    for row, identity in ((0, 100), (3, 101)):
        assert int(model.rows["id"][row]) == identity
        parent = int(lineage.birth_of(identity)["parent"])
        for name in PARAMETERS:
            assert torch.equal(model[name][row], model[name][parent])
    assert float(model.opacities().detach().min()) > 0.005


def test_the_population_grows_by_a_twentieth_to_the_cap():
    model, lineage, strategy = make([0.5] * 100, max_gaussians=107)
    assert strategy.refine(500).added == 6
    refined = strategy.refine(600)
    assert (refined.added, refined.total, refined.capped) == (1, 107, True)
    assert sorted(model.rows["id"].tolist()) == list(range(107))
    assert lineage.birth_of(103)["cause"] == Birth.SAMPLE


def test_noise_shakes_the_faint_and_leaves_the_solid():
    model, _, strategy = make([0.0051, 0.9])
    before = model["means"].detach().clone()
    strategy.after_step(1, 1.6e-4)
    moved = (model["means"].detach() - before).norm(dim=1)
    assert float(moved[0]) > 1e-3
    assert float(moved[1]) < 1e-12


def test_the_penalty_pulls_opacity_and_scale_down():
    model, _, strategy = make([0.5] * 4)
    penalty = strategy.penalty()
    assert penalty is not None
    assert penalty.item() == pytest.approx(0.01 * (0.5 + 0.1), rel=1e-5)
    penalty.backward()
    assert bool((model["logit_opacities"].grad > 0).all())
    assert bool((model["log_scales"].grad > 0).all())
