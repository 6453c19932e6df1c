"""Every setting does something: what it changes is another run, not the same one."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from engines.diffusion import DiffusionConfig, DiffusionEngine, train
from engines.diffusion.condition import UNKNOWN
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.data.toy import make_toy
from engines.diffusion.learner import Batch
from engines.diffusion.networks.config import NetworkConfig
from engines.settings import fields_of
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

TINY = NetworkConfig(height=8, width=8, features=8, depth=1, heads=2, tokens=5)
BASE = replace(QUICK, steps=4, batch=8, rate=1e-2, warmup=1, evaluate_every=1_000, ema=0.9)
LEARNING: dict[str, Any] = {
    "places": "learned",
    "path": "cosine",
    "target": "x0",
    "variance": "learned",
    "steps": 5,
    "batch": 6,
    "rate": 2e-2,
    "timing": "logit_normal",
    "shift": 4.0,
    "weighting": "min_snr",
    "drop": 0.9,
    "seed": 1,
    "precision": "mixed",
    "warmup": 3,
    "rate_final": 0.9,
    "decay": 5.0,
    "clip": 1e-3,
    "holdout": 0.5,
}
"""What each setting is changed to, of those that change what is learnt."""


def weights(config: DiffusionConfig) -> torch.Tensor:
    engine = DiffusionEngine(make_pictures(), config)
    run(engine)
    assert engine.learner is not None
    return engine.learner.weights.values.detach().clone()


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    monkeypatch.setattr(train, "preset", lambda name, **about: TINY)


@pytest.fixture(scope="module")
def base(one_thread) -> torch.Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "preset", lambda name, **about: TINY)
        first, again = weights(BASE), weights(BASE)
    assert torch.equal(first, again), "or every setting would seem to change something"
    return first


@pytest.mark.parametrize("name", LEARNING)
def test_it_changes_what_is_learnt(name: str, base: torch.Tensor):
    found = weights(replace(BASE, **{name: LEARNING[name]}))
    assert found.shape != base.shape or not torch.equal(found, base)


def test_every_other_image_is_mirrored_where_that_is_asked_for(monkeypatch):
    mirrored, real = [], Batch.mirrored

    def spy(batch: Batch, where: torch.Tensor, others: torch.Tensor | None = None) -> Batch:
        mirrored.append(where)
        return real(batch, where, others)

    monkeypatch.setattr(Batch, "mirrored", spy)
    run(DiffusionEngine(make_pictures(), BASE))
    assert not mirrored
    run(DiffusionEngine(make_pictures(), replace(BASE, flip=True, steps=20)))
    assert float(torch.cat(mirrored).float().mean()) == pytest.approx(0.5, abs=0.15)


def test_the_average_keeps_what_it_is_told_to():
    lags = []
    for decay in (0.0, 0.5, 0.999):
        engine = DiffusionEngine(make_pictures(), replace(BASE, ema=decay, steps=30))
        run(engine)
        lags.append(engine.learner.ema.lag(engine.learner.weights))
    assert lags[0] == 0
    assert 0 < lags[1] < lags[2]


def test_words_are_taught_their_places_by_their_weight(monkeypatch):
    monkeypatch.undo()  # the shapes need a network that reads captions
    found = []
    for weight in (0.0, 0.1, 5.0):
        config = replace(BASE, size=32, steps=2, grounding=weight)
        engine = DiffusionEngine(make_shapes(40).pictures, config)
        run(engine)
        found.append(engine.learner.weights.values.clone())
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[2])


@pytest.mark.parametrize(
    ("name", "value"), [("autoencoder", 0.75), ("divergence", 1.0), ("latent", "4")]
)
def test_it_changes_the_latents(name: str, value: Any, monkeypatch):
    monkeypatch.undo()
    config = replace(BASE, size=16, steps=8, latent="2", autoencoder=0.5)
    found = []
    for each in (config, replace(config, **{name: value})):
        engine = DiffusionEngine(make_pictures(size=16), each)
        run(engine)
        coder = engine.first.space.autoencoder
        found.append(torch.cat([p.flatten() for p in coder.parameters()]))
    assert found[0].shape != found[1].shape or not torch.equal(*found)


def test_samples_on_the_way_are_drawn_as_was_asked():
    config = replace(BASE, sampler="heun", sample_steps=7, samples=5, guidance=1.5, seed=3, steps=1)
    engine = DiffusionEngine(make_pictures(), config)
    run(engine)
    wish = engine.wish()
    assert (wish.sampler, wish.steps, wish.count) == ("heun", 7, 5)
    assert (wish.guidance, wish.seed) == (1.5, 3)
    assert wish.texts == engine.vocabulary.words


def test_levels_are_shifted_by_what_the_data_are_and_judged_alike(monkeypatch):
    engine = DiffusionEngine(make_pictures(), BASE)
    run(engine)
    assert engine.learner.config.shift == 2
    judged = engine.evaluate().loss
    engine.learner.config = replace(engine.learner.config, shift=8.0)
    assert engine.evaluate().loss != judged, "held-out images are judged where is learnt"
    monkeypatch.undo()
    assert DiffusionEngine(make_toy("roll", 50), BASE).ready().config.shift == 1


def test_an_unknown_class_comes_to_mean_something():
    engine = DiffusionEngine(make_pictures(), replace(BASE, steps=80, holdout=0))
    before = engine.ready().network.words.words.weight.detach().clone()
    run(engine)
    moved = (engine.learner.network.words.words.weight.detach() - before).norm(dim=1)
    assert float(moved[UNKNOWN]) > 0.1 * float(moved[UNKNOWN + 1 :].mean())


def test_no_setting_is_left_out():
    elsewhere = {  # have tests of their own, here or where they are used
        *("network", "size", "fit", "classes"),
        *("latent", "autoencoder", "divergence"),
        *("seconds", "classifier", "device", "evaluate_every", "sample_seconds"),
        *("flip", "ema", "grounding", "guidance", "sampler", "sample_steps", "samples"),
    }
    assert {field.name for field in fields_of(DiffusionConfig)} == {*LEARNING, *elsewhere}
