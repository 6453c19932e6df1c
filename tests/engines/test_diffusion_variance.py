"""The learnt variance: bounds, loss and sampler are right, and without it nothing has changed."""

from dataclasses import replace

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from assets.errors import InputError
from engines.diffusion import DiffusionConfig, DiffusionEngine, train
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Capture
from engines.diffusion.data.toy import ToyPoints
from engines.diffusion.guidance import guided
from engines.diffusion.networks.choose import build
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.paths import PATHS, levels
from engines.diffusion.samplers import SAMPLERS, Step, ddpm, last, walk
from engines.diffusion.saved import read_model, write_model
from engines.diffusion.targets import TARGETS, Denoiser
from engines.diffusion.toys import ring_of_gaussians
from engines.diffusion.variance import (
    bounds,
    divergence,
    earlier,
    halves,
    log_range,
    normal_share,
    sigma,
)
from engines.events import Stepped
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.diffusion_nets import TINY_DIT, TINY_POINTS, TINY_UNET, inputs, stirred
from tests.engines.test_diffusion_engine import assert_same, run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")
LEARNED = replace(QUICK, variance="learned", steps=6)


def posterior(path, s, t, x0, x_t):
    """q(x_s | x_t, x0), from the product of the two normal densities of x_s."""
    (a_s, s_s), (ratio, spread) = path.at(s), path.transition(s, t)
    precision = 1 / s_s.square() + (ratio / spread).square()
    mean = (a_s * x0 / s_s.square() + ratio * x_t / spread.square()) / precision
    return Normal(mean, precision.rsqrt())


@pytest.mark.parametrize("name", sorted(PATHS))
def test_the_loss_is_the_divergence_of_the_step_that_the_sampler_makes(name):
    path, generator = PATHS[name](), torch.Generator().manual_seed(0)
    t = torch.tensor([0.004, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)
    s = earlier(t)
    assert ((s > 0) & (s < t)).all()
    x_t, x0, seen, v = torch.randn(4, 5, 1, generator=generator, dtype=torch.float64).unbind()
    # An error as large as there would be: what is far from it is not counted in full.
    seen = x0 + 0.5 * (seen - x0) / (1 + path.snr(t)[:, None]).sqrt()
    small, large = bounds(path, s, t)
    q, p = (posterior(path, s[:, None], t[:, None], each, x_t) for each in (x0, seen))
    torch.testing.assert_close(q.stddev.expand(5, 1), small[:, None])
    log = v * large[:, None].square().log() + (1 - v) * small[:, None].square().log()
    expected = kl_divergence(q, Normal(p.mean, (log / 2).exp()))
    torch.testing.assert_close(divergence(path, s, t, x0 - seen, v), expected)
    for i in range(5):
        torch.testing.assert_close(sigma(path, s[i], t[i], v[i]), (log[i] / 2).exp())


@pytest.mark.parametrize("name", sorted(PATHS))
@pytest.mark.parametrize("deviation", [1e-4, 0.5, 1.0])
def test_for_normal_data_the_best_share_is_known(name, deviation):
    """The bounds are those of one point and of N(0, I); between them the divergence is least."""
    path, t = PATHS[name](), torch.tensor([0.03, 0.4, 0.8], dtype=torch.float64)
    s = earlier(t)
    known = normal_share(path, s, t, deviation)
    limit = {1e-4: 0.0, 1.0: 1.0}.get(deviation)
    if limit is not None:
        torch.testing.assert_close(known, torch.full_like(t, limit), atol=2e-3, rtol=0)
    # Of the mean of x0 given x_t the squared error is c^2 s^2 / (a^2 c^2 + s^2).
    error = deviation / (1 + deviation**2 * path.snr(t)).sqrt()
    v = known[:, None].clone().requires_grad_()
    divergence(path, s, t, error[:, None], v).sum().backward()
    assert float(v.grad.abs().max()) < 1e-9
    (a, b), (ratio, _) = (path.at(s), path.at(t)), path.transition(s, t)
    spread_s, spread_t = ((c * deviation).square() + n.square() for c, n in (a, b))
    true = spread_s - (ratio * spread_s).square() / spread_t
    found = torch.stack([sigma(path, *each) for each in zip(s, t, known, strict=True)])
    torch.testing.assert_close(found.square(), true)


@pytest.mark.parametrize("name", sorted(PATHS))
@pytest.mark.parametrize("steps", [10, 20, 100])
def test_what_is_best_for_20_steps_serves_chains_from_10_on(name, steps):
    """Of the mixture, whose mean of x0 given x_t is known; in nats of each number of a chain."""
    path, mixture = PATHS[name](), ring_of_gaussians()
    generator = torch.Generator().manual_seed(0)
    places = mixture.sample(1_000, generator).places
    eps = torch.randn(places.shape, generator=generator)
    chain = levels(steps).square()
    s, t = chain[1:-1].double(), chain[:-2].double()
    noised = [path.noised(places, eps, each.float()) for each in t]
    seen = [mixture.estimate(x, each, path).x0 for x, each in zip(noised, t, strict=True)]
    square = torch.stack([(x0 - places).double().square().mean() for x0 in seen])

    def best(s: torch.Tensor) -> torch.Tensor:
        gain = path.snr(s) - path.snr(t)
        return torch.log1p(gain * square) / log_range(path, s, t)

    def costs(v: torch.Tensor) -> float:
        apart = (best(s) - v) * log_range(path, s, t)
        return float((apart.exp() - 1 - apart).sum() / 2)

    assert costs(best(earlier(t))) < 0.015
    assert costs(torch.zeros_like(t)) > 1
    assert costs(torch.ones_like(t)) > 0.015


@pytest.mark.parametrize("target", ["velocity", "x0"])
def test_what_is_learnt_of_normal_data_is_near_the_truth(target, monkeypatch):
    small_net = NetworkConfig(kind="points", features=32, depth=1)
    monkeypatch.setattr(train, "preset", lambda name, **about: small_net)
    generator = torch.Generator().manual_seed(0)
    data = ToyPoints(name="normal", places=0.3 * torch.randn(4_000, 2, generator=generator))
    config = DiffusionConfig(
        target=target, variance="learned", steps=200, batch=128, warmup=10, rate=1e-2, holdout=0
    )
    engine = DiffusionEngine(data, config)
    events = run(engine)
    artist, path = engine.artist(), engine.learner.path
    t = torch.tensor(0.2)
    places = path.noised(data.places[:500], torch.randn(500, 2, generator=generator), t)
    found = artist.denoiser(Wish(count=500))(places, t).v
    s = earlier(t)
    small, large = bounds(path, s, t)
    true = sigma(path, s, t, normal_share(path, s, t, 0.3))
    assert float(large / small) > 1.3, "so that something is tested"
    assert float(sigma(path, s, t, found).mean() / true) == pytest.approx(1, abs=0.06)
    told = [e.scalars["vlb"] for e in events if isinstance(e, Stepped)]
    assert sum(told[-20:]) < 0.8 * sum(told[:20])
    learnt = engine.health().variance
    assert learnt.shares[1] == pytest.approx(learnt.normal[1], abs=0.25)
    assert learnt.large[1] > learnt.small[1] > 0


def test_the_bound_teaches_only_variances_through_the_mean():
    """The simple loss is as it was, and the mean is not pulled at by the bound."""
    engine = DiffusionEngine(make_pictures(), LEARNED)
    learner = engine.ready()
    with torch.no_grad():
        learner.network.project.weight.normal_(generator=torch.Generator().manual_seed(0))
    x0 = make_pictures().batch(slice(0, 4))
    eps, t = torch.randn(x0.shape), torch.tensor([0.2, 0.4, 0.6, 0.8])
    condition = engine.vocabulary.encode(["red"] * 4).condition
    judged = learner.judged(learner.network, x0, eps, t, condition)
    judged.bound.sum().backward()
    rows = learner.network.project.weight.grad.view(6, -1).abs().sum(1)
    assert rows[:3].sum() == 0
    assert (rows[3:] > 0).all()


class Says:
    """A network that says the same x0 and v wherever it is asked."""

    def __init__(self, x0: float, v: float | None) -> None:
        self.x0, self.v = x0, v

    def __call__(self, x, t, condition=None, /):
        mean = torch.full_like(x, self.x0)
        return mean if self.v is None else torch.cat([mean, torch.full_like(x, self.v)], 1)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_ancestral_sampling_adds_what_was_learnt(name):
    path, t, s = PATHS[name](), torch.tensor(0.5).double(), torch.tensor(0.3).double()
    x = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))

    def step(v: float | None, **options) -> torch.Tensor:
        denoise = Denoiser(Says(0.1, v), path, "x0")
        generator = torch.Generator().manual_seed(1)
        (moment, *_) = walk(ddpm, denoise, x, torch.tensor([t, 0.0]), generator=generator)
        return ddpm(Step(denoise, moment, s, None, generator), **options)

    assert torch.equal(step(0.7, variance="small"), step(None))
    small, large = bounds(path, s, t)
    # Where the mean is, no noise leads; what is added is as wide as the bound for N(0, I).
    added = step(0.7, variance="large") - step(None, variance="small")
    assert float(added.std()) == pytest.approx(float(large - small), rel=0.02)
    for v in (0.0, 0.5, 1.0, 1.4):
        wider = (step(v) - step(None)).std() / small + 1
        expected = (v * log_range(path, s, t) / 2).exp()
        assert float(wider) == pytest.approx(float(expected), rel=0.02)


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"ddpm"}))
def test_other_samplers_do_not_read_it(sampler):
    found = [
        last(
            walk(
                SAMPLERS[sampler],
                Denoiser(Says(0.1, v), PATHS["flow"](), "x0"),
                torch.ones(3, 2),
                levels(4),
                generator=torch.Generator().manual_seed(0),
            )
        )
        for v in (None, 3.0)
    ]
    assert torch.equal(*found)


def test_guidance_mixes_the_mean_alone():
    from engines.diffusion.condition import NOTHING, Condition

    def net(x, t, condition=None, /):
        said = condition.tokens[:, :1].to(x.dtype).expand(x.shape)
        return torch.cat([said, 10 * said], 1)

    tokens = torch.tensor([[2], [5]])
    model = guided(net, Condition(tokens, torch.ones_like(tokens, dtype=torch.bool)), 3.0)
    mean, v = halves(model(torch.zeros(2, 2), torch.zeros(2)), torch.zeros(2, 2))
    assert mean[:, 0].tolist() == [4 * 2 - 3 * NOTHING, 4 * 5 - 3 * NOTHING]
    assert v[:, 0].tolist() == [20.0, 50.0]


@pytest.mark.parametrize("config", [TINY_DIT, TINY_UNET, TINY_POINTS], ids=lambda c: c.kind)
def test_every_network_can_say_it(config, tmp_path):
    """As many outputs again; the first half, capture, edits and files are as without."""
    plain, more = (
        build(replace(config, variance=on), torch.Generator().manual_seed(0))
        for on in (False, True)
    )
    x, t, condition = inputs(config)
    assert torch.equal(more(x, t, condition)[:, : x.shape[1]], plain(x, t, condition))
    network = stirred(replace(config, variance=True))
    capture = Capture()
    prediction = network(x, t, condition, capture=capture)
    assert prediction.shape == (len(x), 2 * x.shape[1], *x.shape[2:])
    assert torch.equal(network(x, t, condition), prediction)
    assert config.kind == "points" or capture.kept
    from engines.diffusion.saved import SavedModel
    from engines.diffusion.words import Vocabulary

    saved = SavedModel(
        name="tiny",
        network=network,
        vocabulary=Vocabulary(tuple("abcdefg")),
        diffusion={"path": "flow", "target": "velocity"},
    )
    write_model(saved, tmp_path / "m.safetensors")
    artist = Artist.of(read_model(tmp_path / "m.safetensors"))
    wishes = [Wish(count=2, steps=3, sampler=name, texts=("a b",), guidance=2.0)
              for name in SAMPLERS]  # fmt: skip
    wishes += [replace(wishes[0], sampler="ddpm", texts=("0.5 a + 0.5 c",))]
    if config.kind != "points":
        image = torch.full((8, 12, 3), 90, dtype=torch.uint8).numpy()
        hole = torch.zeros(8, 12, dtype=torch.bool).numpy()
        hole[2:5] = True
        wishes += [replace(wishes[-1], image=image, hole=part) for part in (None, hole)]
    for wish in wishes:
        drawn = artist.samples(wish)
        assert drawn.shape == (2, *artist.shape)
        assert torch.isfinite(drawn).all()


def test_runs_that_learn_it_go_on_exactly_and_others_do_not_begin_to(tmp_path):
    whole, part = (DiffusionEngine(make_pictures(), LEARNED) for _ in range(2))
    run(whole)
    run(part, until=3)
    part.save_checkpoint(tmp_path)
    resumed = DiffusionEngine.resume(tmp_path, make_pictures())
    assert torch.equal(
        resumed.learner.shares.errors.nan_to_num(-1), part.learner.shares.errors.nan_to_num(-1)
    )
    run(resumed)
    assert_same(whole, resumed)
    shares = [engine.learner.shares.errors.nan_to_num(-1) for engine in (whole, resumed)]
    assert torch.equal(*shares)
    fixed = replace(LEARNED, variance="fixed")
    with pytest.raises(InputError, match="began with variance learned, which cannot become fixed"):
        DiffusionEngine.resume(tmp_path, make_pictures(), fixed)


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("target", TARGETS)
def test_errors_of_any_size_leave_the_loss_finite(path, target):
    """At the ends of the path, where what is predicted says next to nothing of x0 or all."""
    engine = DiffusionEngine(make_pictures(), replace(LEARNED, path=path, target=target))
    learner = engine.ready()
    with torch.no_grad():
        learner.network.project.weight.normal_(generator=torch.Generator().manual_seed(0))
    x0 = make_pictures().batch(slice(0, 3))
    t = torch.tensor([1e-5, 0.5, 1.0])
    condition = engine.vocabulary.encode(["red"] * 3).condition
    judged = learner.judged(learner.network, x0, torch.randn(x0.shape), t, condition)
    assert torch.isfinite(judged.bound).all()
    judged.bound.sum().backward()
    assert torch.isfinite(learner.weights.take_gradient()).all()
