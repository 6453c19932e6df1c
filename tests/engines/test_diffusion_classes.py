"""Points learnt with their classes: what is asked for is drawn, and guidance concentrates it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.errors import InputError
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.config import DiffusionConfig, as_student
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.data.toy import make_toy
from engines.diffusion.flowfield import field_of, known_truth, score_errors
from engines.diffusion.networks.points import Points
from engines.diffusion.saved import read_model, write_model
from engines.diffusion.toys import CLASSES, GaussianMixture
from engines.diffusion.train import DiffusionEngine
from tests.engines.diffusion_data import one_thread
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

TOLD = DiffusionConfig(
    steps=200, batch=128, classes=True, warmup=20, ema=0.97, evaluate_every=200, seed=1
)
WISH = Wish(count=200, texts=("mode 3",), steps=20)


def engine_of(name: str, config: DiffusionConfig) -> DiffusionEngine:
    return DiffusionEngine(data_of(Source.named(name), config), config)


@pytest.fixture(scope="module")
def mixture(one_thread) -> DiffusionEngine:
    """200 steps on the mixture and its modes."""
    engine = engine_of("mixture", TOLD)
    run(engine)
    return engine


def test_classes_are_learnt_only_where_they_are_asked_for():
    assert not DiffusionConfig().classes
    assert not as_student(TOLD).classes
    plain = engine_of("mixture", replace(TOLD, classes=False))
    assert plain.vocabulary is None
    assert plain.network_config().tokens == 0
    assert set(plain.data.texts) == {""}
    assert plain.wish().texts == ()
    for name, count in (("mixture", 8), ("moons", 2)):
        engine = engine_of(name, TOLD)
        assert engine.vocabulary.words == tuple(sorted(CLASSES[name]))
        assert engine.network_config().tokens == 2 + count
        assert torch.equal(engine.data.places, make_toy(name).places)
        told = [CLASSES[name][label] for label in engine.train.labels]
        assert engine.train.texts == tuple(told)
        assert engine.wish().texts == engine.vocabulary.words
        assert engine.wish().guidance == TOLD.guidance
    roll = engine_of("roll", TOLD)
    assert roll.vocabulary is None
    assert roll.data.notes == ("The points of roll belong to no classes, so none are learnt",)


def test_what_is_asked_for_is_drawn_and_guidance_concentrates_it(mixture):
    artist, truth = mixture.artist(), known_truth("mixture")
    plain = artist.samples(WISH)
    shares = (torch.cdist(plain, truth.means).argmin(1) == 2).float().mean()
    assert shares > 0.85
    anything = torch.cdist(artist.samples(replace(WISH, texts=())), truth.means).argmin(1)
    assert len(anything.unique()) == 8
    guided = artist.samples(replace(WISH, guidance=2.0))
    assert (torch.cdist(guided, truth.means).argmin(1) == 2).float().mean() > shares - 0.02
    # Along the ring, where the other modes are, particles draw together.
    assert guided[:, 0].std() < 0.6 * plain[:, 0].std()
    assert torch.equal(artist.samples(replace(WISH, texts=(), guidance=2.0)), artist.samples(
        replace(WISH, texts=())))  # fmt: skip


def test_the_field_has_the_scores_with_and_without_the_class(mixture):
    artist, truth, t = mixture.artist(), known_truth("mixture"), 0.5
    guided = replace(WISH, guidance=2.0)
    field = field_of(artist, guided, t, truth=truth)
    plain = field_of(artist, WISH, t, truth=truth)
    assert plain.conditional is None
    assert field_of(artist, replace(guided, texts=("mode 1", "mode 3")), t).conditional is None
    anything = field_of(artist, replace(WISH, texts=()), t, truth=truth)
    x, y = field.places[..., 0], field.places[..., 1]
    near = (np.abs(x) < 0.9) & (y > 0) & (y < 0.9)  # where no estimate is clipped
    close = {"rtol": 1e-3, "atol": 1e-3}
    np.testing.assert_allclose(field.conditional[near], plain.score[near], **close)
    np.testing.assert_allclose(field.unconditional[near], anything.score[near], **close)
    mixed = 3 * field.conditional - 2 * field.unconditional
    np.testing.assert_allclose(field.score[near], mixed[near], **close)
    # The truth is that of the one mode, and the way from all of them beyond it.
    mode = GaussianMixture(truth.means[2:3], truth.stds[2:3], torch.ones(1))
    flat, level = torch.from_numpy(field.places).reshape(-1, 2), torch.tensor(t)
    one = mode.score(flat, level, artist.path).reshape(17, 17, 2).numpy()
    every = truth.score(flat, level, artist.path).reshape(17, 17, 2).numpy()
    np.testing.assert_allclose(plain.true_score, one, **close)
    np.testing.assert_allclose(anything.true_score, every, **close)
    np.testing.assert_allclose(field.true_score, 3 * one - 2 * every, **close)
    off = np.linalg.norm((field.conditional - one)[near], axis=-1).mean()
    assert off < 0.5 * np.linalg.norm((one - every)[near], axis=-1).mean()
    errors = score_errors(list(artist.draw(guided)), artist, guided, truth)
    assert errors[:5].max() < 0.4


def test_a_model_file_and_a_checkpoint_keep_the_classes(mixture, tmp_path):
    wish = replace(WISH, texts=("mode 3", "0.5 mode 1 + 0.5 mode 2"), guidance=2.0)
    samples = mixture.artist().samples(wish)
    write_model(mixture.saved_model(), tmp_path / "m.safetensors")
    model = read_model(tmp_path / "m.safetensors")
    assert isinstance(model.network, Points)
    assert torch.equal(Artist.of(model).samples(wish), samples)
    mixture.save_checkpoint(tmp_path / "run")
    again = DiffusionEngine.resume(tmp_path / "run")
    assert again.config.classes
    assert torch.equal(again.artist().samples(wish), samples)
    with pytest.raises(InputError, match="began with classes True, which cannot become False"):
        DiffusionEngine.resume(tmp_path / "run", config=replace(TOLD, classes=False))
