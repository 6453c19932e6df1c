"""`main.py doctor PHOTOS`: the grade and the findings, in a terminal and in a file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from assets.samples import sample_folder
from engines.commands.doctor import examine
from engines.commands.photodoctor import FRAMES, PhotoDoctor
from engines.poses.outcome import FILE_NAME
from main import main
from tests.engines.doctor_photos import blurred, change, copied
from tests.engines.test_doctor_poses import outcome, without


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The bundled scene's photos, to be spoilt."""
    return copied(sample_folder() / "images", tmp_path / "photos")


def said(capsys: pytest.CaptureFixture, *words: object) -> tuple[int, list[str]]:
    """The exit status and the lines of `doctor` with `words`."""
    status = main(["doctor", *map(str, words)])
    return status, capsys.readouterr().out.splitlines()


def test_the_word_sample_is_looked_at(capsys):
    status, lines = said(capsys, "sample")
    assert status == 0
    assert lines[0] == "Photos of Still life: A: good photos"
    assert lines[-1].startswith("ok: 30 photos are sharp and evenly exposed. ")


def test_findings_come_gravest_first_with_photos_and_advice(photos: Path, capsys):
    change(photos / "frame_07.png", blurred(2))
    before = sorted(photos.iterdir())
    status, lines = said(capsys, photos)
    assert status == 0
    assert lines[0] == "Photos of photos: B: usable photos"
    assert lines[1].startswith("warning: 1 photo is blurred. ")
    assert "Leave it out" in lines[1]
    assert lines[1].endswith(". frame_07.png")
    assert lines[2].startswith("note: ")
    assert sorted(photos.iterdir()) == before, "nothing is written among the photos"


def test_hopeless_photos_end_with_one(photos: Path, capsys):
    for path in sorted(photos.iterdir())[2:]:
        path.unlink()
    status, lines = said(capsys, photos)
    assert status == 1
    assert "D: not likely to work" in lines[0]
    assert lines[1].startswith("problem: Only 2 photos. ")


def test_files_that_cannot_be_opened_are_mentioned(photos: Path, capsys):
    (photos / "frame_99.png").write_bytes(b"")
    _, lines = said(capsys, photos)
    assert "frame_99.png (is empty (0 bytes))" in lines[0]


def test_a_terminal_shows_the_same_as_a_table(photos: Path):
    change(photos / "frame_07.png", blurred(2))
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100, color_system=None)
    assert PhotoDoctor(str(photos), console).run() == 0
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    assert "warning  1 photo is blurred" in lines
    assert "         frame_07.png" in lines


def test_a_finished_project_is_judged_too(photos: Path, tmp_path: Path, capsys):
    project = tmp_path / "project"
    names = [f"{i:02d}.jpg" for i in range(24)]
    (project / "images").mkdir(parents=True)
    (project / "sparse" / "0").mkdir(parents=True)
    for source, name in zip(sorted(photos.iterdir()), names, strict=False):
        change(source, lambda image: image, to=project / "images" / name)
    without(outcome(), {4}).write(project)
    status, lines = said(capsys, project)
    assert status == 0
    assert lines[0] == "Photos of project: A: good photos"
    at = lines.index("Poses of project: A: good camera poses")
    assert lines[at + 1].startswith("note: 1 photo overlaps with others but fits nowhere. ")
    without(outcome(), set(range(20))).write(project)
    status, lines = said(capsys, project)
    assert status == 1
    assert "Poses of project: D: not likely to work" in lines
    (project / FILE_NAME).write_text("{")
    assert main(["doctor", str(project)]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_video_is_judged_by_some_frames(tmp_path: Path, capsys):
    imageio = pytest.importorskip("imageio.v2")
    film = tmp_path / "film.mp4"
    random = np.random.default_rng(0)
    wide = Image.fromarray(random.integers(0, 255, (15, 80, 3), dtype=np.uint8))
    pixels = np.asarray(wide.resize((1280, 240), Image.Resampling.NEAREST))
    with imageio.get_writer(film, fps=10, macro_block_size=16, quality=9) as writer:
        for i in range(60):
            writer.append_data(pixels[:, 16 * i : 16 * i + 320])
    status, lines = said(capsys, film)
    assert status == 0
    assert lines[0].startswith("film.mp4 is a video; judged are 40 frames at most")
    assert lines[1].startswith("Photos of film: ")
    assert f"{FRAMES} photos are sharp" in lines[-1]
    assert not [line for line in lines if "focal length" in line]
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize("missing", ["nowhere", "empty"])
def test_where_there_are_no_photos_a_sentence_says_so(missing: str, tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["doctor", str(tmp_path / missing)]) == 1
    told = capsys.readouterr()
    assert not told.out
    assert missing in told.err


def test_the_machine_is_asked_for_what_photos_need():
    found = {finding.what: finding for finding in examine()}
    assert found["camera poses"].words.startswith("are found by pycolmap ")
    assert found["videos"].words.startswith("are read by ffmpeg ")
    assert "pillow-heif" in found["HEIC photos"].words
