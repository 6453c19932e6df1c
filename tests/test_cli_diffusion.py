"""`train diffusion` as a person types it: what it leaves behind and says."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from engines.commands import driving
from engines.diffusion import DiffusionConfig, learner, train
from engines.diffusion.saved import read_model
from engines.settings import fields_of
from main import main
from tests.cli_diffusion import (
    QUICK,
    captioned,
    draw,
    images,
    learn,
    plain,
    refused,
    whole,
)
from tests.conftest import ROOT
from tests.engines.diffusion_data import one_thread

__all__ = ["captioned", "images", "one_thread", "plain", "whole"]
pytestmark = pytest.mark.usefixtures("one_thread")


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
