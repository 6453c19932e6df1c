"""`distill` as a person types it: what it leaves behind, says and refuses."""

import json
from pathlib import Path

import pytest
from PIL import Image

from engines.diffusion.saved import read_model
from main import main
from tests.cli_diffusion import draw, images, plain, whole
from tests.engines.diffusion_data import one_thread

__all__ = ["images", "one_thread", "plain", "whole"]
pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_student_is_taught_compared_and_drawn_from(whole: Path, plain: Path, tmp_path, capsys):
    report, grid, kept = tmp_path / "r.json", tmp_path / "g.png", tmp_path / "kept"
    out = tmp_path / "s.safetensors"
    quick = ["--pairs", 40, "--teacher-steps", 2, "--batch", 8]

    def distill(*words: object) -> int:
        return main(["distill", *map(str, words), "--out", str(out)])

    more = ["--report", report, "--grid", grid, "--checkpoint", kept]
    assert distill(whole / "a.safetensors", *quick, "--steps", 3, *more) == 0
    said = capsys.readouterr().out
    assert "Mean squared difference of the student from what the teacher drew: " in said
    about = json.loads(report.read_text(encoding="utf-8"))
    assert about["data"] == {"name": whole_name(whole), "images": 40, "held_out": 2}
    for who in ("teacher", "student"):
        assert list(about["distilled"][who]) == ["1", "2", "4"]
        assert all(apart > 0 for apart in about["distilled"][who].values())
    with Image.open(grid) as picture:
        assert picture.width > 1_500
    model = read_model(out)
    assert (model.diffusion["path"], model.diffusion["taught"]) == ("flow", True)
    assert distill("--resume", kept, "--steps", 4) == 0
    assert read_model(out).trained["steps"] == 4
    capsys.readouterr()
    one = ["--sampler", "euler", "--steps", 1, "--class", "red"]
    assert draw(out, tmp_path / "s.png", *one) == 0
    assert "guidance" not in capsys.readouterr().out
    assert draw(out, tmp_path / "s.png", *one, "--guidance", 3) == 0
    assert "taught with guidance by another one" in capsys.readouterr().out
    assert distill(plain, *quick, "--steps", 2) == 0
    assert distill() == 2
    assert "Name the model that teaches" in capsys.readouterr().err
    assert distill("--resume", whole / "kept") == 1
    assert "has no teacher; go on with it by train diffusion" in capsys.readouterr().err
    assert distill(plain, "--captions", tmp_path / "none.txt") == 1
    assert "cannot be read as a text" in capsys.readouterr().err


def whole_name(whole: Path) -> str:
    return json.loads((whole / "r.json").read_text(encoding="utf-8"))["data"]["name"]
