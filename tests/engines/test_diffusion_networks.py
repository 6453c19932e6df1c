"""Shapes, first outputs, what each input changes, and that small networks learn."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from engines.diffusion.condition import Condition
from engines.diffusion.ema import Ema
from engines.diffusion.flat import FlatWeights
from engines.diffusion.networks.choose import build, weights
from engines.diffusion.networks.config import PRESETS, NetworkConfig, preset, usual_rate
from engines.diffusion.networks.dit import image, patches
from engines.diffusion.networks.parts import squared_relu
from engines.diffusion.networks.places import grid_waves
from engines.diffusion.networks.time import waves
from tests.engines.diffusion_nets import (
    TINY_DIT,
    TINY_MMDIT,
    TINY_POINTS,
    TINY_UNET,
    inputs,
    stirred,
)

EVERY = pytest.mark.parametrize(
    "config", [TINY_DIT, TINY_MMDIT, TINY_UNET, TINY_POINTS], ids=lambda c: c.kind
)


@EVERY
def test_an_untrained_network_predicts_nothing(config):
    x, t, condition = inputs(config)
    network = build(config, torch.Generator().manual_seed(0))
    out = network(x, t, condition)
    assert out.shape == x.shape
    assert not out.any()


@EVERY
def test_the_generator_alone_decides_the_weights(config):
    def sums(seed: int) -> float:
        torch.rand(3)  # the global generator goes on and has no say
        network = build(config, torch.Generator().manual_seed(seed))
        return float(sum(p.detach().abs().sum() for p in network.parameters()))

    assert sums(3) == sums(3)
    assert sums(3) != sums(4)


@EVERY
def test_every_input_matters_and_samples_do_not_mix(config):
    x, t, condition = inputs(config)
    network = stirred(config)
    out = network(x, t, condition)
    later = network(x, (t + 0.3) % 1, condition)
    other = network(x, t, Condition((condition.tokens - 1).clamp(min=2), condition.mask))
    for changed in (later, other, network(-x, t, condition), network(x, t)):
        assert (changed - out).abs().amax() > 1e-3
    alone = network(x[1:2], t[1:2], condition[1:2])
    assert torch.allclose(alone, out[1:2], atol=1e-5)


@EVERY
def test_padding_changes_nothing(config):
    x, t, condition = inputs(config)
    network = stirred(config)
    padded = condition.padded(7)
    junk = Condition(padded.tokens.masked_fill(~padded.mask, 5), padded.mask)
    assert torch.allclose(network(x, t, junk), network(x, t, condition), atol=1e-5)


@pytest.mark.parametrize("config", [TINY_DIT, TINY_MMDIT, TINY_UNET], ids=lambda c: c.kind)
def test_the_order_of_words_matters_to_cross_attention(config):
    x, t, condition = inputs(config)
    network = stirred(config)
    turned = Condition(condition.tokens.flip(1), condition.mask.flip(1))
    # All four words of the second sample are words, in another order.
    assert (network(x, t, turned) - network(x, t, condition))[1].abs().amax() > 1e-3


@EVERY
@pytest.mark.parametrize("cross", [False, True])
def test_gradients_reach_every_weight(config, cross):
    config = replace(config, cross=cross)
    x, t, condition = inputs(config)
    network = stirred(config)
    network(x, t, condition).square().mean().backward()
    unused = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    if not cross or config.kind == "points":
        unused = [name for name in unused if not name.startswith("words.norm.")]
    assert not unused


@pytest.mark.parametrize("kind", ["dit", "mmdit"])
def test_a_transformer_without_condition_has_one_stream(kind):
    config = replace(TINY_DIT, kind=kind, tokens=0, cross=False)
    x, t, _ = inputs(TINY_DIT)
    network = stirred(config)
    network(x, t).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
    assert not [name for name, _ in network.named_parameters() if "words" in name]


def test_words_of_two_streams_change_with_the_image():
    """What one stream brings changes the other, and the last words are asked nothing."""
    x, t, condition = inputs(TINY_MMDIT)
    network = stirred(TINY_MMDIT)
    seen = []
    network.blocks[0].register_forward_hook(lambda _, __, out: seen.append(out))
    last = []
    network.blocks[1].register_forward_hook(lambda _, __, out: last.append(out[1]))
    network(x, t, condition)
    network(-x, t, condition)
    assert seen[0][1].shape == (3, 4, 16)
    assert (seen[0][1] - seen[1][1]).abs().amax() > 1e-3
    assert last == [None, None]


def test_the_mean_of_the_words_is_told_besides_what_is_looked_at():
    x, t, condition = inputs(TINY_MMDIT)
    network = stirred(TINY_MMDIT)
    with torch.no_grad():
        for block in network.blocks:
            block.attention.words_qkv.weight.zero_()  # looking at words brings nothing
    other = Condition((condition.tokens - 1).clamp(min=2), condition.mask)
    assert (network(x, t, other) - network(x, t, condition)).abs().amax() > 1e-3


def test_every_block_of_two_streams_at_first_does_nothing():
    x, t, condition = inputs(TINY_MMDIT)
    network = build(TINY_MMDIT, torch.Generator().manual_seed(0))
    seen = []
    network.blocks[0].register_forward_hook(lambda _, args, out: seen.append((args, out)))
    network(x, t, condition)
    ((tokens, words, *_), (tokens_after, words_after)) = seen[0]
    assert torch.equal(tokens, tokens_after)
    assert torch.equal(words, words_after)


@EVERY
def test_a_network_learns_a_batch_by_heart(config):
    x, t, condition = inputs(config)
    target = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    network = build(config, torch.Generator().manual_seed(0))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.mse_loss(network(x, t, condition), target)
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.2 * float(target.square().mean())


def test_the_written_slope_of_the_squared_relu_is_the_true_one():
    x = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(squared_relu(x), x.clamp_min(0) ** 2)
    assert torch.autograd.gradcheck(squared_relu, x.requires_grad_())


@pytest.mark.parametrize("dim", [0, 3])
def test_heads_are_as_wide_as_asked(dim):
    network = build(replace(TINY_DIT, head_dim=dim), torch.Generator().manual_seed(0))
    inner = 4 * (dim or 4)
    for layer in (network.blocks[0].attention, network.blocks[0].cross):
        assert layer.out.weight.shape == (16, inner)
        assert layer.scale == pytest.approx((dim or 4) ** -0.5)
    x, t, condition = inputs(TINY_DIT)
    assert network(x, t, condition).shape == x.shape


def test_patches_and_back():
    x = torch.randn(2, 3, 8, 12)
    cut = patches(x, 4)
    assert cut.shape == (2, 6, 48)
    assert torch.equal(cut[0, 4].view(3, 4, 4), x[0, :, 4:8, 4:8])
    assert torch.equal(image(cut, (2, 3), 4), x)


def test_every_place_and_every_level_is_told_apart():
    table = grid_waves((4, 6), 16)
    assert table.shape == (24, 16)
    assert torch.cdist(table, table).fill_diagonal_(9).amin() > 0.1
    levels = waves(torch.linspace(0, 1000, 1001), 64)
    assert torch.allclose(levels[0], torch.cat([torch.ones(32), torch.zeros(32)]))
    assert (levels[1:] - levels[:-1]).norm(dim=1).amin() > 0.1


def test_a_laptop_keeps_64_tokens():
    for size, name in itertools.product(range(8, 513, 8), ("dit laptop", "mmdit laptop")):
        config = preset(name, height=size, width=size)
        rows, columns = config.grid
        assert 4 <= rows * columns <= 64
        assert (rows * config.patch, columns * config.patch) == (size, size)
    assert [preset("dit laptop", height=s, width=s).patch for s in (8, 32, 64, 72)] == [4, 4, 8, 9]
    assert preset("dit small", height=64, width=64).grid == (16, 16)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_built(name):
    with torch.device("meta"):
        config = preset(name, height=32, width=32, tokens=20, cross=True)
        assert config.kind in name
    if "laptop" in name or name == "points":
        assert 1e5 < weights(build(config, torch.Generator())) < 3e6


def test_impossible_sizes_are_refused_in_words():
    with pytest.raises(ValueError, match="multiple of 4"):
        NetworkConfig(height=30)
    with pytest.raises(ValueError, match="multiple of 4"):  # two levels of patches of 2
        preset("unet laptop", height=30, width=32)
    with pytest.raises(ValueError, match="5 heads"):
        NetworkConfig(features=128, heads=5)
    with pytest.raises(ValueError, match="told whether it attends"):
        replace(TINY_UNET, attention=(True,))


def test_dropping_leaves_one_token_of_nothing():
    _, _, condition = inputs(TINY_DIT)
    where = torch.tensor([False, True, False])
    dropped = condition.dropped(where)
    assert dropped.tokens[1].tolist() == [0] * 4
    assert dropped.mask[1].tolist() == [True, False, False, False]
    assert torch.equal(dropped.tokens[::2], condition.tokens[::2])
    assert torch.equal(dropped.mask[::2], condition.mask[::2])
    x, t, _ = inputs(TINY_DIT)
    network = stirred(TINY_DIT)
    assert torch.allclose(network(x, t, dropped)[1], network(x, t)[1], atol=1e-5)
    both = Condition.joined((condition, Condition.nothing(2)))
    assert len(both) == 5
    assert both.mask.sum(1).tolist() == [2, 4, 3, 1, 1]


def test_the_average_follows_and_says_how_far_behind_it_is():
    network = build(TINY_POINTS, torch.Generator().manual_seed(0))
    weights = FlatWeights(network)
    ema = Ema(network, decay=0.9)
    assert ema.lag(weights) == 0
    before = [p.detach().clone() for p in ema.network.parameters()]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 1
    ahead = ema.lag(weights)
    ema.update(weights)
    share = 1 - 2 / 11
    for old, new, now in zip(before, ema.network.parameters(), network.parameters(), strict=True):
        assert torch.allclose(new, old + share * (now - old), atol=1e-6)
        assert not new.requires_grad
    assert ema.lag(weights) == pytest.approx((1 - share) * ahead, rel=1e-4)
    for _ in range(300):
        ema.update(weights)
    assert ema.lag(weights) < 1e-5
    assert ema.steps_behind == pytest.approx(9)


def test_detail_takes_the_short_way_through_the_unet():
    """With the way down to the coarse level cut, what is fine still arrives."""
    x, t, condition = inputs(TINY_UNET)
    network = stirred(TINY_UNET)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith("down.1."):  # the only layer that halves the image
                parameter.zero_()
    change = network(-x, t, condition) - network(x, t, condition)
    assert change.abs().amax() > 1e-2


def test_the_wider_a_transformer_the_slower_it_learns():
    rates = [
        usual_rate(preset(name, height=32, width=32)) for name in PRESETS if name.startswith("dit")
    ]
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == len(rates)
    assert usual_rate(TINY_DIT) == rates[0], "narrow ones as the one of a laptop"
