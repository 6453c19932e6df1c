"""The doctor before posing: it names the photos that are bad, and no others."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.formats.photo_folder import read_photo_folder
from assets.samples import sample_folder
from engines.doctor import Measured, look_at_photos
from engines.doctor.finding import Finding
from engines.doctor.grade import grade_of
from tests.engines.doctor_photos import (
    blurred,
    change,
    copied,
    examine,
    exposed,
    finding,
    kinds,
    resized,
    shaken,
)

BAD = ("blur", "soft", "exposure", "exposure_spread", "duplicates", "blank", "unreadable", "sizes")


@pytest.fixture(scope="session")
def sample_photos() -> Path:
    """The bundled scene's 30 photos of 320 x 240."""
    return sample_folder() / "images"


@pytest.fixture
def photos(sample_photos: Path, tmp_path: Path) -> Path:
    """The same, to be spoilt."""
    return copied(sample_photos, tmp_path / "photos")


def test_good_photos_are_called_good(sample_photos: Path):
    diagnosis = examine(sample_photos)
    assert diagnosis.stage == "photos"
    assert diagnosis.summary == "A: good photos"
    assert {one.kind for one in diagnosis.findings} == {"focal", "fine"}
    assert len(diagnosis.measured) == 30
    assert all(0.3 < look.brightness < 0.4 for look in diagnosis.measured.values())
    assert all(look.sharpness > 0.5 and look.clipped < 0.01 for look in diagnosis.measured.values())


@pytest.mark.parametrize("name", ["fox/images", "kermit"])
def test_real_photos_are_not_slandered(shared_data: Path, name: str):
    diagnosis = examine(shared_data / name)
    assert not {one.kind for one in diagnosis.findings} & set(BAD)
    assert diagnosis.grade == "A"


def test_bad_fox_photos_are_named_exactly(shared_data: Path, tmp_path: Path):
    fox = copied(shared_data / "fox" / "images", tmp_path / "fox")
    change(fox / "0012.jpg", blurred(4))
    change(fox / "0078.jpg", blurred(3))
    change(fox / "0042.jpg", shaken(24))
    change(fox / "0094.jpg", shaken(24, down=True))
    for name in ("0003.jpg", "0054.jpg", "0115.jpg"):
        change(fox / name, exposed(-2))
    change(fox / "0025.jpg", exposed(2))
    (fox / "copy.jpg").write_bytes((fox / "0030.jpg").read_bytes())
    change(fox / "0097.jpg", lambda image: image, to=fox / "saved again.jpg")
    change(fox / "0045.jpg", resized(0.6))
    diagnosis = examine(fox)
    assert set(finding(diagnosis, "blur").photos) == {
        "0012.jpg", "0078.jpg", "0042.jpg", "0094.jpg"
    }  # fmt: skip
    dark, bright = sorted(
        (one for one in diagnosis.findings if one.kind == "exposure"),
        key=lambda one: "bright" in one.title,
    )
    assert set(dark.photos) == {"0003.jpg", "0054.jpg", "0115.jpg"}
    assert "dark" in dark.title
    assert bright.photos == ("0025.jpg",)
    assert set(finding(diagnosis, "duplicates").photos) == {"copy.jpg", "saved again.jpg"}
    assert finding(diagnosis, "sizes").photos == ("0045.jpg",)
    assert diagnosis.grade == "C"


@pytest.mark.parametrize("how", [blurred(1.0), blurred(2.0), shaken(6), shaken(6, down=True)])
def test_blurred_photos_are_named_exactly(photos: Path, how):
    for name in ("frame_04.png", "frame_21.png"):
        change(photos / name, how)
    diagnosis = examine(photos)
    blur = finding(diagnosis, "blur")
    assert set(blur.photos) == {"frame_04.png", "frame_21.png"}
    assert blur.title == "2 photos are blurred"
    assert kinds(diagnosis) == {"blur"}
    assert diagnosis.grade == "B"
    sharpness = {name: look.sharpness for name, look in diagnosis.measured.items()}
    assert min(sharpness, key=lambda name: sharpness[name]) == blur.photos[0]


def test_more_blurred_photos_than_sharp_ones_are_found_out(photos: Path):
    names = {f"frame_{i:02d}.png" for i in range(18)}
    for name in names:
        change(photos / name, blurred(1.5))
    assert set(finding(examine(photos), "blur").photos) == names


def test_a_set_without_a_sharp_photo_is_called_soft(photos: Path):
    for path in photos.iterdir():
        change(path, blurred(3))
    diagnosis = examine(photos)
    assert len(finding(diagnosis, "soft").photos) == 30
    assert diagnosis.grade == "C"


@pytest.mark.parametrize(("stops", "word"), [(-2, "dark"), (2, "bright")])
def test_wrongly_exposed_photos_are_named_exactly(photos: Path, stops: int, word: str):
    change(photos / "frame_00.png", exposed(stops))
    change(photos / "frame_17.png", exposed(stops))
    diagnosis = examine(photos)
    found = finding(diagnosis, "exposure")
    assert set(found.photos) == {"frame_00.png", "frame_17.png"}
    assert f"much too {word}" in found.title
    assert kinds(diagnosis) == {"exposure"}


def test_exposure_that_drifts_is_told_of_the_whole_set(photos: Path):
    for i, path in enumerate(sorted(photos.iterdir())):
        change(path, exposed(-3 * i / 29))
    diagnosis = examine(photos)
    assert "exposure_spread" in kinds(diagnosis)


def test_photos_are_not_read_once_more_because_their_files_are_of_one_size(photos, monkeypatch):
    for path in sorted(photos.glob("*.png")):
        with Image.open(path) as image:
            image.convert("RGB").save(path.with_suffix(".bmp"))
        path.unlink()
    (photos / "copy.bmp").write_bytes(next(photos.glob("*.bmp")).read_bytes())
    read = []
    whole = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: read.append(a) or whole(*a))
    assert len(finding(examine(photos), "duplicates").photos) == 1
    assert len(read) == 2


def test_copies_are_named_and_their_originals_are_not(photos: Path):
    (photos / "frame_90.png").write_bytes((photos / "frame_05.png").read_bytes())
    change(photos / "frame_06.png", lambda image: image, to=photos / "frame_91.jpg")
    change(photos / "frame_07.png", exposed(-0.7), to=photos / "frame_92.jpg")
    found = finding(examine(photos), "duplicates")
    assert set(found.photos) == {"frame_90.png", "frame_91.jpg", "frame_92.jpg"}
    assert "frame_05.png" in found.words


def test_the_same_photo_five_times_is_one_photo(photos: Path, tmp_path: Path):
    folder = tmp_path / "same"
    folder.mkdir()
    for i in range(5):
        (folder / f"{i}.png").write_bytes((photos / "frame_00.png").read_bytes())
    diagnosis = examine(folder)
    assert diagnosis.grade == "D"
    assert finding(diagnosis, "few").title == "Only 1 different photo"
    assert finding(diagnosis, "duplicates").photos == ("1.png", "2.png", "3.png", "4.png")


@pytest.mark.parametrize(
    ("count", "level", "grade"), [(2, "bad", "D"), (7, "warn", "B"), (12, "note", "A")]
)
def test_few_photos_are_told_by_how_few_they_are(sample_photos: Path, count, level, grade):
    photos = read_photo_folder(sample_photos)
    diagnosis = examine(photos.without([shot.name for shot in photos.views[count:]]))
    assert finding(diagnosis, "few").level == level
    assert diagnosis.grade == grade
    assert len(diagnosis.measured) == count, "photos left out are not looked at"


def test_photos_of_a_blank_wall_are_hopeless(tmp_path: Path):
    random = np.random.default_rng(0)
    shade = np.linspace(0.7, 0.8, 320)[None, :, None]
    for i in range(10):
        wall = shade + 0.01 * random.normal(size=(240, 320, 3))
        Image.fromarray((wall * 255).astype(np.uint8)).save(tmp_path / f"{i}.jpg")
    diagnosis = examine(tmp_path)
    assert len(finding(diagnosis, "blank").photos) == 10
    assert diagnosis.grade == "D"


def test_one_blank_photo_among_many_is_named(photos: Path):
    Image.new("RGB", (320, 240), (3, 3, 3)).save(photos / "lens cap.png")
    diagnosis = examine(photos)
    assert finding(diagnosis, "blank").photos == ("lens cap.png",)
    assert kinds(diagnosis) == {"blank"}


def test_a_damaged_file_is_named_with_the_reason(photos: Path):
    change(photos / "frame_03.png", lambda image: image, to=photos / "zz.jpg")
    whole = (photos / "zz.jpg").read_bytes()
    (photos / "zz.jpg").write_bytes(whole[: len(whole) // 2])
    diagnosis = examine(photos)
    found = finding(diagnosis, "unreadable")
    assert found.photos == ("zz.jpg",)
    assert found.words.startswith("zz.jpg cannot be read to its end")
    assert diagnosis.grade == "B"


def test_a_cropped_photo_is_worse_than_a_smaller_one(photos: Path):
    change(photos / "frame_03.png", resized(0.5))
    diagnosis = examine(photos)
    assert (finding(diagnosis, "sizes").level, diagnosis.grade) == ("note", "A")
    change(photos / "frame_08.png", lambda image: image.crop((0, 0, 200, 200)))
    diagnosis = examine(photos)
    assert finding(diagnosis, "sizes").photos == ("frame_08.png", "frame_03.png")
    assert diagnosis.grade == "B"


def test_photos_held_upright_among_sideways_ones_are_a_note(photos: Path):
    change(photos / "frame_03.png", lambda image: image.transpose(Image.Transpose.ROTATE_90))
    diagnosis = examine(photos)
    assert finding(diagnosis, "orientation").photos == ("frame_03.png",)
    assert diagnosis.grade == "A"


def test_another_zoom_is_noticed(sample_photos: Path):
    photos = read_photo_folder(sample_photos)
    shots = [replace(shot, camera="Maker One, 4 mm", focal_px=300.0) for shot in photos.views]
    shots[7] = replace(shots[7], camera="Maker One, 9 mm", focal_px=None)
    diagnosis = examine(replace(photos, views=tuple(shots)))
    assert finding(diagnosis, "lens").photos == (shots[7].name,)
    assert finding(diagnosis, "focal").photos == (shots[7].name,)
    assert "Maker One, 4 mm" in finding(diagnosis, "lens").words


def test_what_is_transparent_does_not_count(photos: Path):
    for path in sorted(photos.iterdir()):
        with Image.open(path) as image:
            cut = image.convert("RGBA")
        alpha = Image.new("L", cut.size, 0)
        alpha.paste(255, (60, 40, 260, 200))
        cut.putalpha(alpha)
        cut.save(path)
    whole = examine(photos)
    assert whole.grade == "A"
    assert all(0.2 < look.brightness < 0.6 for look in whole.measured.values())
    change(photos / "frame_11.png", blurred(2))  # loses its alpha too
    assert finding(examine(photos), "blur").photos == ("frame_11.png",)


def test_looking_can_be_broken_off_and_reports_steadily(sample_photos: Path):
    looking = look_at_photos(read_photo_folder(sample_photos))
    seen = [next(looking) for _ in range(3)]
    assert seen[0] == (0, 30)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    began = time.monotonic()
    looking.close()
    assert time.monotonic() - began < 1.0


def test_no_photos_at_all_are_told_as_such(sample_photos: Path):
    photos = read_photo_folder(sample_photos)
    diagnosis = examine(photos.without([shot.name for shot in photos.views]))
    assert diagnosis.grade == "D"


def test_the_grade_follows_its_rule():
    def found(level, count=1):
        return Finding(
            kind="k", level=level, title="t", words="w", photos=tuple(map(str, range(count)))
        )

    assert grade_of([found("note", 9), found("good")], total=9) == "A"
    assert grade_of([found("warn", 3)], total=9) == "B"
    assert grade_of([found("warn", 4)], total=9) == "C"
    assert grade_of([found("warn"), found("warn")], total=9) == "C"
    assert grade_of([found("note"), found("bad")], total=9) == "D"


def test_a_measurement_is_plain_numbers(sample_photos: Path):
    diagnosis = examine(sample_photos)
    name, look = next(iter(diagnosis.measured.items()))
    assert isinstance(look, Measured)
    assert type(look.sharpness) is float
    assert diagnosis.to_json()["measured"][name]["sharpness"] == look.sharpness
