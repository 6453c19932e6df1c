"""The whole run of a diffusion model: it learns, repeats itself, goes on, and fails politely."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.errors import InputError
from engines.diffusion import DiffusionConfig, DiffusionEngine, train, words
from engines.diffusion.artifacts import Sheet
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.config import Schedule
from engines.diffusion.data.folder import read_image_folder
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.data.toy import make_toy
from engines.diffusion.health import BINS
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.paths import PATHS
from engines.diffusion.saved import read_model, write_model
from engines.diffusion.targets import TARGETS
from engines.diffusion.train import Health
from engines.diffusion.weighting import TIMINGS, WEIGHTINGS
from engines.events import Failed, Finished, Judged, Stepped, Told, Warned
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")


def state_of(engine: DiffusionEngine) -> dict[str, torch.Tensor]:
    """Everything that is learnt, copied."""
    learner = engine.learner
    found = {f"network/{n}": t for n, t in learner.network.state_dict().items()}
    found |= {f"ema/{n}": t for n, t in learner.ema.network.state_dict().items()}
    for i, moments in learner.optimiser.state_dict()["state"].items():
        found |= {f"optimiser/{i}/{name}": value for name, value in moments.items()}
    found |= {"levels": learner.levels.errors, "random": engine.generator.get_state()}
    return {name: tensor.clone() for name, tensor in found.items()}


def assert_same(one: DiffusionEngine, other: DiffusionEngine) -> None:
    mine, theirs = state_of(one), state_of(other)
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert torch.equal(tensor.nan_to_num(-1.0), theirs[name].nan_to_num(-1.0)), name
    assert (one.step, one.learner.ema.step) == (other.step, other.learner.ema.step)


@pytest.fixture(scope="module")
def learnt(one_thread) -> DiffusionEngine:
    """A run of 160 steps on twelve images of three classes."""
    engine = DiffusionEngine(
        make_pictures(),
        replace(QUICK, steps=160, batch=16, rate=1e-3, warmup=20, evaluate_every=40),
    )
    run(engine)
    return engine


def test_it_learns(learnt: DiffusionEngine):
    steps = [e for e in learnt.history if isinstance(e, Stepped)]
    assert [e.step for e in steps] == list(range(1, 161))
    losses = [e.scalars["loss"] for e in steps]
    assert np.mean(losses[-30:]) < 0.4 * np.mean(losses[:5])
    assert steps[-1].scalars["lr"] < 0.1 * max(e.scalars["lr"] for e in steps)
    judged = [e for e in learnt.history if isinstance(e, Judged)]
    assert [e.step for e in judged] == [40, 80, 120, 160]
    assert all(e.images == 3 for e in judged)
    assert judged[-1].loss < 0.75 * judged[0].loss
    assert isinstance(learnt.history[-1], Finished)
    told, early, *_ = [e.message for e in learnt.history if isinstance(e, Told)]
    assert "only 40 steps are done" in early
    needs = learnt.needs().total / 1e6
    assert "learn 9 images with 3 classes, 3 held out; " in told
    assert f"weights and steps take about {needs:.0f} MB of memory" in told


def test_samples_show_what_was_asked_for(learnt: DiffusionEngine):
    samples = learnt.artist().samples(replace_texts(learnt, ("red", "green", "blue")))
    colours = samples[:, :, :, 5:].mean((2, 3))
    assert colours.argmax(1).tolist() == [0, 1, 2]


def replace_texts(engine: DiffusionEngine, texts: tuple[str, ...]):
    return replace(engine.wish(), count=len(texts), texts=texts, steps=10)


TINY = NetworkConfig(height=8, width=8, features=8, depth=1, heads=2, tokens=5)
WAYS = [
    (path, target, *list(product(TIMINGS, WEIGHTINGS))[(i + j) % 4])
    for i, path in enumerate(sorted(PATHS))
    for j, target in enumerate(TARGETS)
]
"""Every path with every target, and both with each timing and weighting but one at most."""


def resumes_exactly(config: DiffusionConfig, folder: Path) -> None:
    """Three steps at once end where one, a checkpoint and two more end."""
    engines = [DiffusionEngine(make_pictures(), config) for _ in range(2)]
    run(engines[0])
    run(engines[1], until=1)
    engines[1].save_checkpoint(folder)
    resumed = DiffusionEngine.resume(folder, make_pictures())
    run(resumed)
    assert_same(engines[0], resumed)
    assert engines[0].step == 3
    assert np.isfinite([e.loss for e in engines[0].history if isinstance(e, Judged)]).all()


@pytest.mark.parametrize(("path", "target", "timing", "weighting"), WAYS)
def test_every_way_to_learn_can_be_resumed(path, target, timing, weighting, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "preset", lambda name, **about: TINY)
    ways = {"path": path, "target": target, "timing": timing, "weighting": weighting}
    resumes_exactly(replace(QUICK, steps=3, **ways), tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"precision": "mixed"}, {"network": "unet laptop"}, {"network": "mmdit laptop"}],
)
def test_so_can_other_numbers_and_networks(change, tmp_path):
    config = replace(QUICK, steps=3, **change)
    resumes_exactly(config, tmp_path)
    assert Schedule(config).is_mixed("cpu") is (config.precision == "mixed")


def test_the_curves_can_be_compared(monkeypatch):
    """What is shown of a step and of held-out images is the plain mean at the same levels."""
    timings = []
    draw = train.draw_times

    def noted(timing, *given, **options):
        timings.append(timing)
        return draw(timing, *given, **options)

    monkeypatch.setattr(train, "draw_times", noted)
    plain, weighed = (
        DiffusionEngine(
            make_pictures(),
            replace(QUICK, steps=1, target="noise", timing="logit_normal", weighting=weighting),
        )
        for weighting in ("uniform", "min_snr")
    )
    shown = [
        [e.scalars for e in run(engine) if isinstance(e, Stepped)] for engine in (plain, weighed)
    ]
    assert shown[0][0]["loss"] == shown[1][0]["loss"] == pytest.approx(1, abs=0.1)
    assert shown[0][0]["gradient"] != shown[1][0]["gradient"], "it is learnt from all the same"
    assert set(timings) == {"logit_normal"}


@pytest.mark.parametrize("said", ["nothing", "classes", "captions"])
def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path, said):
    config = replace(QUICK, flip=True)
    whole = DiffusionEngine(make_pictures(said=said), config)
    run(whole)
    part = DiffusionEngine(make_pictures(said=said), config)
    run(part, until=7)
    part.save_checkpoint(tmp_path / "saved")
    resumed = DiffusionEngine.resume(tmp_path / "saved", make_pictures(said=said))
    assert_same(part, resumed)
    assert (resumed.step, resumed.config) == (7, config)
    run(resumed)
    assert_same(whole, resumed)
    told = [
        [(type(e), getattr(e, "scalars", None), getattr(e, "loss", None)) for e in engine.history]
        for engine in (whole, resumed)
    ]
    assert [e for e in told[0] if e[0] in (Stepped, Judged)] == [
        e for e in told[1] if e[0] in (Stepped, Judged)
    ]


def test_nobody_who_looks_changes_the_run():
    alone = DiffusionEngine(make_pictures(), QUICK)
    run(alone)
    watched = DiffusionEngine(make_pictures(), replace(QUICK, sample_seconds=0.0))
    for event in watched.run():
        watched.slots.want(Sheet)
        watched.slots.want(Health)
        if isinstance(event, Stepped):
            watched.evaluate()
            watched.saved_model()
    assert_same(alone, watched)


def test_images_are_found_again_where_they_were(tmp_path):
    from PIL import Image

    for i, image in enumerate(make_pictures(6).images):
        folder = tmp_path / "data" / ("a" if i % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{i}.png")
    source = Source.named(str(tmp_path / "data"))
    engine = DiffusionEngine(data_of(source, QUICK), QUICK)
    run(engine, until=2)
    engine.save_checkpoint(tmp_path / "kept")
    resumed = DiffusionEngine.resume(tmp_path / "kept")
    assert torch.equal(resumed.train.images, engine.train.images)
    with pytest.raises(InputError, match=r"has 12 images and the run in .* learnt from 6"):
        DiffusionEngine.resume(tmp_path / "kept", make_pictures())
    for path in (tmp_path / "data" / "a").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="has 3 images and the run"):
        DiffusionEngine.resume(tmp_path / "kept")


def test_what_makes_a_run_what_it_is_cannot_change_on_the_way(tmp_path):
    engine = DiffusionEngine(make_pictures(), QUICK)
    with pytest.raises(InputError, match="nothing to save"):
        engine.save_checkpoint(tmp_path / "kept")
    run(engine, until=1)
    engine.save_checkpoint(tmp_path / "kept")
    longer = replace(QUICK, steps=20, rate=1e-4)
    assert DiffusionEngine.resume(tmp_path / "kept", make_pictures(), longer).config == longer
    for name, value in {
        "path": "cosine",
        "network": "unet laptop",
        "size": 16,
        "fit": "pad",
        "seed": 3,
    }.items():
        change = {name: value}
        with pytest.raises(InputError, match=f"began with {name} .* cannot become"):
            DiffusionEngine.resume(tmp_path / "kept", make_pictures(), replace(QUICK, **change))


@pytest.mark.parametrize("said", ["classes", "captions"])
def test_a_run_goes_on_only_with_the_words_that_it_began_with(tmp_path, said):
    """As many of them is not enough: the numbers of the tokens would mean others."""
    data = make_pictures(said=said)
    engine = DiffusionEngine(data, QUICK)
    run(engine, until=1)
    engine.save_checkpoint(tmp_path / "kept")
    for texts in (
        tuple(text.replace("red", "amber") for text in data.texts),
        tuple(text.replace("red", "blue") for text in data.texts),
        tuple(text.replace("red", "red red") for text in data.texts),
    ):
        with pytest.raises(InputError, match=r"captions or classes of colours are not those"):
            DiffusionEngine.resume(tmp_path / "kept", replace(data, texts=texts))
    with pytest.raises(InputError, match=r"captions or classes of colours are not those"):
        DiffusionEngine.resume(tmp_path / "kept", replace(data, said="nothing"))
    assert DiffusionEngine.resume(tmp_path / "kept", data).step == 1


@pytest.mark.parametrize("harm", ["cut", "gone", "json", "version", "engine", "weights"])
def test_broken_checkpoints_are_refused_in_words(tmp_path, harm):
    engine = DiffusionEngine(make_pictures(), QUICK)
    run(engine, until=1)
    folder = tmp_path / "kept"
    engine.save_checkpoint(folder)
    state, about = folder / "state.safetensors", folder / "checkpoint.json"
    known = json.loads(about.read_text())
    match harm:
        case "cut":
            state.write_bytes(state.read_bytes()[:-100])
        case "gone":
            state.unlink()
        case "json":
            about.write_text("{")
        case "version":
            about.write_text(json.dumps(known | {"version": 2}))
        case "engine":
            about.write_text(json.dumps(known | {"engine": "splats"}))
        case "weights":
            other = DiffusionEngine(make_pictures(said="nothing"), QUICK)
            run(other, until=1)
            other.save_checkpoint(tmp_path / "other")
            state.write_bytes((tmp_path / "other" / "state.safetensors").read_bytes())
    with pytest.raises(InputError) as raised:
        DiffusionEngine.resume(folder, make_pictures())
    assert "resume from another" in str(raised.value) or harm in ("version", "engine")


@pytest.mark.parametrize("poison", ["data", "rate"])
def test_what_is_not_finite_stops_the_run_with_its_last_good_state(poison, monkeypatch, tmp_path):
    engine = DiffusionEngine(make_pictures(), replace(QUICK, clip=0, warmup=0))
    going = engine.run()
    for event in going:
        if isinstance(event, Stepped) and event.step == 4:
            break
    if poison == "data":
        spoilt = torch.full((8, 3, 8, 8), float("nan"))
        monkeypatch.setattr(type(engine.train), "batch", lambda self, rows: spoilt)
    else:
        # A step so large that what the network says overflows; its loss is not finite.
        with torch.no_grad():
            engine.learner.network.project.weight += 1e30
    before = state_of(engine)
    rest = list(going)
    assert isinstance(rest[-1], Failed)
    assert rest[-1].step == engine.step == 4
    assert "non-finite at step 5; the state of step 4 is kept" in rest[-1].message
    assert not any(isinstance(event, Stepped) for event in rest)
    after = state_of(engine)
    for name in before.keys() - {"random"}:
        assert torch.equal(before[name].nan_to_num(-1.0), after[name].nan_to_num(-1.0)), name
    engine.save_checkpoint(tmp_path / "kept")
    assert (tmp_path / "kept" / "checkpoint.json").exists()


def test_held_out_images_are_judged_alike_every_time(learnt: DiffusionEngine):
    first, second = learnt.evaluate(), learnt.evaluate()
    assert first == second
    last = [e for e in learnt.history if isinstance(e, Judged)][-1]
    assert first.loss == last.loss
    kept, held = learnt.train.images.flatten(1), learnt.held_out.images.flatten(1)
    assert len(kept) + len(held) == 12
    assert not (kept[:, None] == held[None]).all(-1).any(), "held-out images are not learnt"
    none = DiffusionEngine(make_pictures(), replace(QUICK, holdout=0, steps=2))
    assert not any(isinstance(e, Judged) for e in run(none))


def test_the_average_is_what_is_judged(learnt: DiffusionEngine):
    before = learnt.evaluate()
    kept = [p.clone() for p in learnt.learner.network.parameters()]
    with torch.no_grad():
        for parameter in learnt.learner.network.parameters():
            parameter.zero_()
    assert learnt.evaluate() == before
    with torch.no_grad():
        for parameter, value in zip(learnt.learner.network.parameters(), kept, strict=True):
            parameter.copy_(value)


def test_sheets_and_health_are_made_only_when_wanted(monkeypatch):
    config = replace(QUICK, sample_seconds=0.0)
    drawn = []
    snapshot = train.Artist.snapshot
    monkeypatch.setattr(
        train.Artist, "snapshot", lambda *a, **k: drawn.append(1) or snapshot(*a, **k)
    )
    run(DiffusionEngine(make_pictures(), config))
    assert not drawn
    engine = DiffusionEngine(make_pictures(), config)
    engine.slots.want(Sheet)
    engine.slots.want(Health)
    run(engine, until=3)
    sheet, health = engine.slots.take(Sheet), engine.slots.take(Health)
    assert (sheet.step, health.step) == (1, 1)
    assert len(drawn) == 1, "one wish is one sheet"
    assert sheet.averaged.shape == sheet.raw.shape == (3, 8, 8, 3)
    assert sheet.averaged.dtype == np.uint8
    assert sheet.texts == ("blue", "green", "red")
    assert len(health.levels) == len(health.untrained) == BINS
    assert any(level == level for level in health.levels)
    assert health.gradient > 0
    assert health.deviation == pytest.approx(float(engine.train.batch(slice(0, 9)).std()))


def test_a_sheet_waits_for_its_time_and_the_last_one_does_not():
    engine = DiffusionEngine(make_pictures(), replace(QUICK, sample_seconds=1e6))
    seen = []
    for event in engine.run():
        engine.slots.want(Sheet)
        if (sheet := engine.slots.take(Sheet)) is not None:
            seen.append((sheet.step, type(event)))
    assert [step for step, _ in seen] == [1, 12]


def test_points_are_learnt_and_drawn():
    config = DiffusionConfig(
        steps=150, batch=256, warmup=10, rate=3e-3, holdout=0.1, evaluate_every=75, samples=200
    )
    engine = DiffusionEngine(make_toy("moons", 2_000), config)
    events = run(engine)
    judged = [e for e in events if isinstance(e, Judged)]
    assert judged[-1].images == 200
    losses = [e.scalars["loss"] for e in events if isinstance(e, Stepped)]
    assert np.mean(losses[-20:]) < 0.75 * np.mean(losses[:3])
    samples = engine.artist().samples(replace(engine.wish(), count=400, steps=15))
    distance = torch.cdist(samples, engine.held_out.places).min(dim=1).values
    apart = torch.cdist(torch.randn(400, 2), engine.held_out.places).min(dim=1).values
    assert distance.median() < 0.5 * apart.median()


def test_a_time_limit_ends_the_run():
    engine = DiffusionEngine(make_pictures(), replace(QUICK, steps=10**6, seconds=0.05))
    end = run(engine)[-1]
    assert isinstance(end, Finished)
    assert "s are over" in end.reason
    assert 0 < engine.step < 1_000


def test_notes_on_the_data_are_told_once(tmp_path):
    from PIL import Image

    Image.new("RGB", (9, 9), (200, 0, 0)).save(tmp_path / "a.png")
    engine = DiffusionEngine(read_image_folder(tmp_path, 8), replace(QUICK, steps=2))
    warned = [e.message for e in run(engine) if isinstance(e, Warned)]
    assert warned == ["There is only one image, so the model can only learn it by heart"]


def test_words_that_are_not_read_are_told_at_the_start(monkeypatch):
    monkeypatch.setattr(words, "MOST_WORDS", 3)
    data = make_pictures(said="captions")
    long = " ".join(["a"] * 40)
    data = replace(data, texts=(long, "rare words", *data.texts[2:]))
    engine = DiffusionEngine(data, QUICK)
    warned = [e.message for e in run(engine, until=1) if isinstance(e, Warned)]
    unknown, cut = warned
    assert unknown.startswith("The captions have 7 different words, of which the 3 most frequent")
    assert "“rare”" in unknown
    assert cut.startswith("1 caption is longer than 32 words")
    assert engine.learner.network.config.longest == 32
    plain = DiffusionEngine(make_pictures(), QUICK)
    assert not [e for e in run(plain, until=1) if isinstance(e, Warned)]


def test_long_captions_have_a_place_for_every_word():
    caption = " ".join(f"w{i:02d}" for i in range(20))
    data = make_pictures(said="captions")
    long = DiffusionEngine(replace(data, texts=(caption,) * 12), QUICK)
    run(long, until=1)
    assert long.learner.network.words.places.weight.shape[0] == 20
    assert DiffusionEngine(data, QUICK).network_config().longest == 16


def test_a_model_says_what_guidance_and_long_captions_come_to(tmp_path):
    wish = Wish(texts=("a red square",), guidance=2.0)
    for drop, said in ((0.0, "learnt nothing without words"), (0.1, None)):
        engine = DiffusionEngine(make_pictures(said="captions"), replace(QUICK, drop=drop))
        engine.ready()
        write_model(engine.saved_model(), tmp_path / "m.safetensors")
        for artist in (engine.artist(), Artist.of(read_model(tmp_path / "m.safetensors"))):
            notes = artist.notes(wish)
            assert [said in note for note in notes] == [True] if said else notes == ()
            assert artist.notes(replace(wish, guidance=0.0)) == ()
            (cut,) = artist.notes(Wish(texts=("a red square a",)))
            assert cut == "Only the first 3 words of a caption are read"


def test_a_run_without_held_out_images_says_so():
    few = run(DiffusionEngine(make_pictures(4), replace(QUICK, holdout=0.05)))
    (warned,) = [e.message for e in few if isinstance(e, Warned)]
    assert warned.startswith("4 images are too few to hold any of them out")
    assert not any(isinstance(e, Judged) for e in few)
    ten = run(DiffusionEngine(make_pictures(10), replace(QUICK, holdout=0.05)))
    assert [e.images for e in ten if isinstance(e, Judged)] == [1, 1, 1]
    assert not any(isinstance(e, Warned) for e in ten)
    asked = run(DiffusionEngine(make_pictures(4), replace(QUICK, holdout=0)))
    assert not any(isinstance(e, Warned) for e in asked)


def test_there_is_nothing_to_draw_before_the_run():
    engine = DiffusionEngine(make_pictures(), QUICK)
    assert engine.evaluate() is None
    assert engine.amount == {}
    with pytest.raises(InputError, match="no model yet; start it first"):
        engine.artist()


def test_images_that_a_network_cannot_cut_are_refused():
    engine = DiffusionEngine(make_pictures(size=10), replace(QUICK, network="dit small"))
    with pytest.raises(InputError, match="10x10 pixels cannot be cut into parts of 4"):
        next(e for e in engine.run() if isinstance(e, Stepped))


def test_one_image_is_told_of_as_one():
    pictures = make_pictures(1, said="nothing")
    told = [e.message for e in run(DiffusionEngine(pictures, QUICK)) if isinstance(e, Told)]
    assert any("weights learn 1 image;" in words for words in told)
