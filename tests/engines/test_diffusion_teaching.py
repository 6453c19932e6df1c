"""A student of few steps: pairs are the teacher's own, and what is learnt from them is better."""

from dataclasses import replace

import pytest
import torch

from assets.errors import InputError
from engines.diffusion import DiffusionConfig, DiffusionEngine, train
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.config import student_config
from engines.diffusion.data.toy import make_toy
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.saved import read_model, write_model
from engines.diffusion.targets import TARGETS
from engines.diffusion.teaching import (
    BARE,
    Teaching,
    compared,
    in_steps,
    make_pairs,
    write_comparison,
)
from engines.diffusion.toys import ring_of_gaussians
from engines.events import Stepped, Warned
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.test_diffusion_engine import assert_same, run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def teacher(one_thread, tmp_path_factory):
    """A small model of the mixture that draws well in many steps and badly in one."""
    path = tmp_path_factory.mktemp("teacher") / "mixture.safetensors"
    config = DiffusionConfig(steps=200, batch=128, warmup=10, rate=1e-2, holdout=0)
    with pytest.MonkeyPatch.context() as patch:
        small = NetworkConfig(kind="points", features=32, depth=2)
        patch.setattr(train, "preset", lambda name, **about: small)
        engine = DiffusionEngine(make_toy("mixture", 4_000), config)
        run(engine)
    write_model(engine.saved_model(), path)
    return path


@pytest.fixture(scope="module")
def worded(one_thread, tmp_path_factory):
    """Models of images that learnt classes and captions for a moment."""
    folder, found = tmp_path_factory.mktemp("worded"), {}
    for said in ("classes", "captions"):
        engine = DiffusionEngine(make_pictures(said=said), replace(QUICK, steps=2))
        run(engine)
        found[said] = folder / f"{said}.safetensors"
        write_model(engine.saved_model(), found[said])
    return found


def energy_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'|, 0 only for equal distributions (Szekely, Rizzo 2013)."""
    return float(2 * torch.cdist(x, y).mean() - torch.cdist(x, x).mean() - torch.cdist(y, y).mean())


def test_one_step_of_the_student_is_nearer_to_the_truth_than_one_of_the_teacher(teacher):
    pairs = make_pairs(Teaching(model=teacher, pairs=1_000, steps=12))
    engine = DiffusionEngine(pairs, student_config(steps=150, batch=128, rate=4e-3))
    run(engine)
    found = compared(engine.held_out, engine.artist())
    before, after = found.apart("teacher"), found.apart("student")
    assert after[1] < 0.1 * before[1]
    assert after[2] < 0.5 * before[2]
    noise = torch.randn(1_500, 2, generator=torch.Generator().manual_seed(5))
    true = ring_of_gaussians().sample(1_500, torch.Generator().manual_seed(6)).places
    texts = ("",) * len(noise)
    far = [
        energy_distance(in_steps(artist, noise, texts, 1), true)
        for artist in (Artist.of(pairs.teacher), engine.artist())
    ]
    assert far[1] < 0.2 * far[0]


def test_pairs_are_what_the_teacher_makes_of_the_noise(worded):
    teaching = Teaching(model=worded["classes"], pairs=40, sampler="euler", steps=3, guidance=1.0)
    pairs = make_pairs(teaching)
    assert pairs.x0.shape == pairs.noise.shape == (40, 3, 8, 8)
    assert abs(float(pairs.noise.std()) - 1) < 0.05
    assert pairs.texts[:4] == ("blue", "green", "red", "blue")
    assert pairs.texts[BARE - 1] == ""
    artist = Artist.of(read_model(worded["classes"]))
    again = in_steps(artist, pairs.noise[:20], pairs.texts[:20], 3, guidance=1.0)
    torch.testing.assert_close(again, pairs.x0[:20])
    other = make_pairs(replace(teaching, seed=1))
    assert not torch.equal(other.noise, pairs.noise)
    assert len(pairs.noise.flatten(1).unique(dim=0)) == 40


def test_the_student_begins_as_the_teacher_and_learns_from_pairs_alone(teacher):
    pairs = make_pairs(Teaching(model=teacher, pairs=64, steps=2))
    engine = DiffusionEngine(pairs, student_config(steps=1, holdout=0, batch=16))
    learner = engine.ready()
    for name, weight in pairs.teacher.network.state_dict().items():
        assert torch.equal(learner.network.state_dict()[name], weight), name
    batch = engine._batch_of(engine.train, torch.tensor([3, 5]))
    assert torch.equal(batch.x0, pairs.x0[[3, 5]])
    assert torch.equal(batch.noise, pairs.noise[[3, 5]])
    seen = []
    judged = learner.judged
    learner.judged = lambda network, x0, eps, t, *rest: (
        seen.append((eps, t)) or judged(network, x0, eps, t, *rest)
    )
    learner.learn(batch, 1)
    ((eps, t),) = seen
    assert torch.equal(eps, batch.noise)
    assert t[0] == 1
    assert t[1] < 1


@pytest.mark.parametrize("target", TARGETS)
def test_any_model_can_teach_also_one_with_variances(target, tmp_path):
    config = replace(QUICK, steps=1, path="linear", target=target, variance="learned", fit="pad")
    engine = DiffusionEngine(make_pictures(), config)
    run(engine)
    write_model(engine.saved_model(), tmp_path / "m.safetensors")
    pairs = make_pairs(Teaching(model=tmp_path / "m.safetensors", pairs=32, steps=2))
    student = DiffusionEngine(pairs, student_config(steps=1, batch=8))
    events = run(student)
    assert any(isinstance(event, Stepped) for event in events)
    (warned,) = [e.message for e in events if isinstance(e, Warned)][:1]
    assert f"The teacher learnt {target} on the path linear" in warned
    saved = student.saved_model()
    assert saved.network.config == replace(engine.saved_model().network.config, variance=False)
    assert (saved.diffusion["path"], saved.diffusion["target"]) == ("flow", "velocity")
    assert saved.trained["teacher"] == "colours"
    assert saved.trained["fit"] == "pad", "the teacher's, whose images those are"


def test_a_student_goes_on_exactly_and_only_with_its_teacher(worded, tmp_path):
    model = tmp_path / "teacher.safetensors"
    model.write_bytes(worded["classes"].read_bytes())
    config = student_config(steps=5, batch=8, evaluate_every=2)
    teaching = Teaching(model=model, pairs=32, steps=2)
    whole, part = (DiffusionEngine(make_pairs(teaching), config) for _ in range(2))
    run(whole)
    run(part, until=2)
    part.save_checkpoint(tmp_path / "kept")
    resumed = DiffusionEngine.resume(tmp_path / "kept")
    run(resumed)
    assert_same(whole, resumed)
    model.write_bytes(worded["captions"].read_bytes())
    with pytest.raises(InputError, match="is not the model that this student began with"):
        DiffusionEngine.resume(tmp_path / "kept")
    model.unlink()
    with pytest.raises(InputError, match="does not exist"):
        DiffusionEngine.resume(tmp_path / "kept")


def test_captions_are_those_on_the_card_or_those_that_are_given(worded, tmp_path):
    kept = make_pairs(Teaching(model=worded["captions"], pairs=16, steps=1))
    assert set(kept.texts) == {"", "a red square", "a green square", "a blue square"}
    given = Teaching(model=worded["captions"], pairs=16, steps=1, captions=("a red blue",))
    assert set(make_pairs(given).texts) == {"", "a red blue"}
    saved = read_model(worded["captions"])
    del saved.trained["captions"]
    write_model(saved, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match=r"keeps none; name a file .* --captions FILE.txt"):
        make_pairs(Teaching(model=tmp_path / "m.safetensors"))


def test_what_cannot_teach_is_refused(teacher):
    with pytest.raises(InputError, match="3 pairs are too few"):
        make_pairs(Teaching(model=teacher, pairs=3))
    with pytest.raises(InputError, match="ddpm draws something else from the same noise"):
        make_pairs(Teaching(model=teacher, sampler="ddpm"))  # pyright: ignore
    with pytest.raises(InputError, match=r"100,000,000,000 pairs would need 1,600\.0 GB"):
        make_pairs(Teaching(model=teacher, pairs=10**11))
    with pytest.raises(InputError, match="0 steps cannot be drawn"):
        make_pairs(Teaching(model=teacher, steps=0))


def test_both_are_shown_side_by_side(worded, teacher, tmp_path):
    from PIL import Image

    for model in (worded["classes"], teacher):
        pairs = make_pairs(Teaching(model=model, pairs=20, steps=2))
        found = compared(pairs, Artist.of(read_model(model)), most=6)
        assert found.teacher[1].shape == found.shown.shape
        write_comparison(tmp_path / "c.png", found, pairs.name)
        with Image.open(tmp_path / "c.png") as picture:
            assert picture.width > 1_500, "four in a row"
    wish = Wish(count=4, sampler="euler", steps=1)
    assert Artist.of(read_model(teacher)).samples(wish).shape == (4, 2)
