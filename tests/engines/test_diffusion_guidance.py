"""Guidance: scale 0 is plain conditional, and all targets are guided alike."""

import pytest
import torch

from engines.diffusion.condition import NOTHING, Condition
from engines.diffusion.guidance import Mixed, blended, conditioned, dropped_at_random, guided
from engines.diffusion.paths import PATHS
from engines.diffusion.targets import TARGETS, estimate_of, prediction_of


class Net:
    """Predicts the x0 that the first token says, as any target; counts its calls."""

    def __init__(self, path=None, target="x0") -> None:
        self.path, self.target, self.batches = path, target, []

    def __call__(self, x, t, condition=None, /):
        self.batches.append(len(x))
        x0 = condition.tokens[:, :1].to(x.dtype) * torch.ones_like(x)
        if self.path is None:
            return x0
        found = estimate_of("x0", self.path, t, x, x0)
        return prediction_of(self.target, self.path, t, found.x0, found.eps)


def words(*tokens: int) -> Condition:
    each = torch.tensor(tokens)[:, None]
    return Condition(each, torch.ones_like(each, dtype=torch.bool))


def asked(count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(count, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x, torch.full((count,), 0.4, dtype=torch.float64)


def test_scale_0_is_plain_conditional_in_one_call():
    net, (x, t) = Net(), asked()
    assert torch.equal(guided(net, words(2, 3, 4), 0)(x, t), conditioned(net, words(2, 3, 4))(x, t))
    assert net.batches == [3, 3]


def test_guidance_leads_away_from_nothing_in_one_batch():
    net, (x, t) = Net(), asked()
    for scale in (-1.0, 0.5, 3.0):
        found = guided(net, words(2, 3, 4), scale)(x, t)
        expected = (1 + scale) * torch.tensor([2.0, 3.0, 4.0]) - scale * NOTHING
        torch.testing.assert_close(found, expected[:, None].expand(3, 2).double())
    assert net.batches == [6, 6, 6]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", sorted(PATHS))
def test_all_targets_are_guided_alike(path, target):
    path, (x, t) = PATHS[path](), asked()
    prediction = guided(Net(path, target), words(2, 3, 4), 1.5)(x, t)
    found = estimate_of(target, path, t, x, prediction)
    expected = guided(Net(), words(2, 3, 4), 1.5)(x, t)
    torch.testing.assert_close(found.x0, expected)


def test_classes_are_mixed_with_weights_that_sum_to_1():
    x, t = asked()
    mixed = Mixed(Net(), (words(2, 2, 2), words(4, 5, 6)), torch.tensor([0.75, 0.25]))(x, t)
    torch.testing.assert_close(mixed[:, 0], torch.tensor([2.5, 2.75, 3.0]).double())
    with pytest.raises(ValueError, match="sum to 1"):
        Mixed(Net(), (words(2), words(4)), torch.tensor([0.75, 0.75]))
    with pytest.raises(ValueError, match="3 samples need 3 conditions, not 2, 2"):
        Mixed(Net(), (words(2, 2), words(4, 4)), torch.tensor([0.5, 0.5]))(x, t)


def test_each_sample_has_weights_of_its_own():
    (x, t), net = asked(), Net()
    each = torch.tensor([[0.75, 1.0, 0.0], [0.25, 0.0, 1.0]])
    conditions = words(2, 2, 2), words(4, 5, 6)
    mixed = Mixed(net, conditions, each)(x, t)
    torch.testing.assert_close(mixed[:, 0], torch.tensor([2.5, 2.0, 6.0]).double())
    with pytest.raises(ValueError, match="sum to 1"):
        Mixed(net, conditions, each.flip(1) + each)
    away = blended(net, conditions, each, 2.0)(x, t)
    torch.testing.assert_close(away, 3 * mixed - 2 * NOTHING)
    torch.testing.assert_close(blended(net, conditions, each, 0.0)(x, t), mixed)
    assert net.batches == [6, 9, 6], "one call each"


def test_conditions_are_dropped_at_random():
    many = words(*[7] * 4000)
    found = dropped_at_random(many, 0.15, torch.Generator().manual_seed(0))
    assert float((found.tokens == NOTHING).float().mean()) == pytest.approx(0.15, abs=0.02)
    assert not bool((dropped_at_random(many, 0, torch.Generator()).tokens == NOTHING).any())
    assert bool((dropped_at_random(many, 1, torch.Generator()).tokens == NOTHING).all())
