"""What guidance mixes at a step: that of the network itself, and nothing is paid by who draws."""

from dataclasses import replace

import pytest
import torch
from diffusion_nets import stirred

from engines.diffusion.artist import Artist, Wish
from engines.diffusion.condition import Condition
from engines.diffusion.guidanceparts import guidance_parts, guides
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.paths import PATHS
from engines.diffusion.targets import TARGETS, estimate_of
from engines.diffusion.words import Vocabulary

WORDS = ("blue", "circle", "red", "square")
MIX = "0.75 red circle + 0.25 blue square"
WISH = Wish(count=3, texts=("red circle", "", MIX), steps=4, sampler="euler", guidance=2.0, seed=3)
SMALL = {"height": 8, "width": 8, "features": 16, "depth": 1, "heads": 2}


def artist_of(path: str = "flow", target: str = "velocity", **changes) -> Artist:
    """Who learnt nothing, but answers differently to different words."""
    vocabulary = Vocabulary(WORDS, longest=4)
    tokens = vocabulary.size
    config = NetworkConfig(tokens=tokens, longest=4, cross=True, **{**SMALL, **changes})
    network = stirred(config).requires_grad_(False)
    return Artist(averaged=network, raw=None, path=path, target=target, vocabulary=vocabulary)


def asked(artist: Artist, stroke, row: int, text: str):
    """What the network itself says of one x_t for one caption, nothing in between."""
    condition = Condition.nothing(1)
    if text:
        condition = artist.vocabulary.encode([text]).condition
    x, t = stroke.x[row : row + 1], torch.tensor([stroke.t])
    prediction = artist.averaged(x, t, condition)[:, : x.shape[1]]
    return estimate_of(artist.target, artist.path, torch.tensor(stroke.t), x, prediction)


@pytest.mark.parametrize(
    ("path", "target", "variance"),
    [*((path, target, False) for path in PATHS for target in TARGETS), ("linear", "noise", True)],
)
def test_the_parts_are_what_the_network_says(path, target, variance):
    artist = artist_of(path, target, variance=variance)
    for stroke in list(artist.draw(WISH))[1:-1]:
        parts = guidance_parts(artist, WISH, stroke, 0)
        towards, away = asked(artist, stroke, 0, "red circle"), asked(artist, stroke, 0, "")
        close = {"rtol": 1e-3, "atol": 1e-3}
        torch.testing.assert_close(parts.conditional.eps, towards.eps, **close)
        torch.testing.assert_close(parts.unconditional.eps, away.eps, **close)
        torch.testing.assert_close(parts.conditional.x0, towards.x0.clamp(-1, 1), **close)
        torch.testing.assert_close(parts.unconditional.x0, away.x0.clamp(-1, 1), **close)
        torch.testing.assert_close(parts.guided.eps, 3 * towards.eps - 2 * away.eps, **close)
        # What the sampler went by.
        torch.testing.assert_close(parts.guided.x0, stroke.x0[:1], **close)
        apart = (towards.eps - away.eps)[0]
        assert float(apart.abs().max()) > 0.05
        torch.testing.assert_close(parts.difference, apart.square().mean(0).sqrt(), **close)
        assert parts.norm == pytest.approx(float(apart.norm()), rel=1e-3)
        assert parts.rms == pytest.approx(float(apart.square().mean().sqrt()), rel=1e-3)


def test_the_condition_of_a_mix_is_the_mix_and_that_of_nothing_is_nothing():
    artist = artist_of()
    stroke = list(artist.draw(WISH))[2]
    red, blue = (asked(artist, stroke, 2, text).eps for text in ("red circle", "blue square"))
    parts = guidance_parts(artist, WISH, stroke, 2)
    torch.testing.assert_close(parts.conditional.eps, 0.75 * red + 0.25 * blue)
    torch.testing.assert_close(parts.guided.x0, stroke.x0[2:])
    assert guidance_parts(artist, WISH, stroke, 1).norm == 0
    # Of data such a text is no mix.
    literal = guidance_parts(artist, replace(WISH, literal=True), stroke, 2)
    assert not torch.allclose(literal.conditional.eps, parts.conditional.eps, atol=1e-3)


def test_looking_changes_no_bit_and_drawing_asks_no_more_than_it_did(monkeypatch):
    artist = artist_of()
    calls, forward = [], artist.averaged.forward

    def counted(x, *rest, **named):
        calls.append(len(x))
        return forward(x, *rest, **named)

    monkeypatch.setattr(artist.averaged, "forward", counted)
    one = replace(WISH, texts=("red circle",))
    artist.check(one)  # which measures the network's memory
    calls.clear()
    alone = list(artist.draw(one))
    assert calls == [6] * 4
    looked = []
    for stroke in artist.draw(one):
        if stroke.t:
            guidance_parts(artist, one, stroke, 1)
        looked.append(stroke)
    for before, after in zip(alone, looked, strict=True):
        assert torch.equal(before.x, after.x)
        assert torch.equal(before.x0, after.x0)


def test_what_is_not_guided_has_no_parts():
    artist = artist_of()
    *_, before, end = artist.draw(WISH)
    for wish, stroke in (
        (replace(WISH, guidance=0.0), before),
        (replace(WISH, texts=()), before),
        (WISH, end),
    ):
        with pytest.raises(ValueError, match="guided"):
            guidance_parts(artist, wish, stroke, 0)
    assert guides(artist, WISH)
    dumb = Artist(
        averaged=stirred(NetworkConfig(**SMALL)),
        raw=None,
        path="flow",
        target="velocity",
        vocabulary=None,
    )
    assert not guides(dumb, WISH)
