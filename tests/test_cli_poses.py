"""`poses` and `train splats` on plain photos as a person types them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from PIL import Image

import engines.poses.engine
from assets.errors import InputError
from assets.formats.photo_folder import read_photo_folder
from assets.open import open_path
from assets.posed import PosedPhotos
from engines.commands.inputs import posed_photos
from engines.events import Failed, FeaturesFound, PairsMatched, Prepared, Registered
from engines.poses import PosesConfig
from engines.poses.engine import PosesEngine
from main import main
from tests.cli_photos import write_photos
from tests.conftest import ROOT
from tests.engines.test_poses_engine import CHILD, write_noise

SMALL = ["--photo-size", "360", "--features", "1000"]
QUICK = ["--steps", "4", "--downscale", "1"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch):
    """Have the native work done, well or badly, by a stand-in."""

    def behave(behaviour: str = "good") -> None:
        child = (sys.executable, str(CHILD), behaviour)
        monkeypatch.setattr(engines.poses.engine, "CHILD", child)

    return behave


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_noise(tmp_path / "plain", 5)


@pytest.fixture
def kermit(shared_data: Path, tmp_path: Path) -> Path:
    """Eleven photos and nothing else."""
    folder = tmp_path / "kermit"
    folder.mkdir()
    for photo in (shared_data / "kermit").glob("*.jpg"):
        shutil.copy(photo, folder)
    return folder


@pytest.fixture
def few(kermit: Path) -> Path:
    """Six of them, which is quicker."""
    for photo in sorted(kermit.iterdir())[6:]:
        photo.unlink()
    return kermit


def words_of(*words: object) -> list[str]:
    return [str(word) for word in words]


def read(report: Path) -> dict:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(report.read_text(encoding="utf-8"), parse_constant=refuse)


def test_real_photos_end_as_a_colmap_folder_and_a_report(kermit, tmp_path, capsys):
    before = sorted(kermit.iterdir())
    out, report = tmp_path / "colmap", tmp_path / "r.json"
    words = words_of("poses", kermit, "--out", out, "--preset", "fast", "--report", report)
    assert main([*words, *SMALL]) == 0
    said = capsys.readouterr()
    assert f"Wrote {out}" in said.out
    assert "Comparing photos" in said.err
    assert "have grade" in said.err
    found = open_path(out)
    assert isinstance(found, PosedPhotos)
    assert len(found.views) >= 9
    assert len(found.points) > 100
    assert len(list((out / "images").iterdir())) == 11
    assert {path.name for path in out.iterdir()} == {"images", "sparse", "outcome.json"}
    assert sorted(kermit.iterdir()) == before

    about = read(report)
    assert about["schema"] == 1
    assert about["status"] == "finished"
    assert about["registered"] == len(found.views) == about["models"][0]
    assert about["total"] == about["data"]["photos"] == 11
    assert about["registered"] + len(about["unregistered"]) == 11
    assert 0 < about["error_px"]["matched"] <= 1.0
    assert 0 < about["error_px"]["full"] <= 2.0
    assert sum(about["phases"].values()) == pytest.approx(about["seconds"], abs=0.5)
    assert about["diagnosis"]["photos"]["stage"] == "photos"
    assert about["diagnosis"]["poses"]["stage"] == "poses"
    assert about["settings"]["preset"] == "fast"
    assert about["versions"]["pycolmap"]
    assert about["peak_memory_mb"]["child"] > 20
    kinds = [event["kind"] for event in about["history"]]
    assert kinds.count("FeaturesFound") == 11
    assert kinds[-2:] == ["Posed", "Finished"]

    again = tmp_path / "again.json"
    words = words_of("poses", kermit, "--out", out, "--preset", "fast", "--report", again)
    assert main([*words, *SMALL]) == 0, "an older result may be replaced"
    kinds = [event["kind"] for event in read(again)["history"]]
    assert "FeaturesFound" not in kinds, "features are taken from the database"
    assert read(again)["registered"] >= 9


@pytest.mark.parametrize(
    "moment",
    [
        lambda e: isinstance(e, Prepared) and e.phase == "Looking at the photos",
        lambda e: isinstance(e, Prepared) and e.phase == "Preparing photos",
        lambda e: isinstance(e, Prepared) and e.phase == "Finding features",
        lambda e: isinstance(e, FeaturesFound),
        lambda e: isinstance(e, PairsMatched),
        lambda e: isinstance(e, Registered),
    ],
    ids=["doctor", "preparing", "start", "features", "matching", "mapping"],
)
def test_the_real_work_can_be_ended_in_every_phase(few, moment):
    others = set(psutil.Process().children(recursive=True))
    config = PosesConfig(preset="fast", photo_size=360, features=1_000)
    run = PosesEngine(read_photo_folder(few), config).run()
    for event in run:
        assert not isinstance(event, Failed)
        if moment(event):
            break
    else:
        pytest.fail("the phase did not come")
    next(run)  # the child has begun the next piece
    before = set(psutil.Process().children(recursive=True)) - others
    time.sleep(0.05)
    began = time.monotonic()
    run.close()
    assert time.monotonic() - began < 1.0
    assert not [process for process in before if process.is_running()]


def test_plain_photos_are_posed_and_learned_in_one_call(behave, plain, tmp_path, capsys):
    behave()
    out, report = tmp_path / "a.ply", tmp_path / "r.json"
    words = words_of("train", "splats", plain, "--out", out, "--report", report, "--preset", "fast")
    assert main([*words, *QUICK, "--seed", "7"]) == 0
    about = read(report)
    assert about["status"] == "finished"
    assert about["steps"] == 4
    assert about["data"] == {"name": "plain", "photos": 4}
    assert about["poses"]["registered"] == 4
    assert about["poses"]["total"] == 5
    assert about["poses"]["settings"]["preset"] == "fast"
    assert about["poses"]["settings"]["seed"] == about["settings"]["seed"] == 7
    assert len(open_path(out)) == about["gaussians"]
    said = capsys.readouterr()
    assert "4 of 5 photos have a place" in said.out


def test_a_run_from_photos_whose_files_were_converted_is_taken_up(behave, plain, tmp_path):
    behave()
    with Image.open(plain / "01.png") as image:
        image.save(plain / "01.tif")
    (plain / "01.png").unlink()
    out, kept = tmp_path / "a.ply", tmp_path / "kept"
    words = words_of("train", "splats", plain, "--out", out, "--checkpoint", kept)
    assert main([*words, *QUICK]) == 0
    words = words_of("train", "splats", "--resume", kept, "--out", out, "--steps", "6")
    assert main(words) == 0


def test_posed_photos_are_not_posed_again(behave, tmp_path):
    behave("killed")
    photos = write_photos(tmp_path / "posed")
    report = tmp_path / "r.json"
    words = words_of("train", "splats", photos, "--out", tmp_path / "a.ply", "--report", report)
    assert main([*words, *QUICK]) == 0
    assert read(report)["poses"] is None


@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
@pytest.mark.parametrize("command", ["poses", "train"])
def test_a_search_that_fails_says_why_and_reports_it(behave, command, plain, tmp_path, capsys):
    behave("killed")
    out, report = tmp_path / ("a.ply" if command == "train" else "out"), tmp_path / "r.json"
    start = ["train", "splats"] if command == "train" else ["poses"]
    assert main([*start, *words_of(plain, "--out", out, "--report", report)]) == 1
    told = capsys.readouterr().err
    assert told.count("killed by signal 9") == 1
    about = read(report)
    assert about["status"] == "failed"
    assert about["message"] in told
    search = about["poses"] if command == "train" else about
    assert search["registered"] == 0
    assert search["diagnosis"]["photos"]["grade"]
    assert search["diagnosis"]["poses"] is None
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
def test_an_interrupted_search_goes_on_the_next_time(few, tmp_path):
    out, report = tmp_path / "out", tmp_path / "r.json"
    run = subprocess.Popen(
        [sys.executable, ROOT / "main.py", "poses", few, "--out", out, "--report", report,
         "--preset", "fast", *SMALL],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with run:
        for line in run.stderr:
            if line.startswith("Comparing photos"):
                run.send_signal(signal.SIGINT)
                break
        said, complained = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "goes on from here" in complained
    assert "Traceback" not in complained
    assert not out.exists()
    assert read(report)["status"] == "stopped"
    assert f"Wrote {report}" in said
    config = PosesConfig(preset="fast", photo_size=360, features=1_000)
    seen = []
    with closing(PosesEngine(read_photo_folder(few), config).run()) as events:
        for event in events:
            seen.append(event)
            if isinstance(event, PairsMatched):
                break
    assert isinstance(seen[-1], PairsMatched)
    assert not [event for event in seen if isinstance(event, FeaturesFound)]


@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
def test_training_can_be_interrupted_while_cameras_are_found(behave, plain, tmp_path, capfd):
    behave("deaf")
    out, report = tmp_path / "a.ply", tmp_path / "r.json"
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert main(words_of("train", "splats", plain, "--out", out, "--report", report)) == 130
    timer.join()
    assert "goes on from here" in capfd.readouterr().err
    about = read(report)
    assert about["status"] == about["poses"]["status"] == "stopped"
    assert about["steps"] == 0
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nowhere", "--out", "x"], 1, "does not exist"),
        (["{plain}/00.png", "--out", "x"], 1, "single photo"),
        (["x" * 300, "--out", "x"], 1, "too long"),
        (["{plain}", "--out", "x" * 300], 1, "too long"),
        (["{plain}", "--out", "no folder/x"], 1, "create it first"),
        (["{plain}", "--out", "{plain}/00.png"], 1, "is a file"),
        (["{plain}", "--out", "{plain}"], 1, "would be lost"),
        (["{plain}", "--out", "{plain}/.."], 1, "would be lost"),
        (["{plain}", "--out", "x", "--report", "."], 1, "is a folder"),
        (["{plain}", "--out", "x", "--frames", "1"], 2, "expected a value from 3"),
        (["{plain}"], 2, "--out"),
        (["{two}", "--out", "x"], 1, "at least 3"),
    ],
)
def test_what_cannot_be_done_is_said(plain, tmp_path, monkeypatch, capsys, words, status, sentence):
    monkeypatch.chdir(tmp_path)
    two = write_noise(tmp_path / "two", 2)
    before = sorted(tmp_path.rglob("*"))
    words = [word.format(plain=plain, two=two) for word in words]
    try:
        ended = main(["poses", *words])
    except SystemExit as exit_:
        ended = exit_.code
    assert ended == status
    said = capsys.readouterr()
    assert sentence in said.err + said.out
    assert "Traceback" not in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_photos_whose_cameras_are_known_can_be_posed_anew(behave, tmp_path):
    behave()
    photos = write_photos(tmp_path / "posed")
    assert main(words_of("poses", photos, "--out", tmp_path / "out")) == 0
    assert len(open_path(tmp_path / "out").views) == 8


def test_masks_are_exported(behave, plain, tmp_path):
    behave()
    (plain / "masks").mkdir()
    shutil.copy(plain / "00.png", plain / "masks" / "01.png")
    assert main(words_of("poses", plain, "--out", tmp_path / "out")) == 0
    assert [path.name for path in (tmp_path / "out" / "masks").iterdir()] == ["01.png.png"]


def test_other_commands_say_what_to_do_about_photos_without_cameras(plain):
    with pytest.raises(InputError, match=r"main\.py poses"):
        posed_photos(str(plain))
