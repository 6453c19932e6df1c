"""Clone, split, prune and reset do what the paper says, and every one is remembered."""

import numpy as np
import pytest
import torch

from engines.splats.config import Schedule, SplatConfig
from engines.splats.density import CloneAndSplit, rotation_matrices
from engines.splats.lineage import Birth, Death, Lineage
from engines.splats.model import PARAMETERS, GaussianModel


def make(count: int, **settings) -> tuple[GaussianModel, Lineage, CloneAndSplit]:
    generator = torch.Generator().manual_seed(3)
    parameters = {
        "means": torch.randn(count, 3, generator=generator),
        "quats": torch.randn(count, 4, generator=generator),
        "log_scales": torch.full((count, 3), -6.0),
        "logit_opacities": torch.zeros(count),
        "sh0": torch.randn(count, 1, 3, generator=generator),
        "sh_rest": torch.zeros(count, 3, 3),
    }
    lineage = Lineage()
    ids = lineage.bear(count, step=0, cause=Birth.START)
    model = GaussianModel(parameters, {"id": torch.from_numpy(ids)})
    for moments in (model.first, model.second):
        for name in PARAMETERS:
            moments[name] += 1.0
    schedule = Schedule(SplatConfig(**settings))
    return model, lineage, CloneAndSplit(model, lineage, schedule, generator)


def see(strategy: CloneAndSplit, gradients: list[float]) -> None:
    """Let one view of 200 x 100 pixels see all, with these gradients in halves of the image."""
    pixels = torch.tensor(gradients)[:, None] * torch.tensor([1 / 100.0, 0.0])
    strategy.observe(pixels, torch.ones(len(gradients)), 200, 100)


def test_gradient_is_the_mean_over_views_that_saw_it_in_halves_of_the_image():
    _, _, strategy = make(2)
    strategy.observe(torch.tensor([[3e-3, 0.0], [0.0, 4e-3]]), torch.tensor([5.0, 5.0]), 200, 100)
    strategy.observe(torch.tensor([[1e-3, 0.0], [9.0, 9.0]]), torch.tensor([5.0, 0.0]), 200, 100)
    assert strategy.gradients().tolist() == pytest.approx([(0.3 + 0.1) / 2, 0.2])


def test_small_with_high_gradient_is_cloned_in_place():
    model, lineage, strategy = make(3)
    see(strategy, [1e-3, 1e-5, 1e-5])
    refined = strategy.refine(500)
    assert (refined.cloned, refined.split, refined.total) == (1, 0, 4)
    for name in PARAMETERS:
        assert torch.equal(model[name][3], model[name][0])
        assert float(model.first[name][3].abs().sum()) == 0.0
        assert float(model.first[name][0].min()) == 1.0
    birth = lineage.birth_of(3)
    assert (birth["parent"], birth["step"], birth["cause"]) == (0, 500, Birth.CLONE)
    assert birth["gradient"] == pytest.approx(1e-3)
    assert model.rows["id"].tolist() == [0, 1, 2, 3]


def test_large_with_high_gradient_is_split_in_two_and_goes():
    model, lineage, strategy = make(3)
    with torch.no_grad():
        model["log_scales"][1] = torch.log(torch.tensor([0.5, 0.01, 0.02]))
    parent = {name: model[name].detach()[1].clone() for name in PARAMETERS}
    see(strategy, [1e-5, 1e-3, 1e-5])
    refined = strategy.refine(500)
    assert (refined.cloned, refined.split, refined.total) == (0, 1, 4)
    assert model.rows["id"].tolist() == [0, 2, 3, 4]
    children = model["log_scales"].detach()[2:]
    assert torch.allclose(children, parent["log_scales"] - np.log(1.6))
    for name in ("quats", "logit_opacities", "sh0", "sh_rest"):
        assert torch.equal(model[name].detach()[2], parent[name])
    offsets = model["means"].detach()[2:] - parent["means"]
    local = offsets @ rotation_matrices(parent["quats"][None])[0]
    assert (local.abs() / torch.exp(parent["log_scales"])).max() < 5.0
    assert not torch.equal(offsets[0], offsets[1])
    assert [int(lineage.birth_of(i)["parent"]) for i in (3, 4)] == [1, 1]
    deaths = lineage.all_deaths()
    assert deaths["id"].tolist() == [1]
    assert deaths["cause"].tolist() == [Death.SPLIT]
    assert deaths["value"][0] == pytest.approx(1e-3)


def test_faint_ones_go_at_once_and_big_ones_only_after_the_first_reset():
    model, lineage, strategy = make(4)
    with torch.no_grad():
        model["logit_opacities"][0] = -6.0
        model["log_scales"][1] = np.log(0.3)
    see(strategy, [0.0] * 4)
    refined = strategy.refine(3_000)
    assert (refined.pruned_opacity, refined.pruned_scale, refined.total) == (1, 0, 3)
    refined = strategy.refine(3_100)
    assert (refined.pruned_opacity, refined.pruned_scale, refined.total) == (0, 1, 2)
    deaths = lineage.all_deaths()
    assert deaths["id"].tolist() == [0, 1]
    assert deaths["cause"].tolist() == [Death.OPACITY, Death.SCALE]
    assert deaths["value"].tolist() == pytest.approx([1 / (1 + np.exp(6)), 0.3], rel=1e-4)


def test_growth_stops_at_the_cap_and_takes_the_highest_gradients():
    model, lineage, strategy = make(99, max_gaussians=100)
    see(strategy, [1e-3 + 1e-6 * i for i in range(99)])
    refined = strategy.refine(500)
    assert refined.capped
    assert refined.total == 100
    assert int(lineage.birth_of(99)["parent"]) == 98
    assert len(model) == 100


def test_an_empty_scene_is_never_left():
    model, _, strategy = make(5)
    with torch.no_grad():
        model["logit_opacities"][:] = -9.0
        model["logit_opacities"][2] = -8.0
    strategy.refine(500)
    assert model.rows["id"].tolist() == [2]


def test_reset_brings_opacities_down_and_forgets_their_moments():
    model, _, strategy = make(3)
    with torch.no_grad():
        model["logit_opacities"][:] = torch.tensor([-7.0, 0.0, 5.0])
    strategy.reset_opacities()
    assert model.opacities().tolist() == pytest.approx([1 / (1 + np.exp(7)), 0.01, 0.01], rel=1e-4)
    assert float(model.first["logit_opacities"].abs().sum()) == 0.0
    assert float(model.second["logit_opacities"].abs().sum()) == 0.0
    assert float(model.first["means"].min()) == 1.0


def test_sums_start_again_after_each_refinement():
    model, _, strategy = make(3)
    see(strategy, [1e-3, 0.0, 0.0])
    strategy.refine(500)
    assert float(strategy.gradients().abs().sum()) == 0.0
    assert len(strategy.gradients()) == len(model)
