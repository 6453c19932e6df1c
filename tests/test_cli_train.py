"""`train splats` as a person types it: what it leaves behind, however it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import engines.splats.train
from assets.open import open_path
from main import main
from tests.cli_photos import write_photos
from tests.conftest import ROOT

QUICK = ["--start-count", "300", "--refine-from", "10", "--refine-every", "10",
         "--refine-until", "30", "--evaluate-every", "20", "--holdout", "4"]  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("cli") / "Höhle mit Licht")


def train(photos: Path | str, out: Path, *more: object) -> int:
    options = [str(word) for word in more]
    return main(["train", "splats", str(photos), "--out", str(out), *QUICK, *options])


def read(report: Path) -> dict:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(report.read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of an uninterrupted run of 40 steps."""
    folder = tmp_path_factory.mktemp("whole")
    assert train(photos, folder / "a.ply", "--steps", 40, "--report", folder / "r.json") == 0
    return folder


def test_a_run_leaves_a_splat_and_a_full_report(whole: Path, photos: Path):
    cloud = open_path(whole / "a.ply")
    report = read(whole / "r.json")
    assert report["schema"] == 1
    assert report["status"] == "finished"
    assert report["message"] == "40 steps done"
    assert report["steps"] == 40
    assert report["gaussians"] == len(cloud) > 0
    assert report["data"] == {"name": photos.name, "photos": 9}
    assert report["settings"]["start_count"] == 300
    assert 0 < report["step_ms"]["median"] <= report["step_ms"]["p95"]
    assert 0 < report["seconds"] < 60
    assert 50 < report["peak_memory_mb"] < 8_000
    assert report["device"] == "cpu"
    assert report["backend"]["name"] == "cpu"
    assert report["versions"]["torch"].startswith("2.13.0")
    assert sorted(report["holdout"]["views"]) == ["000.png", "004.png", "008.png"]
    assert len(report["train"]["views"]) == 6
    assert report["holdout"]["psnr"] > 10
    assert 0 < report["train"]["ssim"] <= 1
    kinds = [event["kind"] for event in report["history"]]
    assert kinds.count("Stepped") == 40
    assert kinds[-1] == "Finished"
    assert "Prepared" not in kinds


def test_a_resumed_run_equals_the_whole_one(whole: Path, photos: Path, tmp_path: Path):
    kept = tmp_path / "kept"
    assert train(photos, tmp_path / "half.ply", "--steps", 40, "--seconds", 1e-6,
                 "--checkpoint", kept, "--report", tmp_path / "half.json") == 0  # fmt: skip
    half = read(tmp_path / "half.json")
    assert half["steps"] == 1
    assert "s are over" in half["message"]
    words = ["train", "splats", "--resume", kept, "--seconds", 0,
             "--out", tmp_path / "b.ply", "--report", tmp_path / "r.json"]  # fmt: skip
    assert main([str(word) for word in words]) == 0, "without DATA the photos are found again"
    assert (tmp_path / "b.ply").read_bytes() == (whole / "a.ply").read_bytes()
    report = read(tmp_path / "r.json")
    assert report["settings"]["refine_from"] == 10, "settings come from the checkpoint"
    assert [e["step"] for e in report["history"] if e["kind"] == "Stepped"] == list(range(1, 41))
    assert report["holdout"]["psnr"] == read(whole / "r.json")["holdout"]["psnr"]


@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "kill"]
)
def test_who_asks_for_the_end_gets_what_was_learned(tmp_path: Path, number, status):
    photos = write_photos(tmp_path / "photos")
    about = json.loads((photos / "transforms.json").read_text())
    about["k1"] = 1e-3  # a lens for which pycolmap is loaded, which wants SIGTERM for itself
    (photos / "transforms.json").write_text(json.dumps(about))
    out, report, kept = tmp_path / "a.ply", tmp_path / "r.json", tmp_path / "kept"
    run = subprocess.Popen(
        [sys.executable, ROOT / "main.py", "train", "splats", photos, *QUICK, "--steps", "900000",
         "--out", out, "--report", report, "--checkpoint", kept],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with run:
        for line in run.stderr:
            if line.startswith("step "):
                run.send_signal(number)
                break
        said, complained = run.communicate(timeout=60)
    assert run.returncode == status
    assert "what was learned is kept" in complained
    assert f"Wrote {out}" in said
    stopped = read(report)
    assert stopped["status"] == "stopped"
    assert 1 <= stopped["steps"] < 900_000
    assert stopped["gaussians"] == len(open_path(out))
    assert (kept / "checkpoint.json").exists()


def test_a_failed_run_keeps_its_last_good_state(photos, tmp_path, monkeypatch, capsys):
    calls = []

    def spoiled_at_the_fifth(*_gradients) -> bool:
        calls.append(1)
        return len(calls) < 5

    monkeypatch.setattr(engines.splats.train, "all_finite", spoiled_at_the_fifth)
    out, report = tmp_path / "a.ply", tmp_path / "r.json"
    assert train(photos, out, "--steps", 40, "--report", report) == 1
    assert "non-finite" in capsys.readouterr().err
    failed = read(report)
    assert failed["status"] == "failed"
    assert "non-finite" in failed["message"]
    assert failed["steps"] == 4
    assert len(open_path(out)) == failed["gaussians"]


def test_a_run_that_cannot_begin_says_why_and_reports_it(tmp_path, capsys):
    photos = write_photos(tmp_path / "photos")
    for photo in photos.glob("*.png"):
        photo.write_bytes(photo.read_bytes()[:200])
    out, report = tmp_path / "a.ply", tmp_path / "r.json"
    assert train(photos, out, "--steps", 5, "--report", report) == 1
    failed = read(report)
    assert failed["status"] == "failed"
    assert failed["message"] in capsys.readouterr().err
    assert failed["gaussians"] is None
    assert not out.exists()


def test_a_result_that_cannot_be_written_loses_no_other(photos, tmp_path, monkeypatch, capsys):
    import assets.export

    def full(*_arguments) -> None:
        raise assets.export.InputError("the disk is full")

    monkeypatch.setattr(assets.export, "export", full)
    report = tmp_path / "r.json"
    assert train(photos, tmp_path / "a.ply", "--steps", 3, "--report", report) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert read(report)["status"] == "finished"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nowhere", "--out", "a.ply"], 1, "does not exist"),
        (["{photos}", "--out", "a.obj"], 1, "one of .ply, .splat"),
        (["{photos}", "--out", "no folder/a.ply"], 1, "create it first"),
        (["{photos}", "--out", "a.ply", "--report", "."], 1, "is a folder"),
        (["{photos}", "--out", "a.ply", "--checkpoint", "{photos}/000.png"], 1, "is a file"),
        (["{photos}", "--out", "a.ply", "--device", "cuda"], 1, "CUDA cannot be used"),
        (["{photos}", "--out", "a.ply", "--steps", "0"], 2, "expected a value from 1"),
        (["{photos}", "--out", "a.ply", "--resume", "{photos}"], 1, "no checkpoint"),
        (["--out", "a.ply"], 2, "Name the photos"),
        (["{photos}"], 2, "--out"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(
    photos, tmp_path, monkeypatch, capsys, words, status, sentence
):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("{photos}", str(photos)) for word in words]
    try:
        ended = main(["train", "splats", *words])
    except SystemExit as exit_:
        ended = exit_.code
    assert ended == status
    said = capsys.readouterr()
    assert sentence in said.err + said.out
    assert "Traceback" not in said.err
    assert not (tmp_path / "a.ply").exists()
