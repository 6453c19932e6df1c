"""`train diffusion` and `sample` as a person types them: what they leave behind and say."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from engines.commands import driving
from engines.diffusion import DiffusionConfig, learner, train
from engines.diffusion.config import GUIDANCE
from engines.diffusion.saved import read_model
from engines.settings import fields_of
from main import main
from tests.conftest import ROOT
from tests.engines.diffusion_data import make_pictures, one_thread

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = ["--size", "8", "--batch", "8", "--warmup", "2", "--holdout", "0.25", "--samples", "5",
         "--sample-steps", "2", "--evaluate-every", "3"]  # fmt: skip


def write_images(folder: Path, said: str, count: int = 12) -> Path:
    """`count` images in folders of their class, or with captions beside them."""
    pictures = make_pictures(count, said=said)
    for i, (image, text) in enumerate(zip(pictures.images, pictures.texts, strict=True)):
        place = folder / text if said == "classes" else folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f"{i:02d}.png")
        if said == "captions":
            (place / f"{i:02d}.txt").write_text(text)
    return folder


def learn(data: Path | str, out: Path, *more: object) -> int:
    options = [str(word) for word in more]
    return main(["train", "diffusion", str(data), "--out", str(out), *QUICK, *options])


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("cli") / "Höhle mit Licht", "classes")


@pytest.fixture(scope="module")
def whole(one_thread, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of an uninterrupted run of 8 steps on classes."""
    folder = tmp_path_factory.mktemp("whole")
    assert learn(images, folder / "a.safetensors", "--steps", 8, "--report", folder / "r.json",
                 "--grid", folder / "g.png", "--checkpoint", folder / "kept") == 0  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def captioned(one_thread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that learnt captions for two steps."""
    folder = tmp_path_factory.mktemp("captions")
    data = write_images(folder / "data", "captions")
    assert learn(data, folder / "a.safetensors", "--steps", 2) == 0
    return folder / "a.safetensors"


@pytest.fixture(scope="module")
def plain(one_thread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of points, which is unconditional."""
    path = tmp_path_factory.mktemp("points") / "p.safetensors"
    assert main(["train", "diffusion", "moons", "--out", str(path), "--steps", "2",
                 "--batch", "16", "--grid", str(path.with_suffix(".png"))]) == 0  # fmt: skip
    return path


def draw(model: Path, out: Path, *more: object) -> int:
    words = ["sample", model, "--out", out, "--steps", "2", "--count", "4", *more]
    return main([str(word) for word in words])


def test_a_run_leaves_a_model_samples_and_a_full_report(whole: Path, images: Path):
    model = read_model(whole / "a.safetensors")
    assert model.vocabulary.words == ("blue", "green", "red")
    assert model.trained["steps"] == 8
    assert model.diffusion["drop"] == 0.1
    assert model.trained["held_out"] == {
        "images": 3,
        "loss": pytest.approx(json.loads((whole / "r.json").read_text())["judged"]["loss"]),
        "step": 8,
    }
    usual = {"weighting": "uniform", "timing": "uniform", "fit": "crop", "flip": False, "seed": 0}
    assert {name: model.trained[name] for name in usual} == usual
    assert model.trained["rate"] > 0, "what automatic came to"
    assert model.trained["shift"] == 2
    report = json.loads((whole / "r.json").read_text(encoding="utf-8"))
    assert (report["status"], report["message"]) == ("finished", "8 steps done")
    assert report["data"] == {"name": images.name, "images": 12, "held_out": 3}
    assert report["settings"]["size"] == 8
    assert report["judged"]["step"] == 8
    assert report["judged"]["images"] == 3
    assert report["judged"]["loss"] > 0
    assert report["parameters"] == sum(p.numel() for p in model.network.parameters())
    kinds = [event["kind"] for event in report["history"]]
    assert kinds.count("Stepped") == 8
    assert kinds.count("Judged") == 3
    assert kinds[-1] == "Finished"
    with Image.open(whole / "g.png") as grid:
        assert grid.size == (3 * 9 - 1, 2 * 9 - 1)
    assert (whole / "kept" / "checkpoint.json").exists()


def test_the_health_of_a_run_is_said_and_reported(images: Path, whole: Path, tmp_path, capsys):
    health = json.loads((whole / "r.json").read_text(encoding="utf-8"))["health"]
    assert health["step"] == 8
    assert len(health["levels"]) == len(health["untrained"]) == 10
    assert health["gradient"] > 0
    assert 0 < health["lag"] < 1
    assert health["deviation"] > 0.1
    assert health["non_finite"] is None, "no samples were drawn on the way"
    assert health["sentences"][0].startswith("Samples are noise because only 8 steps are done")
    dull = tmp_path / "dull"
    dull.mkdir()
    for i in range(6):
        Image.new("RGB", (8, 8), (90, 90, 90)).save(dull / f"{i}.png")
    report = tmp_path / "r.json"
    assert learn(dull, tmp_path / "a.safetensors", "--steps", 7, "--report", report) == 0
    said = capsys.readouterr().err
    assert said.count("The data have a standard deviation of") == 1, "once, not at each look"
    assert said.count("Samples are noise because only 3 steps are done") == 1
    known = json.loads(report.read_text(encoding="utf-8"))
    told = [e["message"] for e in known["history"] if e["kind"] in ("Warned", "Told")]
    assert known["health"]["sentences"][0] in told


def test_a_resumed_run_equals_the_whole_one(whole: Path, images: Path, tmp_path: Path):
    kept = tmp_path / "kept"
    assert learn(images, tmp_path / "half.safetensors", "--steps", 8, "--seconds", 1e-6,
                 "--checkpoint", kept) == 0  # fmt: skip
    assert read_model(tmp_path / "half.safetensors").trained["steps"] == 1
    words = ["train", "diffusion", "--resume", kept, "--seconds", 0,
             "--out", tmp_path / "b.safetensors"]  # fmt: skip
    assert main([str(word) for word in words]) == 0, "without DATA the images are found again"
    tensors = []
    for path in (whole / "a.safetensors", tmp_path / "b.safetensors"):
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            tensors.append({name: file.get_tensor(name) for name in names})
    # Before the first step no time had passed, so that the limit did not change its rate.
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])


def test_checkpoints_are_left_on_the_way(images, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(driving, "CHECKPOINT_EVERY_S", 0.0)
    save = train.DiffusionEngine.save_checkpoint
    monkeypatch.setattr(
        train.DiffusionEngine,
        "save_checkpoint",
        lambda engine, folder: saved.append(engine.step) or save(engine, folder),
    )
    out = tmp_path / "a.safetensors"
    assert learn(images, out, "--steps", 3, "--checkpoint", tmp_path / "kept") == 0
    assert saved == [1, 2, 3, 3]


@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
def test_who_asks_for_the_end_gets_what_was_learned(images, tmp_path):
    out, kept = tmp_path / "a.safetensors", tmp_path / "kept"
    run = subprocess.Popen(
        [sys.executable, ROOT / "main.py", "train", "diffusion", images, *QUICK, "--steps",
         "900000", "--out", out, "--checkpoint", kept],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "NUMBA_NUM_THREADS": "1"},
    )  # fmt: skip
    with run:
        for line in run.stderr:
            if line.startswith("step "):
                run.send_signal(signal.SIGINT)
                break
        said, complained = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "what was learned is kept" in complained
    assert f"Wrote {out}" in said
    assert 1 <= read_model(out).trained["steps"] < 900_000
    assert (kept / "checkpoint.json").exists()


def test_a_failed_run_keeps_its_last_good_state(images, tmp_path, monkeypatch, capsys):
    judged = learner.Learner.judged
    calls = []

    def spoiled_at_the_third(self, network, *given):
        found = judged(self, network, *given)
        calls.extend([1] * network.training)
        return replace(found, errors=found.errors * (float("nan") if len(calls) == 3 else 1))

    monkeypatch.setattr(learner.Learner, "judged", spoiled_at_the_third)
    out, kept = tmp_path / "a.safetensors", tmp_path / "kept"
    assert learn(images, out, "--steps", 8, "--checkpoint", kept) == 1
    assert "non-finite at step 3; the state of step 2 is kept" in capsys.readouterr().err
    model = read_model(out)
    assert model.trained["steps"] == 2
    assert all(torch.isfinite(p).all() for p in model.network.parameters())
    assert json.loads((kept / "checkpoint.json").read_text())["step"] == 2


def test_bundled_shapes_are_learnt(tmp_path, monkeypatch):
    from engines.diffusion.data.shapes import source as shapes

    monkeypatch.setattr(shapes, "make_shapes", lambda make=shapes.make_shapes: make(40))
    out = tmp_path / "s.safetensors"
    assert main(["train", "diffusion", "shapes", "--out", str(out), "--steps", "1",
                 "--batch", "4"]) == 0  # fmt: skip
    assert "circle" in read_model(out).vocabulary.words
    assert draw(out, tmp_path / "o.png", "--caption", "a red circle") == 0


def test_every_option_of_sampling_at_once(captioned: Path, tmp_path: Path, capsys):
    image = tmp_path / "i.png"
    Image.new("RGB", (40, 20), (10, 200, 30)).save(image)
    out, maps = tmp_path / "o.png", tmp_path / "maps"
    assert draw(
        captioned, out, "--caption", "a red square", "a zebra", "--sampler", "ddim", "--eta", 0.5,
        "--guidance", 2, "--seed", 3, "--attention", maps, "--path", tmp_path / "w.gif",
        "--image", image, "--strength", 0.7, "--device", "cpu",
    ) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "does not know the word “zebra”" in said
    assert f"Wrote {out}: 4 samples" in said
    with Image.open(out) as grid:
        assert grid.size == (17, 17)
    with Image.open(tmp_path / "w.gif") as film:
        assert film.n_frames >= 2
    assert len(list(maps.glob("sample * word *.png"))) == 2 * 3 + 2 * 2
    with np.load(maps / "attention.npz") as arrays:
        softmax = [arrays[name] for name in arrays if name.endswith("softmax")]
        assert all(len(array) == 4 for array in softmax)
        assert all(np.allclose(array.sum(-1), 1, atol=1e-5) for array in softmax)


def test_the_way_is_written_as_a_film(whole: Path, tmp_path: Path):
    film = tmp_path / "w.mp4"
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--path", film) == 0
    from assets.ffmpeg import probe

    assert probe(film).seconds > 0.5


def test_options_change_what_is_drawn_and_the_seed_repeats_it(whole: Path, tmp_path: Path):
    def drawn(*options: object) -> bytes:
        assert draw(whole / "a.safetensors", tmp_path / "o.png", *options) == 0
        return (tmp_path / "o.png").read_bytes()

    first = drawn("--class", "red")
    assert first == drawn("--class", "red")
    assert first == drawn("--class", "Red", "--guidance", GUIDANCE)
    others = [
        drawn("--class", "red", "--seed", 1),
        drawn("--class", "red", "--guidance", 9),
        drawn("--class", "red", "--steps", 5),
        drawn("--class", "red", "--sampler", "euler_maruyama"),
        *(drawn("--class", "red", "--sampler", "ddpm", "--noise", n) for n in ("small", "large")),
    ]
    assert len({first, *others}) == 7


def test_only_the_white_of_a_mask_is_drawn_anew(whole: Path, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "i.png")
    mask = np.zeros((8, 8), dtype=np.uint8)
    mask[2:5, 3:7] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--count", 1,
                "--image", tmp_path / "i.png", "--mask", tmp_path / "m.png") == 0  # fmt: skip
    with Image.open(tmp_path / "o.png") as image:
        changed = (np.asarray(image) != pixels).any(axis=2)
    assert changed[mask > 0].any()
    assert not changed[mask == 0].any()


def test_the_filling_of_a_mask_may_be_gone_through_again(whole, tmp_path, monkeypatch):
    from engines.commands.progress import RunProgress

    totals = []
    monkeypatch.setattr(RunProgress, "show", lambda _, event: totals.append(event.total))
    Image.new("RGB", (8, 8), (90, 20, 30)).save(tmp_path / "i.png")
    Image.new("L", (8, 8), 255).save(tmp_path / "m.png")
    given = ["--image", tmp_path / "i.png", "--mask", tmp_path / "m.png", "--steps", 4]
    assert draw(whole / "a.safetensors", tmp_path / "o.png", *given) == 0
    once = (tmp_path / "o.png").read_bytes()
    assert set(totals) == {4}
    totals.clear()
    assert draw(whole / "a.safetensors", tmp_path / "o.png", *given, "--repeats", 3) == 0
    assert (tmp_path / "o.png").read_bytes() != once
    assert totals == [12] * 13


def test_the_progress_and_the_film_are_of_the_steps_that_are_taken(whole, tmp_path, monkeypatch):
    from engines.commands.progress import RunProgress
    from engines.diffusion import film

    totals, ways = [], []
    write = film.write_path
    monkeypatch.setattr(RunProgress, "show", lambda _, event: totals.append(event.total))
    monkeypatch.setattr(
        film, "write_path", lambda path, runs: ways.append(runs) or write(path, runs)
    )
    Image.new("RGB", (8, 8), (90, 20, 30)).save(tmp_path / "i.png")
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--steps", 10, "--strength", 0.4,
                "--image", tmp_path / "i.png", "--path", tmp_path / "w.png") == 0  # fmt: skip
    assert totals == [4] * 5
    (((first, *_, end),),) = ways
    assert first.x.shape == end.eps.shape == (1, 3, 8, 8), "what is not filmed is not kept"
    assert first.x.untyped_storage().nbytes() == first.x.nbytes


def test_what_became_of_the_image_is_said(whole, tmp_path, capsys):
    Image.new("CMYK", (8, 8)).save(tmp_path / "i.jpg")
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--image", tmp_path / "i.jpg") == 0
    assert (
        "The image is made for printing (CMYK) and is converted to RGB" in capsys.readouterr().out
    )


def test_samples_learnt_by_heart_are_told_and_shown(whole, images, tmp_path, capsys, monkeypatch):
    model, out = whole / "a.safetensors", tmp_path / "o.png"
    assert draw(model, out, "--nearest", images) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Images of {images.name} are " in said
    assert all(f"Sample {number}: " in said for number in (1, 2, 3, 4))
    assert "0 of 4 samples are memorised" in said
    with Image.open(tmp_path / "o-nearest.png") as pairs:
        assert pairs.width > 4 * 100
    # One is given back as it was: the model is asked to forget nothing of it.
    one = next(images.rglob("*.png"))
    assert draw(model, out, "--image", one, "--strength", 0, "--nearest", images) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Sample 1: 0.000 from {one.parent.name}/{one.name}, memorised" in said
    assert "4 of 4 samples are memorised" in said


def test_classes_are_mixed(whole, tmp_path, capsys):
    def drawn(text: str) -> bytes:
        assert draw(whole / "a.safetensors", tmp_path / "o.png", "--class", text) == 0
        assert "does not know" not in capsys.readouterr().out
        return (tmp_path / "o.png").read_bytes()

    assert len({drawn(text) for text in ("red", "green", "0.5 red + 0.5 green")}) == 3


def test_a_classifier_is_learnt_kept_and_followed(images, tmp_path, capsys):
    model, report = tmp_path / "a.safetensors", tmp_path / "r.json"
    assert learn(images, model, "--steps", 3, "--classifier", "--report", report) == 0
    naming = json.loads(report.read_text(encoding="utf-8"))["health"]["naming"]
    assert naming["chance"] == pytest.approx(1 / 3, abs=0.15)
    assert len(naming["held_out"]) == len(naming["learnt"]) == 10
    assert read_model(model).classifier.config.classes == ("blue", "green", "red")
    asked = ["--class", "red", "--guidance", 0]
    pictures = []
    for strength in ([], ["--classifier-guidance", 0], ["--classifier-guidance", 40]):
        assert draw(model, tmp_path / "o.png", *asked, *strength) == 0
        pictures.append((tmp_path / "o.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
    points = tmp_path / "p.safetensors"
    assert main(["train", "diffusion", "moons", "--out", str(points), "--steps", "2",
                 "--batch", "16", "--classifier"]) == 0  # fmt: skip
    capsys.readouterr()
    moon = ["--class", "lower moon"]
    assert draw(points, tmp_path / "o.png", *moon, "--classifier-guidance", 0) == 0
    assert "ask for classifier guidance" in " ".join(capsys.readouterr().out.split())
    assert draw(points, tmp_path / "o.png", *moon) == 0
    assert "guidance" not in capsys.readouterr().out, "nothing else leads there, so it does"
    assert draw(points, tmp_path / "o.png", "--class", "new moon") == 0
    assert "does not know the class “new moon”" in " ".join(capsys.readouterr().out.split())


def test_what_will_not_be_followed_is_said(whole, plain, tmp_path, capsys):
    assert draw(plain, tmp_path / "o.png", "--guidance", 3) == 0
    assert "unconditional, so guidance changes nothing" in capsys.readouterr().out
    with Image.open(plain.with_suffix(".png")) as points, Image.open(tmp_path / "o.png") as other:
        assert points.size == other.size == (256, 256)
    assert draw(plain, tmp_path / "o.png", "--caption", "a cat") == 0
    said = capsys.readouterr().out
    assert "learnt without words" in said
    assert "guidance" not in said, "nobody asked for any"
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--class", "cat") == 0
    assert "does not know the class “cat”" in capsys.readouterr().out
    maps = tmp_path / "maps"
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--class", "red",
                "--attention", maps) == 0  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "does not look at words one by one" in said
    layers = [path.name for path in maps.glob("sample 4 *.png")]
    assert "sample 4 block 1 self.png" in layers
    assert f"0 pictures of words and {4 * len(layers)} of layers, of 4 samples" in said
    some = tmp_path / "some"
    assert draw(whole / "a.safetensors", tmp_path / "o.png", "--attention", some,
                "--attention-stages", "scores", "softmax", "--attention-layers", "block 1 self",
                "--attention-samples", 3, "--attention-memory", 1) == 0  # fmt: skip
    assert len(list(some.glob("*.png"))) == 3
    with np.load(some / "attention.npz") as arrays:
        stages = {name.partition("/")[2] for name in arrays if name.startswith("call ")}
    assert stages == {"block 1 self/scores", "block 1 self/softmax"}


def refused(capsys, words: list[str]) -> tuple[int, str]:
    try:
        ended = main(words)
    except SystemExit as exit_:
        ended = exit_.code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return ended, " ".join((said.err + said.out).replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nowhere", "--out", "a.safetensors"], 1, "does not exist; name a folder of images, or"),
        (["{empty}", "--out", "a.safetensors"], 1, "has no images"),
        (["{data}", "--out", "a.ply"], 1, "one of .safetensors"),
        (["{data}", "--out", "no folder/a.safetensors"], 1, "create it first"),
        (["{data}", "--out", "a.safetensors", "--grid", "g.jpg"], 1, "one of .png"),
        (["{data}", "--out", "a.safetensors", "--report", "."], 1, "is a folder"),
        (["{data}", "--out", "a.safetensors", "--device", "cuda"], 1, "CUDA cannot be used"),
        (["{data}", "--out", "a.safetensors", "--resume", "{data}"], 1, "no checkpoint"),
        (["roll", "--out", "a.safetensors", "--classifier"], 1, "roll has no classes; sort"),
        (["{data}", "--out", "a.safetensors", "--steps", "0"], 2, "expected a value from 1"),
        (["{data}", "--out", "a.safetensors", "--network", "mamba"], 2, "mamba"),
        (["{data}", "--out", "a.safetensors", "--size", "10"], 1, "cannot be cut into parts of 4"),
        (["shapes", "--out", "a.safetensors", "--size", "64"], 1, "set the image size to 32"),
        (["{data}", "--out", "a.safetensors", "--network", "dit base", "--size", "512",
          "--batch", "4096"], 1, "GB are free"),
        (["--resume", "{kept}", "--out", "a.safetensors", "--path", "cosine"], 1, "cannot become"),
        (["--out", "a.safetensors"], 2, "Name the images"),
        (["{data}"], 2, "--out"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_is_said(
    whole, images, tmp_path, monkeypatch, capsys, words, status, sentence
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    places = {"data": images, "empty": tmp_path / "empty", "kept": whole / "kept"}
    ended, said = refused(
        capsys, ["train", "diffusion", *(word.format(**places) for word in words)]
    )
    assert ended == status
    assert sentence in said
    assert not (tmp_path / "a.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nowhere.safetensors"], 1, "does not exist"),
        (["{cut}"], 1, "may be cut off"),
        (["{newer}"], 1, "version 2; this program reads version 1, so update it"),
        (["{other}"], 1, "no diffusion model of this program"),
        (["{image}"], 1, "cannot be read as a .safetensors file"),
        (["{model}", "--out", "o.jpg"], 1, "one of .png"),
        (["{model}", "--path", "w.avi"], 1, "one of .gif, .mp4"),
        (["{model}", "--attention", "{image}"], 1, "is a file; name a folder"),
        (["{model}", "--attention-memory", "9"], 2, "needs a folder to go to: --attention DIR"),
        (["{model}", "--attention", "maps", "--attention-layers", "block 99"], 1, "called"),
        (["{model}", "--nearest", "nowhere"], 1, "name a folder of images"),
        (["{points}", "--nearest", "moons"], 1, "draws points"),
        (["{model}", "--caption", "a cat"], 1, "learnt classes, no captions"),
        (["{model}", "--count", "0"], 1, "at least one sample"),
        (["{model}", "--class", "red", "--classifier-guidance", "2"], 1, "has no classifier, so"),
        (["{model}", "--eta", "2"], 1, "both lie from 0 to 1"),
        (["{model}", "--strength", "-1"], 1, "both lie from 0 to 1"),
        (["{model}", "--sampler", "magic"], 2, "magic"),
        (["{model}", "--class", "0.7 red + blue"], 1, "only some parts have a weight"),
        (["{model}", "--repeats", "0"], 1, "at least once"),
        (["{points}", "--count", "1000000", "--steps", "10000", "--path", "w.png"], 1,
         "samples at once would need about"),
        (["{model}", "--count", "1000000000"], 1, "samples at once would need about"),
        (["{model}", "--mask", "{image}"], 2, "A mask needs the image"),
        (["{model}", "--image", "{cut}"], 1, "cut.safetensors"),
        (["{model}", "--image", "{image}", "--mask", "{wide}"], 1, "has the shape of its image"),
        (["{model}", "--image", "{image}", "--mask", "{image}"], 1, "has no white in it"),
        (["{points}", "--image", "{image}"], 1, "no image to start from"),
        (["{points}", "--attention", "maps"], 1, "Nothing in this model attends"),
        (["{model}", "--device", "cuda"], 1, "CUDA cannot be used"),
        ([], 2, "MODEL"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(
    whole, plain, tmp_path, monkeypatch, capsys, words, status, sentence
):
    from safetensors.torch import save_file

    monkeypatch.chdir(tmp_path)
    model = whole / "a.safetensors"
    (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:-50])
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with safe_open(model, framework="pt") as file:
        card = json.loads(file.metadata()["zograscope"]) | {"version": 2}
    newer = tmp_path / "newer.safetensors"
    save_file({"a": torch.zeros(1)}, newer, metadata={"zograscope": json.dumps(card)})
    Image.new("RGB", (16, 16)).save(tmp_path / "image.png")
    Image.new("RGB", (32, 16)).save(tmp_path / "wide.png")
    places = {name: tmp_path / f"{name}.safetensors" for name in ("cut", "newer", "other")}
    places |= {"image": tmp_path / "image.png", "wide": tmp_path / "wide.png"}
    places |= {"model": model, "points": plain}
    out = [] if "--out" in words else ["--out", "o.png"]
    ended, said = refused(capsys, ["sample", *(word.format(**places) for word in words), *out])
    assert ended == status
    assert sentence in said
    assert not (tmp_path / "o.jpg").exists()


def test_help_is_there_at_once_with_every_setting(capsys):
    ended, said = refused(capsys, ["train", "diffusion", "--help"])
    assert ended == 0
    for field in fields_of(DiffusionConfig):
        assert f"--{field.name.replace('_', '-')}" in said
        assert " ".join(field.setting.help.split()) in said
    code = (
        "import sys, main\n"
        "for words in (['train', 'diffusion', '--help'], ['sample', '--help']):\n"
        "    try: main.main(words)\n"
        "    except SystemExit: pass\n"
        "sys.stderr.write(' '.join(m for m in ('torch', 'PySide6', 'numba') if m in sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert not answer.stderr
    assert "--strength" in answer.stdout


def test_points_are_learnt_with_their_classes_and_asked_for_by_name(tmp_path: Path, capsys):
    model = tmp_path / "m.safetensors"
    assert main(["train", "diffusion", "mixture", "--out", str(model), "--steps", "2", "--classes",
                 "--batch", "16"]) == 0  # fmt: skip
    assert "points with 8 classes" in capsys.readouterr().err
    out = tmp_path / "s.png"
    assert draw(model, out, "--class", "mode 3", "--guidance", "2") == 0
    said = capsys.readouterr().out
    assert "unconditional" not in said
    assert "does not know" not in said
    assert out.exists()
    assert draw(model, out, "--class", "mode 9") == 0
    assert "does not know the class “mode 9”" in capsys.readouterr().out
    assert draw(model, out, "--caption", "mode 3") != 0
    assert "learnt classes, no captions" in capsys.readouterr().err
