"""Watching attention changes no bit, and what is kept is what was computed."""

import math
from dataclasses import replace

import pytest
import torch

from engines.diffusion.capture import STAGES, Attended, Capture
from engines.diffusion.maps import (
    averaged,
    contrast,
    entropy,
    fused,
    query_map,
    rollout,
    word_maps,
)
from tests.engines.diffusion_nets import TINY_DIT, TINY_MMDIT, TINY_UNET, inputs, stirred

BOTH = pytest.mark.parametrize("config", [TINY_DIT, TINY_MMDIT, TINY_UNET], ids=lambda c: c.kind)


def captured(config, **options) -> Capture:
    x, t, condition = inputs(config)
    capture = Capture(**options)
    with torch.no_grad():
        stirred(config)(x, t, condition, capture=capture)
    return capture


@BOTH
@pytest.mark.parametrize("grad", [False, True])
def test_the_output_is_the_same_bit_for_bit(config, grad):
    x, t, condition = inputs(config)
    network = stirred(config)
    with torch.set_grad_enabled(grad):
        plain = network(x, t, condition)
        watched = network(x, t, condition, capture=Capture(stages=frozenset(STAGES)))
    assert torch.equal(plain, watched)


@BOTH
def test_rows_sum_to_one_and_stages_follow_from_each_other(config):
    capture = captured(config, stages=frozenset(STAGES))
    _, t, condition = inputs(config)
    by_stage = {stage: capture.chosen(stage=stage) for stage in STAGES}
    assert len({len(items) for items in by_stage.values()}) == 1
    heads_width = {"self": config.features // config.heads}
    for scores, masked, softmax in zip(*by_stage.values(), strict=True):
        assert softmax.values.sum(-1).sub(1).abs().max() < 1e-5
        assert torch.allclose(masked.values.softmax(-1), softmax.values, atol=1e-6)
        free = masked.values.isfinite()
        ratio = (scores.values / masked.values)[free]
        assert torch.allclose(ratio, ratio.mean().expand_as(ratio), rtol=1e-4)
        if config is TINY_DIT and scores.kind == "self":
            assert ratio.mean() == pytest.approx(math.sqrt(heads_width["self"]), rel=1e-4)
        places, queries = math.prod(softmax.grid), softmax.values.shape[2]
        if scores.kind == "self":
            assert free.all()
        else:
            seen = condition.mask
            if scores.kind == "joint":
                seen = torch.cat([torch.ones(3, places, dtype=torch.bool), seen], dim=1)
            assert torch.equal(free, seen[:, None, None].expand_as(free))
            assert torch.equal(softmax.values > 0, free)
        # After the last block of two streams nobody reads the words any more: they ask nothing.
        ask = scores.kind == "joint" and scores.layer != "block 2 joint"
        assert queries == places + ask * condition.mask.shape[1]
        assert softmax.t == pytest.approx(float(t[0]))


def test_scores_are_products_of_queries_and_keys():
    """The first layer by hand, straight from the weights, against torch's fused attention."""
    x, t, condition = inputs(TINY_DIT)
    network = stirred(TINY_DIT)
    seen = {}
    attention = network.blocks[0].attention
    hook = attention.register_forward_hook(lambda _, args, out: seen.update(x=args[0], out=out))
    capture = Capture(stages=frozenset(STAGES))
    network(x, t, condition, capture=capture)
    hook.remove()
    n, tokens, width = seen["x"].shape

    def heads(values):
        return values.view(n, tokens, 4, width // 4).transpose(1, 2)

    q, k, v = map(heads, attention.qkv(seen["x"]).chunk(3, dim=-1))
    scores = capture.chosen(stage="scores", layers=["block 1 self"])[0].values
    assert torch.allclose(scores, torch.einsum("nhqd,nhkd->nhqk", q, k), atol=1e-4)
    fused_out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    out = attention.out(fused_out.transpose(1, 2).reshape(n, tokens, width))
    assert torch.allclose(out, seen["out"], atol=1e-5)


@pytest.mark.parametrize("number", [1, 2])
def test_joint_attention_is_that_of_patches_and_words_in_one_line(number):
    """By hand, straight from the weights of both streams, against torch's fused attention."""
    x, t, condition = inputs(TINY_MMDIT)
    network = stirred(TINY_MMDIT)
    seen = {}
    attention = network.blocks[number - 1].attention
    hook = attention.register_forward_hook(lambda _, args, out: seen.update(x=args, out=out))
    capture = Capture(stages=frozenset(STAGES))
    network(x, t, condition, capture=capture)
    hook.remove()
    patches, words = seen["x"][:2]

    def heads(values, parts):
        return values.unflatten(2, (parts, 4, 4)).permute(2, 0, 3, 1, 4).unbind(0)

    q, k, v = heads(attention.qkv(patches), 3)
    *asked, words_k, words_v = heads(attention.words_qkv(words), 3 if number == 1 else 2)
    q, k, v = torch.cat([q, *asked], 2), torch.cat([k, words_k], 2), torch.cat([v, words_v], 2)
    scores, softmax = (
        capture.chosen(stage=stage, layers=[f"block {number} joint"])[0]
        for stage in ("scores", "softmax")
    )
    assert torch.allclose(scores.values, torch.einsum("nhqd,nhkd->nhqk", q, k), atol=1e-4)
    assert torch.equal(softmax.to_words, softmax.values[:, :, :6, 6:])
    mask = torch.cat([torch.ones(3, 6, dtype=torch.bool), condition.mask], dim=1)
    fused_out = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask[:, None, None].expand(-1, -1, q.shape[2], -1)
    )
    told = fused_out.transpose(1, 2).flatten(2)
    out, words_out = seen["out"]
    assert torch.allclose(out, attention.out(told[:, :6]), atol=1e-5)
    if number == 1:
        assert torch.allclose(words_out, attention.words_out(told[:, 6:]), atol=1e-5)
    else:
        assert words_out is None


def test_two_streams_without_words_have_self_attention():
    config = replace(TINY_MMDIT, tokens=0)
    x, t, _ = inputs(TINY_MMDIT)
    capture = Capture()
    stirred(config)(x, t, capture=capture)
    assert [(item.layer, item.kind) for item in capture.kept] == [
        ("block 1 self", "self"),
        ("block 2 self", "self"),
    ]


def test_only_what_is_asked_for_is_kept():
    capture = captured(TINY_DIT, samples=2, layers=frozenset({"block 1 cross"}))
    assert capture.names() == ["block 1 cross"]
    (item,) = capture.kept
    assert item.values.shape == (2, 4, 6, 4)
    assert item.values.untyped_storage().nbytes() == item.values.numel() * 4
    whole = captured(TINY_DIT).chosen(layers=["block 1 cross"])[0]
    assert torch.equal(item.values, whole.values[:2])
    assert len(captured(TINY_DIT).chosen(kind="self")) == 2


def test_the_cap_holds_and_is_said():
    free = captured(TINY_DIT)
    assert free.note == ""
    assert free.used_bytes == sum(item.values.numel() * 4 for item in free.kept)
    budget = free.used_bytes + free.used_bytes // 2
    capture = Capture(budget_bytes=budget)
    x, t, condition = inputs(TINY_DIT)
    network = stirred(TINY_DIT)
    for _ in range(3):
        network(x, t, condition, capture=capture)
    assert capture.used_bytes <= budget
    assert capture.calls == 3
    assert {item.call for item in capture.kept} == {0, 1}
    assert capture.left_out + len(capture.kept) == 9
    assert capture.note.endswith("from call 2 of 3 on")


def attended(values: torch.Tensor, *, kind="self", grid=(1, 2), layer="a", call=0) -> Attended:
    return Attended(
        call=call, t=0.5, layer=layer, kind=kind, stage="softmax", grid=grid, values=values
    )


def test_heads_are_fused_as_asked():
    values = torch.tensor([[[0.2, 0.8], [0.5, 0.5]], [[0.6, 0.4], [0.9, 0.1]]])
    assert torch.allclose(fused(values), torch.tensor([[0.4, 0.6], [0.7, 0.3]]))
    assert torch.allclose(fused(values, "max"), torch.tensor([[0.6, 0.8], [0.9, 0.5]]))
    assert torch.allclose(fused(values, "min"), torch.tensor([[0.2, 0.4], [0.5, 0.1]]))
    assert torch.equal(fused(values, "mean", heads=[1]), values[1])
    one, two = attended(values[None]), attended(1 - values[None], call=1)
    assert torch.allclose(averaged([one, two]), torch.full((2, 2), 0.5))
    assert torch.allclose(averaged([one, two], over="max"), torch.tensor([[0.6, 0.6], [0.7, 0.7]]))
    with pytest.raises(ValueError, match="one size"):
        averaged([one, attended(values[None], grid=(2, 1))])


def test_rollout_by_hand():
    """Two layers with two heads: fuse, add identity, normalise, multiply first to last."""
    first = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]]])
    second = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]])
    layers = [attended(first), attended(second, layer="b")]
    a = torch.tensor([[0.75, 0.25], [0.5, 0.5]])
    b = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    assert torch.allclose(rollout(layers), b @ a)
    largest = torch.tensor([[1.0, 0.5], [0.5, 0.5]]) / torch.tensor([[1.5], [1.0]])
    assert torch.allclose(rollout(layers, how="max"), b @ largest)
    assert torch.equal(rollout(layers, identity=1.0), torch.eye(2))
    with pytest.raises(ValueError, match="one call"):
        rollout([layers[0], attended(second, call=1)])
    flow = rollout(captured(TINY_DIT).chosen(kind="self"), row=1, how="max")
    assert flow.sum(-1).sub(1).abs().max() < 1e-5
    with pytest.raises(ValueError, match="one call"):
        rollout(captured(TINY_DIT).chosen(kind="cross"))


def test_rollout_goes_through_words_as_well():
    """A place sees a word that saw another place; the last layer has places alone for queries."""
    first = torch.tensor([[[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]]])
    last = torch.tensor([[[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]]])
    layers = [attended(first, kind="joint"), attended(last, kind="joint", layer="b")]
    # From the word 1/4, and by way of it, from the second place, 1/4; the way around is 1/2.
    assert torch.allclose(rollout(layers), torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]))
    flow = rollout(captured(TINY_MMDIT).chosen(), row=0)
    assert flow.shape == (6, 10)
    assert flow.sum(-1).sub(1).abs().max() < 1e-5
    assert not flow[:, 8:].any(), "nothing comes from padding"


def test_entropy_runs_from_sharp_to_alike():
    sharp, alike = torch.eye(4), torch.full((4, 4), 0.25)
    item = attended(torch.stack([sharp, alike])[None], grid=(2, 2))
    assert torch.allclose(entropy(item), torch.tensor([0.0, 1.0]))
    assert entropy(attended(torch.ones(1, 2, 2, 1), kind="cross")).tolist() == [0, 0]
    padded = attended(torch.tensor([0.5, 0.5, 0.0, 0.0]).expand(1, 1, 2, 4), kind="cross")
    assert entropy(padded).tolist() == pytest.approx([0.5])
    assert entropy(padded, keys=2).tolist() == pytest.approx([1.0])
    joint = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    told = entropy(attended(joint[None, None], kind="joint", grid=(1, 2)))
    assert told.tolist() == pytest.approx([math.log(2) / math.log(3)]), "of places, not of words"


def test_a_query_and_the_words_become_maps():
    shares = torch.arange(16.0).view(4, 4)
    assert query_map(shares, 2, (2, 2)).tolist() == [[8, 9], [10, 11]]
    capture = captured(TINY_DIT)
    maps = word_maps(capture.chosen(kind="cross"), row=0)
    assert maps.shape == (4, 2, 3)
    assert torch.allclose(maps.sum(0), torch.ones(2, 3), atol=1e-5)
    assert not maps[2:].any(), "padding is no word"
    x, t, condition = inputs(TINY_DIT)
    stirred(TINY_DIT, seed=1)(x, t, condition, capture=capture)
    first, second = (item.values[0].mean(0) for item in capture.chosen(kind="cross"))
    maps = word_maps(capture.chosen(kind="cross"), row=0)
    by_hand = (first + second)[:, 1].view(2, 3) / 2
    assert torch.allclose(maps[1], by_hand, atol=1e-6)
    assert word_maps(capture.chosen(kind="cross"), size=(8, 12)).shape == (4, 8, 12)
    factors = contrast(maps, torch.tensor([True, False, False, False]))
    assert factors[0].mean() == pytest.approx(1, abs=1e-5)
    assert torch.equal(factors[1], torch.ones(2, 3))
    joint = captured(TINY_MMDIT).chosen()
    maps = word_maps(joint, row=0)
    assert torch.allclose(
        maps[1], sum(item.values[0].mean(0)[:6, 7] for item in joint).view(2, 3) / 2, atol=1e-6
    )
    assert (maps.sum(0) < 1).all(), "what is left goes to places"
    assert not maps[2:].any()
    with pytest.raises(ValueError, match="cross"):
        word_maps(capture.chosen(kind="self"))
