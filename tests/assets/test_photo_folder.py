"""Folders of plain photos: what is taken, what is left out, what EXIF tells."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import InputError
from assets.formats.photo_folder import photos_from_files, read_photo_folder

EXIF_IFD = 0x8769
MAKE, MODEL, ORIENTATION = 0x010F, 0x0110, 0x0112
FOCAL, FOCAL_35, TAKEN = 0x920A, 0xA405, 0x9003
PLANE_RESOLUTION, PLANE_UNIT, STORED_WIDTH, STORED_HEIGHT = 0xA20E, 0xA210, 0xA002, 0xA003


def save(path: Path, size: tuple[int, int] = (60, 40), tags: dict | None = None) -> Path:
    """A grey photo with EXIF `tags`."""
    exif = Image.Exif()
    for tag, value in (tags or {}).items():
        (exif if tag < 0x8000 else exif.get_ifd(EXIF_IFD))[tag] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"exif": exif} if tags else {}
    Image.new("RGB", size, (90, 90, 90)).save(path, **options)
    return path


def test_photos_are_sorted_as_people_count_and_named_from_their_folder(tmp_path):
    for name in ("b10.jpg", "b9.PNG", "a.webp", "notes.txt", ".hidden.jpg", "thumbs/c.jpg"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("x")
        else:
            save(tmp_path / name)
    photos = read_photo_folder(tmp_path)
    assert [shot.name for shot in photos.views] == ["a.webp", "b9.PNG", "b10.jpg"]
    assert photos.name == tmp_path.name
    assert photos.source == tmp_path
    assert photos.notes == ()
    assert photos.kept == photos.views
    assert (photos.views[0].photo.width, photos.views[0].photo.height) == (60, 40)


@pytest.mark.parametrize("inside", ["images", "Input", "photos"])
def test_photos_in_a_folder_of_the_set_keep_its_name(tmp_path, inside):
    for i in range(3):
        save(tmp_path / "scene" / inside / f"{i}.jpg")
    save(tmp_path / "scene/cover.jpg")
    photos = read_photo_folder(tmp_path / "scene")
    assert [shot.name for shot in photos.views] == ["0.jpg", "1.jpg", "2.jpg"]
    assert (photos.name, photos.source) == ("scene", tmp_path / "scene")


def test_single_photos_from_several_folders_become_one_set(tmp_path):
    paths = [save(tmp_path / name) for name in ("one/a.jpg", "one/b.jpg", "two/a.jpg")]
    photos = photos_from_files([*paths, paths[0]])
    assert [shot.name for shot in photos.views] == ["one/a.jpg", "one/b.jpg", "two/a.jpg"]
    together = photos_from_files(paths[:2])
    assert [shot.name for shot in together.views] == ["a.jpg", "b.jpg"]
    assert together.source == tmp_path / "one"
    with pytest.raises(InputError, match="No photo was given"):
        photos_from_files([])


def test_files_that_cannot_be_opened_are_told_in_one_note(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.jpg")
    (tmp_path / "bad.jpg").write_bytes(b"not a photo")
    (tmp_path / "none.png").write_bytes(b"")
    photos = read_photo_folder(tmp_path)
    assert [shot.name for shot in photos.views] == ["0.jpg", "1.jpg", "2.jpg"]
    (note,) = photos.notes
    assert note == (
        "2 of 5 photos are left out because they cannot be read: bad.jpg (is not a photo in a "
        "known format), none.png (is empty (0 bytes))"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are text")
def test_a_name_that_is_no_text_is_told_and_left_out(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.jpg")
    os.rename(tmp_path / "0.jpg", os.fsencode(tmp_path) + b"/k\xfcche.jpg")
    photos = read_photo_folder(tmp_path)
    assert [shot.name for shot in photos.views] == ["1.jpg", "2.jpg"]
    assert "k?che.jpg (has a name that is no text" in photos.notes[0]


def test_where_nothing_can_be_opened_that_is_the_error(tmp_path):
    with pytest.raises(InputError, match="has no photos"):
        read_photo_folder(tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"not a photo")
    with pytest.raises(InputError, match=r"None of the 1 photos .* bad\.jpg is not a photo"):
        read_photo_folder(tmp_path)


def test_heic_photos_say_what_to_install(tmp_path):
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("HEIC photos can be read here")
    save(tmp_path / "a.jpg")
    (tmp_path / "b.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (note,) = read_photo_folder(tmp_path).notes
    assert "b.HEIC (is a HEIC photo: run pip install pillow-heif" in note
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(InputError, match="pillow-heif to read those, or save them as JPEG"):
        read_photo_folder(tmp_path)


@pytest.mark.parametrize(
    ("tags", "focal"),
    [
        ({FOCAL_35: 26}, 26 / 43.2666 * 72.111),
        ({FOCAL: 5.0, PLANE_RESOLUTION: 254.0, PLANE_UNIT: 2}, 50.0),
        ({FOCAL: 5.0, PLANE_RESOLUTION: 100.0, PLANE_UNIT: 3}, 50.0),
        ({FOCAL: 5.0, PLANE_RESOLUTION: 508.0, STORED_WIDTH: 120, STORED_HEIGHT: 80}, 50.0),
        ({FOCAL: 5.0}, None),
        ({FOCAL_35: 0}, None),
        ({FOCAL: 0.001, PLANE_RESOLUTION: 254.0}, None),  # nobody has such a lens
        (None, None),
    ],
)
def test_focal_lengths_in_pixels_from_exif(tmp_path, tags, focal):
    save(tmp_path / "a.jpg", tags=tags)
    (shot,) = read_photo_folder(tmp_path).views
    assert shot.focal_px == (None if focal is None else pytest.approx(focal, rel=1e-4))


def test_turned_photos_are_upright_and_equal_cameras_have_equal_words(tmp_path):
    phone = {MAKE: "Acme\0", MODEL: "Acme One", FOCAL: 4.25, FOCAL_35: 26}
    save(tmp_path / "a.jpg", tags=phone)
    save(tmp_path / "b.jpg", tags=phone | {ORIENTATION: 6})
    save(tmp_path / "c.jpg", tags=phone | {FOCAL: 9.0})
    save(tmp_path / "d.jpg", tags={MAKE: "Other", MODEL: "X1"})
    a, b, c, d = read_photo_folder(tmp_path).views
    assert (b.photo.width, b.photo.height) == (40, 60)
    assert a.camera == b.camera == "Acme One, 4.25 mm"
    assert a.focal_px == b.focal_px
    assert c.camera != a.camera
    assert d.camera == "Other X1"


def test_masks_are_found_beside_and_inside_by_both_ways_of_naming(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save(tmp_path / "images" / name)
    beside = save(tmp_path / "masks/a.jpg.png")
    inside = save(tmp_path / "images/masks/b.png")
    for dropped in (tmp_path, tmp_path / "images"):
        photos = read_photo_folder(dropped)
        assert [shot.mask for shot in photos.views] == [beside, inside, None]
        assert len(photos.views) == 3  # masks are no photos
        assert photos.notes == ("2 of 3 photos have masks; what is black there is ignored",)


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["IMG_0101.jpg", "IMG_0102.jpg", "IMG_0103.jpg", "IMG_0104.jpg"], True),
        (["IMG_0101.jpg", "IMG_0109.jpg", "IMG_0123.jpg", "IMG_0124.jpg"], False),
        (["cat.jpg", "dog.jpg", "eel.jpg"], False),
        (["f9.jpg", "f10.jpg", "f11.jpg"], False),  # other programs sort these otherwise
        (["a1.jpg", "b2.jpg", "c3.jpg"], False),
        (["1.jpg", "2.jpg"], False),
    ],
)
def test_consecutive_numbers_make_a_sequence(tmp_path, names, ordered):
    for name in names:
        save(tmp_path / name)
    assert read_photo_folder(tmp_path).ordered == ordered


@pytest.mark.parametrize(("step", "ordered"), [(1, True), (20, False)])
def test_a_burst_is_a_sequence_whatever_its_names(tmp_path, step, ordered):
    for i, name in enumerate(["cat.jpg", "dog.jpg", "eel.jpg"]):
        save(tmp_path / name, tags={TAKEN: f"2024:05:01 10:00:{i * step:02d}"})
    assert read_photo_folder(tmp_path).ordered == ordered


@pytest.mark.parametrize(("ending", "tags"), [("jpg", {FOCAL_35: 26}), ("png", None)])
def test_headers_of_many_photos_are_read_quickly(tmp_path, ending, tags):
    import time

    first = save(tmp_path / f"0000.{ending}", size=(3200, 2400), tags=tags).read_bytes()
    for i in range(1, 200):
        (tmp_path / f"{i:04d}.{ending}").write_bytes(first)
    began = time.perf_counter()
    assert len(read_photo_folder(tmp_path).views) == 200
    assert time.perf_counter() - began < 1.5  # some 0.1 s; decoding them would take 5


def test_real_photos(shared_data, tmp_path):
    fox = read_photo_folder(shared_data / "fox/images")
    assert len(fox.views) == 50
    assert {(shot.photo.width, shot.photo.height) for shot in fox.views} == {(1080, 1920)}
    for path in (shared_data / "kermit").glob("*.jpg"):
        (tmp_path / path.name).symlink_to(path)
    kermit = read_photo_folder(tmp_path)
    assert len(kermit.views) == 11
    assert kermit.ordered
    assert {shot.camera for shot in kermit.views} == {"Canon PowerShot A10, 5.406 mm"}
    # Bundler found 635 to 732 for these photos.
    np.testing.assert_allclose([shot.focal_px for shot in kermit.views], 661.26, atol=0.1)
