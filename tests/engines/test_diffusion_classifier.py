"""The classifier of noisy images and points: taught beside the diffusion, kept, and followed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.errors import InputError
from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.classifying import NONE, ClassifierLearner
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.flowfield import field_of, known_truth
from engines.diffusion.memory import forecast
from engines.diffusion.networks.classifier import Classifier, ClassifierConfig
from engines.diffusion.saved import read_model, write_model
from engines.events import Failed, Stepped
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

WITH = replace(QUICK, classifier=True, steps=4, evaluate_every=2)


def state_of(learner) -> dict[str, torch.Tensor]:
    found = dict(learner.network.state_dict())
    moments = learner.optimiser.state_dict()["state"][0]
    return found | {f"optimiser/{name}": value for name, value in moments.items()}


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


@pytest.fixture(scope="module")
def mixture(one_thread) -> DiffusionEngine:
    """200 steps on the mixture: the classifier knows its modes, the model is unconditional."""
    config = DiffusionConfig(
        steps=200, batch=128, classifier=True, warmup=20, ema=0.97, evaluate_every=200, seed=1
    )
    engine = DiffusionEngine(data_of(Source.named("mixture"), config), config)
    run(engine)
    return engine


def test_the_diffusion_learns_bit_for_bit_what_it_learns_without():
    engines = [DiffusionEngine(make_pictures(), c) for c in (WITH, replace(WITH, classifier=False))]
    events = [run(engine) for engine in engines]
    assert_same(state_of(engines[0].learner), state_of(engines[1].learner))
    assert torch.equal(*(engine.generator.get_state() for engine in engines))
    steps = [[e.scalars for e in each if isinstance(e, Stepped)] for each in events]
    for one, other in zip(*steps, strict=True):
        assert set(one) - set(other) == {"classifier/loss", "classifier/accuracy"}
        assert {name: one[name] for name in other} == other
    assert engines[1].naming is None
    assert engines[1].health().naming is None


def test_it_can_be_resumed_bit_for_bit(tmp_path):
    engines = [DiffusionEngine(make_pictures(), WITH) for _ in range(2)]
    run(engines[0])
    run(engines[1], until=2)
    engines[1].save_checkpoint(tmp_path)
    resumed = DiffusionEngine.resume(tmp_path, make_pictures())
    run(resumed)
    one, other = engines[0].naming, resumed.naming
    assert_same(state_of(one), state_of(other))
    assert torch.equal(one.generator.get_state(), other.generator.get_state())
    assert torch.equal(one.accuracy.errors.nan_to_num(-1), other.accuracy.errors.nan_to_num(-1))
    assert engines[0].health().naming.held_out == resumed.health().naming.held_out != ()
    with pytest.raises(InputError, match="began with classifier True, which cannot become False"):
        DiffusionEngine.resume(tmp_path, make_pictures(), replace(WITH, classifier=False))


def test_a_model_file_carries_it_and_draws_alike(tmp_path):
    engine = DiffusionEngine(make_pictures(), WITH)
    run(engine)
    write_model(engine.saved_model(), tmp_path / "m.safetensors")
    again = Artist.of(read_model(tmp_path / "m.safetensors"))
    wish = Wish(count=3, texts=("red", "0.5 blue + 0.5 green"), steps=2, classifier_guidance=3.0)
    samples = engine.artist().samples(wish)
    assert torch.equal(again.samples(wish), samples)
    assert again.notes(wish) == ()
    assert not torch.equal(again.samples(replace(wish, classifier_guidance=0.0)), samples)
    # With guidance without a classifier as well, and after further steps of the run.
    both = again.samples(replace(wish, guidance=2.0))
    assert not torch.equal(both, samples)
    shares = again.class_shares(wish)
    assert shares.tolist() == [[0, 0, 1], [0.5, 0.5, 0], [0, 0, 1]]
    path = tmp_path / "m.safetensors"
    path.write_bytes(path.read_bytes().replace(rb"\"classes\": [", rb"\"clasSes\": ["))
    with pytest.raises(InputError, match="incomplete or broken"):
        read_model(path)


def test_a_file_without_one_says_nothing_of_it(tmp_path):
    engine = DiffusionEngine(make_pictures(), replace(WITH, classifier=False))
    run(engine, until=1)
    write_model(engine.saved_model(), tmp_path / "m.safetensors")
    assert b"classifier" not in (tmp_path / "m.safetensors").read_bytes()
    model = read_model(tmp_path / "m.safetensors")
    assert model.classifier is None
    with pytest.raises(InputError, match="has no classifier, so none can guide it"):
        Artist.of(model).check(Wish(count=1, texts=("red",), classifier_guidance=1.0))


@pytest.mark.parametrize("data", ["captions", "nothing", "roll"])
def test_without_classes_there_is_a_sentence(data):
    found = data_of(Source.named("roll"), WITH) if data == "roll" else make_pictures(said=data)
    with pytest.raises(InputError, match=r"A classifier is asked for, but .* has no classes; sort"):
        run(DiffusionEngine(found, WITH))


def test_a_loss_that_is_not_finite_ends_the_run_before_anything_changes(monkeypatch):
    engine = DiffusionEngine(make_pictures(), WITH)
    run(engine, until=2)
    before = {name: t.clone() for name, t in state_of(engine.learner).items()}
    with torch.no_grad():
        engine.naming.weights.values[-1] = torch.nan
    *_, failed = run(engine)
    assert isinstance(failed, Failed)
    assert "loss of the classifier became non-finite at step 3" in failed.message
    assert_same(state_of(engine.learner), before)


def test_at_pure_noise_it_knows_how_frequent_classes_are_and_no_more():
    config = ClassifierConfig(classes=("a", "b", "c"), path="flow", height=8, width=8)
    numbers = torch.tensor([0, 0, 0, 1, NONE, NONE])
    learner = ClassifierLearner(config, QUICK, torch.device("cpu"), numbers)
    with torch.no_grad():
        learner.weights.values.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    end = learner.network(x, torch.ones(2)).exp()
    torch.testing.assert_close(end, torch.tensor([[0.6, 0.2, 0.2]] * 2))
    assert learner.chance == pytest.approx(0.6)
    assert not torch.allclose(learner.network(x, torch.full((2,), 0.5)).exp(), end)
    # What has no class teaches nothing.
    looked = learner.look(x, torch.tensor([NONE, NONE]), 1)
    assert not looked.gradient.any()
    assert looked.scalars == {"classifier/loss": 0.0}


def test_memory_is_foretold_with_it():
    network = DiffusionEngine(make_pictures(), WITH).network_config()
    config = ClassifierConfig(classes=("a", "b"), path="flow", height=8, width=8)
    plain, both = forecast(network, 8), forecast(network, 8, classifier=config)
    weights = sum(p.numel() for p in Classifier(config, torch.Generator()).parameters())
    assert both.parameters - plain.parameters == weights
    assert both.weights - plain.weights == 20 * weights
    assert both.step >= plain.step


def test_it_names_classes_the_better_the_less_noise_there_is(mixture):
    naming = mixture.health().naming
    assert naming.chance == pytest.approx(4 / 20, abs=0.01)
    assert min(naming.held_out[:2]) > 0.9
    assert naming.held_out[-1] == pytest.approx(naming.chance, abs=0.15)
    assert np.diff(naming.held_out).max() < 0.1
    assert naming.learnt[0] > 0.8


def test_it_leads_an_unconditional_model_to_a_class(mixture):
    artist, means = mixture.artist(), known_truth("mixture").means
    assert artist.vocabulary is None
    wish = Wish(count=200, texts=("mode 3",), steps=20, classifier_guidance=1.0)
    share = (torch.cdist(artist.samples(wish), means).argmin(1) == 2).float().mean()
    assert share > 0.7
    left = replace(wish, classifier_guidance=0.0)
    assert (torch.cdist(artist.samples(left), means).argmin(1) == 2).float().mean() < 0.4
    assert torch.equal(artist.samples(left), artist.samples(replace(left, texts=())))
    assert "ask for classifier guidance" in artist.notes(left)[0]
    assert "“mode 9”" in artist.notes(replace(wish, texts=("mode 9",)))[0]
    assert "needs a class to lead to" in artist.notes(replace(wish, texts=()))[0]
    with pytest.raises(InputError, match="classifier guidance is nan"):
        artist.check(replace(wish, classifier_guidance=float("nan")))


def test_the_field_of_points_shows_what_it_adds(mixture):
    artist, truth = mixture.artist(), known_truth("mixture")
    wish = Wish(count=100, texts=("mode 3",), steps=6, classifier_guidance=0.5)
    field = field_of(artist, wish, 0.5, truth=truth)
    plain = field_of(artist, replace(wish, classifier_guidance=0.0), 0.5, truth=truth)
    assert plain.pull is None
    x, y = field.places[..., 0], field.places[..., 1]
    near = (np.abs(x) < 0.9) & (y > 0) & (y < 0.9)  # where no estimate is clipped
    np.testing.assert_allclose((field.score - field.pull)[near], plain.score[near], atol=1e-3)
    true = (field.true_score - plain.true_score)[near]
    off = np.linalg.norm(field.pull[near] - true, axis=-1).mean()
    assert off < 0.5 * np.linalg.norm(true, axis=-1).mean(), "the true posterior's"
    # Several classes have no one field.
    assert field_of(artist, replace(wish, texts=("mode 1", "mode 3")), 0.5).pull is None
