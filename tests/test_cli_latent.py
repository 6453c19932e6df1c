"""`train diffusion --latent` as a person types it, stopped, resumed and drawn from."""

import json

import pytest
from PIL import Image

from engines.commands import driving
from engines.diffusion.latent.learner import AutoencoderLearner
from engines.diffusion.saved import read_model
from main import main
from tests.cli_diffusion import QUICK, learn, write_images
from tests.engines.diffusion_data import one_thread

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_run_among_latents_is_stopped_resumed_and_drawn_from(tmp_path, monkeypatch, capsys):
    """In its first stage there is something to go on from, and nothing yet that draws."""
    folder = write_images(tmp_path / "data", "captions")
    options = ["--latent", "2", "--steps", "6", "--autoencoder", "0.5"]
    out, kept, report = tmp_path / "a.safetensors", tmp_path / "kept", tmp_path / "r.json"
    learn_one, learnt = AutoencoderLearner.learn, []

    def noted(*given, **options):
        learnt.append(1)
        return learn_one(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(AutoencoderLearner, "learn", noted)
        patch.setattr(driving.StopRequest, "asked", property(lambda _: bool(learnt)))
        assert learn(folder, out, *options, "--checkpoint", kept) != 0
    assert len(learnt) == 1
    assert not out.exists()
    assert "There is no model yet" in capsys.readouterr().out
    assert learn(folder, out, *options, "--resume", kept, "--report", report,
                 "--grid", tmp_path / "g.png") == 0  # fmt: skip
    said = capsys.readouterr()
    assert "Stage 1 of 2: autoencoder" in said.err
    assert "Stage 2 of 2: diffusion" in said.err
    found = json.loads(report.read_text())
    reconstructed = found["autoencoder"]
    assert (found["steps"], reconstructed["step"], reconstructed["images"]) == (6, 3, 3)
    assert f"autoencoder {reconstructed['psnr']:.2f} dB" in said.out
    assert read_model(out).space.psnr == reconstructed["psnr"]
    with Image.open(tmp_path / "g.png") as sheet:
        assert sheet.size == (3 * 9 - 1, 2 * 9 - 1)
    assert main(["sample", str(out), "--out", str(tmp_path / "s.png"), "--caption", "a red square",
                 "--image", str(folder / "00.png"), "--count", "4", "--steps", "3", "--path",
                 str(tmp_path / "p.png"), "--attention", str(tmp_path / "maps")]) == 0  # fmt: skip
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.size == (17, 17)
    pictures = [path.stem.endswith(" self") for path in (tmp_path / "maps").glob("*.png")]
    assert (pictures.count(False), pictures.count(True)) == (4 * 3, 4 * 4), "of words and of layers"
    wrong = [*QUICK, "--latent", "8", "--size", "20"]
    assert main(["train", "diffusion", str(folder), "--out", str(out), *wrong]) == 1
    assert "cannot become latents of 1/8" in capsys.readouterr().err
