"""Diffusion among latents: the autoencoder, its space, and what goes on as among pixels."""

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from assets.errors import InputError
from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.artifacts import Sheet
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.data.pictures import to_bytes, to_network
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.data.toy import make_toy
from engines.diffusion.film import pictures_of
from engines.diffusion.latent import stage
from engines.diffusion.latent.autoencoder import FACTORS, Autoencoder, AutoencoderConfig
from engines.diffusion.latent.learner import AutoencoderLearner, decibels, there_and_back
from engines.diffusion.latent.posterior import Posterior
from engines.diffusion.latent.shape import latent_shape
from engines.diffusion.latent.space import LatentSpace, mosaic
from engines.diffusion.memory import amount_of
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.saved import read_model, write_model
from engines.events import (
    Failed,
    Judged,
    Marked,
    Reconstructed,
    StageBegan,
    Stepped,
    Told,
    Warned,
)
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

LATENT = replace(QUICK, latent="4", size=16, steps=8, autoencoder=0.5, evaluate_every=3)
TINY = NetworkConfig(height=4, width=4, channels=4, features=8, depth=1, heads=2, patch=1, tokens=5)
CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _small():
    """The layers of a laptop, a quarter as wide."""
    made = stage.autoencoder_for

    def narrow(*given, **about):
        return replace(made(*given, **about), features=8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "autoencoder_for", narrow)
        yield


@pytest.fixture
def tiny(monkeypatch):
    """The least network that denoises latents of 16x16 pixels."""
    monkeypatch.setattr("engines.diffusion.train.preset", lambda name, **about: TINY)


def numbers() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture(scope="module")
def learnt(one_thread) -> tuple[AutoencoderLearner, torch.Tensor, float]:
    """An autoencoder that has learnt small shapes, other shapes, and its dB before."""
    made = [to_network(make_shapes(96, seed=seed).pictures.images) for seed in (0, 1)]
    images, others = (F.avg_pool2d(part, 2) for part in made)
    generator = numbers()
    autoencoder = Autoencoder(AutoencoderConfig(factor=4, features=8), generator)
    before = float(decibels(others, there_and_back(autoencoder, others)).mean())
    config = DiffusionConfig(latent="4", size=16, steps=120, autoencoder=0.5)
    learner = AutoencoderLearner(autoencoder, config, CPU, generator)
    for step in range(1, 61):
        rows = torch.randint(len(images), (12,), generator=generator)
        learner.learn(images[rows], step)
    return learner, others, before


def test_the_divergence_is_that_of_normal_distributions():
    told = torch.randn(3, 8, 2, 5, generator=numbers())
    posterior = Posterior.of(told)
    exact = Normal(posterior.mean, (0.5 * posterior.log_variance).exp())
    assert torch.allclose(
        posterior.divergence(), kl_divergence(exact, Normal(0.0, 1.0)).sum((1, 2, 3)), rtol=1e-5
    )
    assert Posterior.of(torch.zeros(2, 8, 3, 3)).divergence().tolist() == [0.0, 0.0]
    drawn = posterior.sample(torch.ones_like(posterior.mean))
    assert torch.allclose(drawn, exact.mean + exact.stddev)


@pytest.mark.parametrize("factor", FACTORS)
def test_latents_are_as_many_times_smaller_as_the_factor_says(factor):
    autoencoder = Autoencoder(AutoencoderConfig(factor=factor, colours=1, features=8), numbers())
    images = torch.rand(2, 1, 16, 32, generator=numbers())
    latents = autoencoder.posterior(images).mean
    assert latents.shape == (2, 4, 16 // factor, 32 // factor)
    assert autoencoder.decode(latents).shape == images.shape
    with pytest.raises(ValueError, match=r"A factor of 3 .* choose one of 2, 4, 8"):
        AutoencoderConfig(factor=3)


def test_images_come_back_better_and_better(learnt):
    learner, others, before = learnt
    assert float(decibels(others, there_and_back(learner.autoencoder, others)).mean()) > before + 6
    assert decibels(others[:1], others[:1] + 0.2).item() == pytest.approx(20.0, abs=1e-3)


def test_latents_have_unit_scale_and_the_way_back_undoes_it(learnt):
    learner, others, _ = learnt
    space = LatentSpace.measured(learner.autoencoder, others, psnr=20.0, held_out=True)
    latents = space.encode(others)
    assert float(latents.square().mean()) == pytest.approx(1.0, abs=1e-4)
    assert latents.mean((0, 2, 3)).tolist() == pytest.approx([0.0] * 4, abs=1e-4)
    assert float(latents.abs().max()) == pytest.approx(space.bound, rel=1e-4)
    straight = there_and_back(learner.autoencoder, others)
    assert torch.allclose(space.decode(latents).clamp(-1, 1), straight, atol=1e-4)
    again = LatentSpace.of(json.loads(json.dumps(space.about())), learner.autoencoder.state_dict())
    assert torch.equal(again.decode(latents), space.decode(latents))


def test_the_channels_of_latents_lie_side_by_side():
    latents = torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 2, 3) * 2 / 4
    picture = mosaic(latents, 4)
    assert picture.shape == (1, 1, 8, 12)
    assert picture[0, 0, ::4, ::6].tolist() == [[0.0, 0.25], [0.5, 0.75]]
    assert picture[0, 0, :4, :6].unique().tolist() == [0.0]


@pytest.mark.parametrize(("until", "precision"), [(2, "full"), (4, "mixed"), (7, "mixed")])
def test_a_run_resumed_in_either_stage_equals_the_uninterrupted_one(
    until, precision, tmp_path, tiny
):
    """In the first stage, at its very end, and in the second."""
    config = replace(LATENT, flip=True, precision=precision)
    whole, part = (DiffusionEngine(make_pictures(size=16), config) for _ in range(2))
    run(whole)
    run(part, until=until)
    part.save_checkpoint(tmp_path / "kept")
    resumed = DiffusionEngine.resume(tmp_path / "kept", make_pictures(size=16))
    assert (resumed.step, resumed.first.space is None) == (until, until <= 4)
    run(resumed)
    networks = (engine.learner.ema.network.parameters() for engine in (whole, resumed))
    assert all(torch.equal(one, other) for one, other in zip(*networks, strict=True))
    assert whole.first.space.about() == resumed.first.space.about()
    mine, theirs = (e.first.space.autoencoder.state_dict() for e in (whole, resumed))
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())
    for kind, what in ((Stepped, "scalars"), (Judged, "loss"), (Reconstructed, "psnr")):
        told = [
            [getattr(e, what) for e in engine.history if isinstance(e, kind)]
            for engine in (whole, resumed)
        ]
        assert told[0] == told[1]
        assert told[0]
    with pytest.raises(InputError, match="began with latent 4, which cannot become off"):
        DiffusionEngine.resume(
            tmp_path / "kept", make_pictures(size=16), replace(config, latent="off")
        )


def test_the_run_says_which_stage_it_is_in_and_what_the_first_one_came_to(tiny, monkeypatch):
    remarked = []
    monkeypatch.setattr(
        "engines.diffusion.train.remarks", lambda *, step, **_: remarked.append(step) or ()
    )
    engine = DiffusionEngine(make_pictures(size=16), LATENT)
    events = run(engine)
    stages = [(e.step, e.name, e.number) for e in events if isinstance(e, StageBegan)]
    assert stages == [(0, "autoencoder", 1), (4, "diffusion", 2)]
    steps = [e.scalars for e in events if isinstance(e, Stepped)]
    keys = [("autoencoder" in scalars, "loss" in scalars) for scalars in steps]
    assert keys == [(True, False)] * 4 + [(False, True)] * 4
    rates = [scalars["lr"] for scalars in steps]
    assert rates[3] < rates[1] > rates[0], "each stage has a rise and a fall of its own"
    assert rates[7] < rates[5] > rates[4]
    assert [e.step for e in events if isinstance(e, Reconstructed)] == [3, 4]
    assert [e.step for e in events if isinstance(e, Judged)] == [6, 8]
    assert [e.label for e in events if isinstance(e, Marked)] == ["diffusion"]
    (blurred,) = [e.message for e in events if isinstance(e, Warned)]
    assert blurred.startswith("The autoencoder blurs images")
    engine.first.space = replace(engine.first.space, psnr=31.26)
    assert engine.first.verdict().message.startswith("Held-out images come back from the auto")
    assert "31.3 dB, which is the ceiling" in engine.first.verdict().message
    assert remarked == [2, 4], "steps of the autoencoder taught the network nothing"


def test_a_time_limit_is_shared_by_both_stages(tiny, monkeypatch):
    ticks = itertools.count()  # two to a step, which takes a second by that clock
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr("engines.diffusion.train.time", clock)
    engine = DiffusionEngine(
        make_pictures(size=16), replace(LATENT, steps=10**6, seconds=10, evaluate_every=10**6)
    )
    run(engine)
    assert (engine.first.steps, engine.first.seconds) == (5, 5.0)
    assert (engine.step, engine.seconds) == (10, 10.0)


def test_while_the_autoencoder_learns_a_sheet_shows_images_and_what_became_of_them(tiny):
    engine = DiffusionEngine(make_pictures(size=16), replace(LATENT, samples=6))
    engine.slots.want(Sheet)
    run(engine, until=1)
    sheet = engine.slots.take(Sheet)
    assert sheet.pairs
    assert sheet.averaged.shape == (6, 16, 16, 3)
    held = {image.permute(1, 2, 0).numpy().tobytes() for image in engine.held_out.images}
    assert {image.tobytes() for image in sheet.averaged[::2]} == held
    assert not held & {image.tobytes() for image in sheet.averaged[1::2]}
    with pytest.raises(InputError, match="The autoencoder is learnt first"):
        engine.artist()
    engine.slots.want(Sheet)
    run(engine, until=5)
    samples = engine.slots.take(Sheet)
    assert not samples.pairs
    assert samples.averaged.shape == (6, 16, 16, 3)


def test_mirrored_images_have_latents_of_their_own(tiny):
    engine = DiffusionEngine(make_pictures(size=16), replace(LATENT, flip=True))
    run(engine)
    rows = torch.arange(3)
    latents = engine.first.latents(engine.train, rows, mirrored=True)
    flipped = engine.first.space.encode(engine.train.batch(rows).flip(3))
    assert torch.allclose(latents, flipped, atol=1e-5)
    assert not torch.allclose(latents, engine.first.latents(engine.train, rows).flip(3), atol=1e-3)


def test_off_is_off(tmp_path):
    plain, other = (
        DiffusionEngine(make_pictures(), config)
        for config in (QUICK, replace(QUICK, autoencoder=0.7, divergence=0.1))
    )
    for engine in (plain, other):
        run(engine)
    pairs = zip(plain.learner.network.parameters(), other.learner.network.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    assert plain.first is None
    plain.save_checkpoint(tmp_path / "kept")
    assert "latent" not in json.loads((tmp_path / "kept" / "checkpoint.json").read_text())
    write_model(plain.saved_model(), tmp_path / "m.safetensors")
    assert read_model(tmp_path / "m.safetensors").space is None
    assert b"latent space" not in (tmp_path / "m.safetensors").read_bytes()


@pytest.fixture(scope="module")
def engine(one_thread, _small) -> DiffusionEngine:
    """A run among latents that has come to its end, with the network of a laptop."""
    made = DiffusionEngine(make_pictures(size=16, said="captions"), LATENT)
    run(made)
    return made


def test_a_model_file_holds_the_autoencoder_and_its_card_names_it(engine, tmp_path):
    path = tmp_path / "m.safetensors"
    write_model(engine.saved_model(), path)
    saved = read_model(path)
    assert saved.shape == (3, 16, 16)
    about = saved.space.about()
    assert about == engine.first.space.about()
    assert (about["autoencoder"]["factor"], about["held_out"]) == (4, True)
    assert f'\\"psnr\\": {about["psnr"]}'.encode() in path.read_bytes(), "a person can read it"
    wish = Wish(count=2, texts=("a red square",), steps=3, guidance=1.0)
    assert torch.equal(Artist.of(saved).samples(wish), engine.artist().samples(wish))
    state = dict(engine.saved_model().space.autoencoder.state_dict())
    state.pop("decoder.0.weight")
    with pytest.raises(RuntimeError, match="decoder"):
        LatentSpace.of(about, state)


def test_samples_and_their_way_are_images(engine):
    artist = engine.artist()
    assert (artist.shape, artist.noise_shape) == ((3, 16, 16), (4, 4, 4))
    wish = Wish(count=2, texts=("a red square",), steps=3)
    strokes = list(artist.draw(wish))
    for what in ("x", "x0", "eps", "latent"):
        assert strokes[1].bytes_of(what).shape == (2, 16, 16, 3)
        assert np.array_equal(strokes[1].picture(what, 1), strokes[1].bytes_of(what)[1])
    decoded = to_bytes(artist.samples(wish)).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(strokes[-1].bytes_of("x"), decoded)
    assert not np.array_equal(strokes[1].bytes_of("x"), strokes[1].bytes_of("latent"))
    assert len(pictures_of(strokes[1], 0)) == 4
    assert artist.kept_bytes(wish) == 2 * 4 * (3 * 4 * 64 + 768)
    assert strokes[1].x0.abs().max() <= artist.space.bound + 1e-4


def test_an_edit_begins_at_the_latents_of_an_image_and_what_is_kept_stays(engine):
    artist = engine.artist()
    image = engine.train.images[0].permute(1, 2, 0).numpy()
    wish = Wish(count=2, image=image, strength=0.0, steps=4)
    same = artist.samples(wish)
    space = artist.space
    back = space.decode(space.encode(engine.train.batch(slice(0, 1))))
    assert torch.allclose(same, back.expand_as(same), atol=1e-5)
    assert artist.samples(replace(wish, strength=0.6)).shape == (2, 3, 16, 16)
    hole = np.zeros((16, 16), bool)
    hole[3:6, 9:11] = True
    end = list(artist.draw(replace(wish, hole=hole)))[-1]
    filled = end.bytes_of("x")
    assert np.array_equal(filled[:, ~hole], np.stack([image[~hole]] * 2)), "bit for bit"
    assert not np.array_equal(filled[0, hole], image[hole])
    anew = (end.x != space.encode(engine.train.batch(slice(0, 1)))).any(1)[0]
    assert anew.nonzero().tolist() == [[0, 2], [1, 2]], "every place of which a pixel is missing"
    with pytest.raises(InputError, match="this model draws 16x16 pixels of 3 channels"):
        artist.check(replace(wish, image=image[:4, :4]))


def test_words_are_taught_where_their_things_are_on_the_image(monkeypatch):
    engine = DiffusionEngine(
        make_shapes(24).pictures, replace(LATENT, size=32, steps=3, batch=4, holdout=0.2)
    )
    events = run(engine)
    steps = [e.scalars for e in events if isinstance(e, Stepped)]
    assert ["grounding" in scalars for scalars in steps] == [False, False, True]
    assert engine.learner.network.config.grid == (8, 8), "a token for each place of the latents"


def test_what_cannot_be_made_latents_of_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"20x20 .* 1/8 .* multiple of 8, or another factor"):
        latent_shape("dit laptop", 8, 20, 20)
    with pytest.raises(InputError, match="multiple of 8, or"):
        latent_shape("unet laptop", 4, 20, 20)
    assert latent_shape("dit base", 8, 64, 48) == (4, 8, 6)
    odd = DiffusionEngine(make_pictures(size=10), replace(LATENT, size=16))
    with pytest.raises(InputError, match="Images of 10x10 pixels cannot become latents"):
        run(odd)
    with pytest.raises(InputError, match="multiple of 32"):
        data_of(Source(folder=tmp_path), replace(LATENT, size=48, network="unet base"))
    with pytest.raises(InputError, match="Points have no latent space; set it to off"):
        run(DiffusionEngine(make_toy("moons", 50), replace(QUICK, latent="2")))
    with pytest.raises(ValueError, match="needs at least 2 steps"):
        replace(LATENT, steps=1)


def test_the_memory_of_the_larger_stage_is_said_before_the_first(engine):
    stages = engine.first.forecast(engine.batch, "cpu"), engine.needs()
    most = amount_of(max(needs.total for needs in stages))
    told = [e.message for e in engine.history if isinstance(e, Told)]
    assert told[0].endswith(f" of the run; weights and steps take about {most} of memory")


def test_memory_is_told_for_both_stages(engine, monkeypatch, tiny):
    first = engine.first
    needs = first.forecast(8, "cpu")
    assert needs.parameters == sum(p.numel() for p in first.space.autoencoder.parameters())
    assert needs.size == (16, 16)
    assert first.forecast(16, "cpu").step == pytest.approx(2 * needs.step, abs=2)
    assert engine.needs().latents == 12 * 4 * 64
    monkeypatch.setattr("engines.diffusion.latent.run.free_bytes", lambda device: needs.total - 1)
    with pytest.raises(InputError, match="This run would need about"):
        run(DiffusionEngine(make_pictures(size=16), LATENT))


def test_an_autoencoder_that_is_not_finite_stops_the_run(monkeypatch, tiny):
    engine = DiffusionEngine(make_pictures(size=16), LATENT)
    run(engine, until=2)
    spoilt = torch.full((8, 3, 16, 16), float("nan"))
    monkeypatch.setattr(type(engine.train), "batch", lambda self, rows: spoilt)
    failed = run(engine)[-1]
    assert isinstance(failed, Failed)
    assert "non-finite at step 3; the state of step 2 is kept" in failed.message


def test_factors_and_orders_go_together(tiny):
    """Every factor has patches of one place as long as there are 64 of them."""
    from engines.diffusion.networks.config import preset

    for (side, patch), name in itertools.product({8: 1, 16: 2, 4: 1}.items(), ["dit laptop"]):
        assert preset(name, height=side, width=side, channels=4, latent=True).patch == patch
    assert preset("dit base", height=32, width=32, channels=4, latent=True).patch == 2
    assert preset("unet laptop", height=32, width=32, latent=True).attention == (False, True)
