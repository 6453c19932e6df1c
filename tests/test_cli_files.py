"""`eval`, `render`, `convert` and the run without a display, as a person types them."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engines.commands.headless
import main as front_door
from assets.export import export
from assets.open import open_path
from engines.commands.headless import fresh_folder
from engines.splats import SplatConfig
from main import main
from tests.cli_photos import write_photos
from tests.engines.conftest import make_cloud


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("cli") / "photos")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The very cloud that the photos show."""
    path = tmp_path_factory.mktemp("truth") / "truth.ply"
    export(make_cloud(), path)
    return path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=int)


def test_the_true_cloud_is_judged_to_be_the_photos(photos, truth, tmp_path, capsys):
    report = tmp_path / "r.json"
    arguments = ["eval", str(truth), str(photos), "--report", str(report), "--downscale", "1"]
    assert main(arguments) == 0
    judged = json.loads(report.read_text())
    assert judged["schema"] == 1
    assert judged["gaussians"] == 300
    for split, count in (("train", 7), ("holdout", 2)):
        assert judged[split]["psnr"] > 50, "only the rounding of photos to 8 bits is left"
        assert judged[split]["ssim"] > 0.999
        assert len(judged[split]["views"]) == count
    assert "held out: PSNR" in capsys.readouterr().out


def test_a_wrong_cloud_is_judged_to_be_wrong(photos, tmp_path):
    export(make_cloud(seed=5), tmp_path / "wrong.ply")
    report = tmp_path / "r.json"
    assert main(["eval", str(tmp_path / "wrong.ply"), str(photos), "--report", str(report)]) == 0
    assert json.loads(report.read_text())["holdout"]["psnr"] < 25


@pytest.mark.parametrize("view", ["3", "003.png"])
def test_a_picture_is_what_the_photo_shows(photos, truth, tmp_path, view):
    out = tmp_path / "bild.png"
    arguments = ["render", str(truth), "--data", str(photos), "--view", view, "--out", str(out)]
    assert main(arguments) == 0
    assert np.abs(pixels(out) - pixels(photos / "003.png")).max() <= 1


def test_a_smaller_picture_and_a_view_that_is_not_there(photos, truth, tmp_path, capsys):
    out = tmp_path / "small.png"
    arguments = ["render", str(truth), "--data", str(photos), "--out", str(out)]
    assert main([*arguments, "--downscale", "2"]) == 0
    assert pixels(out).shape == (15, 20, 3)
    assert main([*arguments, "--view", "9"]) == 1
    assert "from 0 to 8" in capsys.readouterr().err
    assert main([*arguments, "--downscale", "0"]) == 2


def test_convert_there_and_back(truth, tmp_path, capsys):
    splat, back = tmp_path / "a.splat", tmp_path / "b.ply"
    assert main(["convert", str(truth), str(splat)]) == 0
    assert main(["convert", str(splat), str(back)]) == 0
    assert "300 Gaussians" in capsys.readouterr().out
    before, after = open_path(truth), open_path(back)
    order = np.lexsort(before.means.T), np.lexsort(after.means.T)
    assert np.allclose(before.means[order[0]], after.means[order[1]], atol=1e-5)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["convert", "{photos}", "a.ply"], "holds photos"),
        (["convert", "{truth}", "a.xyz"], "cannot be saved"),
        (["convert", "nothing.ply", "a.ply"], "does not exist"),
        (["eval", "{photos}", "{photos}"], "holds nothing that was learnt"),
        (["eval", "{truth}", "{truth}"], "holds no photos with cameras"),
        (["render", "{truth}", "--data", "{photos}", "--out", "a.jpg"], ".png"),
    ],
)
def test_things_of_the_wrong_kind_are_said_to_be(
    photos, truth, tmp_path, monkeypatch, capsys, words, sentence
):
    monkeypatch.chdir(tmp_path)
    places = {"{photos}": str(photos), "{truth}": str(truth)}
    assert main([places.get(word, word) for word in words]) == 1
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def no_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in on a machine without a display, with short runs."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(front_door.sys, "platform", "linux")
    short = partial(SplatConfig, start_count=200)
    monkeypatch.setattr(engines.commands.headless, "STEPS", 12)
    monkeypatch.setattr(engines.commands.headless, "SplatConfig", short)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_display_the_same_job_is_done_and_left_as_files(photos, no_display, capsys):
    assert main([str(photos)]) == 0
    said = capsys.readouterr().out
    assert "no display" in said
    folder = no_display / "runs" / "photos"
    assert str(folder) in said
    assert len(open_path(folder / "splat.ply")) == 200
    assert pixels(folder / "view.png").shape == (30, 40, 3)
    assert json.loads((folder / "report.json").read_text())["status"] == "finished"


def test_without_a_display_and_a_path_the_sample_is_learned(no_display):
    assert main([]) == 0
    (folder,) = (no_display / "runs").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["report.json", "splat.ply", "view.png"]


def test_earlier_results_are_kept(tmp_path):
    made = [fresh_folder(tmp_path, name) for name in ("fox", "fox", "a/b", "..")]
    assert [path.name for path in made] == ["fox", "fox-2", "a-b", "run"]
    assert all(path.parent == tmp_path for path in made)
