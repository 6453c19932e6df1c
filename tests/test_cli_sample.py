"""`sample` as a person types it: what it leaves behind and says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from engines.diffusion.config import GUIDANCE
from tests.cli_diffusion import (
    captioned,
    draw,
    images,
    plain,
    refused,
    whole,
)
from tests.engines.diffusion_data import one_thread

__all__ = ["captioned", "images", "one_thread", "plain", "whole"]
pytestmark = pytest.mark.usefixtures("one_thread")


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
