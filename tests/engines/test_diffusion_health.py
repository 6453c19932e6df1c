"""What is said of a run's health is right for every path and target, and said once."""

from dataclasses import replace

import pytest
import torch

from engines.diffusion import DiffusionConfig, DiffusionEngine, train
from engines.diffusion.artist import Wish
from engines.diffusion.data.toy import make_toy
from engines.diffusion.health import BINS, EARLY, OUTLIER, Levels, Yardsticks, remarks
from engines.diffusion.paths import PATHS
from engines.diffusion.targets import TARGETS, prediction_of
from engines.diffusion.toys import ring_of_gaussians
from engines.diffusion.weighting import TIMINGS, draw_times
from engines.events import Stepped, Told, Warned
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")


def told(*, deviation: float = 0.5, **changes) -> tuple[str, ...]:
    well = {
        "step": 2_000,
        "levels": torch.full((BINS,), 0.1),
        "known": Yardsticks(deviation, torch.ones(BINS), torch.full((BINS,), 0.8)),
        "lag": 0.01,
        "non_finite": 0.0,
        "rate": 1e-3,
    }
    return tuple(remark.words for remark in remarks(**(well | changes)))


def test_the_health_says_what_is_off():
    assert told() == told(non_finite=None) == ()
    assert "only 60 steps are done" in told(step=60, levels=torch.full((BINS,), 0.9))[0]
    for step in (60, 2_000):
        (grows,) = told(step=step, levels=torch.full((BINS,), 1.5))
        assert "1.5 times" in grows
        assert "lower the learning rate of 0.001" in grows, "patience does not help"
    assert "raise the learning rate" in told(levels=torch.full((BINS,), 0.8))[0]
    assert "50% of the numbers" in told(non_finite=0.5)[0]
    assert "standard deviation of 0.01" in told(deviation=0.01)[0]
    assert "20% behind" in told(lag=0.2)[0]
    assert told(levels=torch.full((BINS,), torch.nan)) != (), "nothing known is not all well"
    both = told(non_finite=0.5, levels=torch.full((BINS,), 1.5))
    assert "not finite" in both[0], "the gravest first"


def test_levels_are_kept_apart():
    levels = Levels()
    levels.take(torch.tensor([0.05, 0.05, 0.95, 1.0]), torch.tensor([1.0, 3.0, 5.0, 7.0]))
    assert levels.errors[0] == 2.0
    assert levels.errors[9] == 6.0
    assert levels.errors[1:9].isnan().all()
    levels.take(torch.tensor([0.05]), torch.tensor([102.0]))
    assert float(levels.errors[0]) == pytest.approx(0.98 * 2 + 0.02 * 102)
    assert levels.errors[9] == 6.0


def test_one_batch_that_goes_wrong_is_soon_forgotten_and_many_are_seen():
    levels, t = Levels(outlier=OUTLIER), torch.tensor([0.05])
    levels.take(t, torch.tensor([1.0]))
    levels.take(t, torch.tensor([1e8]))
    assert float(levels.errors[0]) == pytest.approx(0.98 + 0.02 * OUTLIER)
    for _ in range(150):
        levels.take(t, torch.tensor([1e8]))
    assert levels.errors[0] > 1e7


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", sorted(PATHS))
def test_the_best_network_is_well_and_one_that_answers_0_is_not(path, target, timing):
    generator = torch.Generator().manual_seed(0)
    x0 = make_toy("mixture").places
    eps = torch.randn(x0.shape, generator=generator)
    t = draw_times(timing, len(x0), generator)
    way = PATHS[path]()
    wanted = prediction_of(target, way, t, x0, eps)
    best = ring_of_gaussians().model(way, target)(way.noised(x0, eps, t), t)
    known = Yardsticks.of(way, target, x0[:2_048], draw_times(timing, 50_000, generator))

    def said(prediction: torch.Tensor, step: int = EARLY) -> tuple[str, ...]:
        levels = Levels()
        levels.take(t, (prediction - wanted).square().mean(1))
        return told(levels=levels.errors, known=known, step=step)

    assert said(best) == ()
    (words,) = said(best, step=EARLY - 1)
    assert "still rough" in words, "nor is it called noise"
    nothing = torch.zeros_like(wanted)
    (words,) = said(nothing)
    assert "raise the learning rate of 0.001" in words
    (words,) = said(nothing, step=EARLY - 1)
    assert "Samples are noise" in words
    (words,) = said(-2 * wanted)
    assert "lower the learning rate" in words


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", sorted(PATHS))
def test_the_yardsticks_are_what_their_answers_lose(path, target):
    """The linear one is that of normal data, of which it is the best answer there is."""
    generator = torch.Generator().manual_seed(1)
    way, count = PATHS[path](), 200_000
    x0 = 0.3 + 0.7 * torch.randn(count, 1, generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    t = draw_times("uniform", count, generator)
    known = Yardsticks.of(way, target, x0, t)
    assert known.deviation == pytest.approx(0.7, rel=0.01)
    x, wanted = way.noised(x0, eps, t), prediction_of(target, way, t, x0, eps)
    a, s = (part[:, None] for part in way.at(t))
    mean = 0.3 + a * 0.49 / (a**2 * 0.49 + s**2) * (x - a * 0.3)
    linear = prediction_of(target, way, t, mean, (x - a * mean) / s)
    for answer, expected in ((torch.zeros_like(x), known.untrained), (linear, known.linear)):
        levels = Levels()
        levels.take(t, (answer - wanted).square().mean(1))
        torch.testing.assert_close(levels.errors, expected, rtol=0.06, atol=1e-4)


def test_the_mixtures_score_is_learnt():
    config = DiffusionConfig(
        steps=300, batch=128, rate=5e-3, warmup=20, ema=0.95, holdout=0, evaluate_every=10_000
    )
    engine = DiffusionEngine(make_toy("mixture", 4_000), config)
    list(engine.run())
    mixture, path = ring_of_gaussians(), engine.learner.path
    x0 = mixture.sample(2_000, torch.Generator().manual_seed(1)).places
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(2))
    denoise = engine.artist().denoiser(Wish())
    for level, bound in ((0.2, 0.45), (0.3, 0.25), (0.5, 0.1)):
        t = torch.tensor(level)
        x = path.noised(x0, eps, t)
        score = mixture.score(x, t, path)
        apart = -denoise(x, t).eps / path.at(t)[1] - score
        # The score of one normal distribution is 0.86, 0.60 and 0.11 of its length apart.
        assert float(apart.norm() / score.norm()) < bound


def test_what_is_off_is_told_once_at_an_evaluation():
    quick = replace(QUICK, steps=12, evaluate_every=3)
    engine = DiffusionEngine(make_pictures(), quick)
    events = list(engine.run())
    early = [e for e in events if isinstance(e, Told) and "Samples are noise" in e.message]
    assert [e.message for e in early] == [
        "Samples are noise because only 3 steps are done; shapes show after some hundred"
    ]
    alike = make_pictures()
    alike.images[:] = 100
    grave = [e.message for e in DiffusionEngine(alike, quick).run() if isinstance(e, Warned)]
    assert len(grave) == 1
    assert "standard deviation of" in grave[0]


def test_the_deviation_is_that_of_all_classes(monkeypatch):
    """Images are sorted by class: the first ones may all be alike."""
    monkeypatch.setattr(train, "MEASURED", 40)
    pictures = make_pictures(200, said="nothing")
    pictures.images[:100] = 128
    engine = DiffusionEngine(pictures, replace(QUICK, holdout=0))
    next(e for e in engine.run() if isinstance(e, Stepped))
    whole = float(pictures.batch(slice(0, 200)).std())
    assert engine.health().deviation == pytest.approx(whole, rel=0.4)


def test_numbers_that_are_not_finite_are_counted_in_raw_samples_too():
    engine = DiffusionEngine(make_pictures(), QUICK)
    going = engine.run()
    next(e for e in going if isinstance(e, Stepped))
    assert engine.health().non_finite is None, "nothing was drawn yet"
    engine.sheet()
    assert engine.health().non_finite == 0
    with torch.no_grad():
        engine.learner.network.project.weight.fill_(torch.nan)
    engine.sheet()
    health = engine.health()
    assert health.non_finite == 0.5
    assert "50% of the numbers in the samples" in health.sentences[0]
