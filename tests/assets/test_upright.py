"""Upright photos: every orientation and mode, and files that other programs read."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from assets.errors import InputError
from assets.exif import read_header
from assets.formats.photo_folder import read_photo_folder
from assets.unposed import Shot
from assets.upright import UprightPhoto, upright_name, write_upright

WIDTH, HEIGHT = 64, 40


def scene() -> np.ndarray:
    """[40, 64, 3] uint8, smooth, and different in each corner."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([4 * x, 6 * y, 255 - 2 * (x + y)], axis=-1).astype(np.uint8)


def stored(path: Path, orientation: int, **options: object) -> Path:
    """`scene()` in a file that has to be turned before it looks like it."""
    upright = Image.fromarray(scene())
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # values of Image.Transpose
    exif = Image.Exif()
    exif[0x0112] = orientation
    if orientation != 1:
        upright = upright.transpose(Image.Transpose(undo[orientation]))
    upright.save(path, exif=exif, **options)
    turned = ImageOps.exif_transpose(Image.open(path))
    assert turned.size == (WIDTH, HEIGHT)
    return path


def shot_of(path: Path) -> Shot:
    return read_photo_folder(path.parent).views[0]


def error_of(pixels: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(pixels.astype(float) - expected.astype(float)).mean())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_all_orientations_are_honoured(tmp_path, orientation, ending):
    options = {"quality": 95, "subsampling": 0} if ending == "jpg" else {}
    (tmp_path / "in").mkdir()
    path = stored(tmp_path / f"in/a.{ending}", orientation, **options)
    shot = shot_of(path)
    assert isinstance(shot.photo, UprightPhoto)
    assert (shot.photo.width, shot.photo.height) == (WIDTH, HEIGHT)
    assert error_of(shot.photo.load(WIDTH, HEIGHT) * 255, scene()) < 3
    small = scene().reshape(20, 2, 32, 2, 3).mean(axis=(1, 3))
    assert error_of(shot.photo.load(32, 20) * 255, small) < 3
    written = write_upright(shot, tmp_path / "out")
    assert written.name == f"a.{ending}"
    with Image.open(written) as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert error_of(np.asarray(image), scene()) < 3


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_standard_files_are_linked_and_stay_as_they_are(tmp_path, ending):
    (tmp_path / "in").mkdir()
    path = stored(tmp_path / f"in/a.{ending}", 1)
    written = write_upright(shot_of(path), tmp_path / "out")
    assert os.path.samefile(written, path)
    assert write_upright(shot_of(path), tmp_path / "out") == written
    before = path.read_bytes()
    Image.new("RGB", (8, 8)).save(tmp_path / "other.png")
    os.replace(tmp_path / "other.png", written)  # what somebody does to the copy
    assert path.read_bytes() == before


def test_where_there_are_no_links_files_are_copied(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "in").mkdir()
    path = stored(tmp_path / "in/a.jpg", 1)
    written = write_upright(shot_of(path), tmp_path / "out")
    assert not os.path.samefile(written, path)
    assert written.read_bytes() == path.read_bytes()
    assert [entry.name for entry in written.parent.iterdir()] == ["a.jpg"]


def in_mode(mode: str) -> Image.Image:
    if mode == "I;16":
        deep = scene()[..., 0].astype(np.uint16) * 257
        return Image.fromarray(deep)
    return Image.fromarray(scene()).convert(mode)


@pytest.mark.parametrize(
    ("name", "mode", "expected", "written_mode"),
    [
        ("a.jpg", "L", "a.jpg", "L"),
        ("a.jpg", "CMYK", "a.jpg", "RGB"),
        ("a.png", "L", "a.png", "L"),
        ("a.png", "P", "a.png", "RGB"),
        ("a.png", "1", "a.png", "L"),
        ("a.png", "LA", "a.png", "RGBA"),
        ("a.png", "RGBA", "a.png", "RGBA"),
        ("a.png", "I;16", "a.png", "L"),
        ("a.tif", "RGB", "a.tif.png", "RGB"),
        ("a.bmp", "RGB", "a.bmp.png", "RGB"),
        ("a.webp", "RGB", "a.webp.jpg", "RGB"),
        ("a.JPEG", "RGB", "a.JPEG", "RGB"),
    ],
)
def test_other_files_are_converted(tmp_path, name, mode, expected, written_mode):
    (tmp_path / "in").mkdir()
    in_mode(mode).save(tmp_path / "in" / name)
    shot = shot_of(tmp_path / "in" / name)
    written = write_upright(shot, tmp_path / "out")
    assert written.name == expected == upright_name(shot)
    with Image.open(written) as image:
        assert image.mode == written_mode
        assert image.format == ("JPEG" if expected.lower().endswith(("jpg", "jpeg")) else "PNG")
        reference = np.asarray(in_mode(mode).convert("RGB")) if mode != "I;16" else None
        pixels = np.asarray(image.convert("RGB"))
    if reference is None:
        reference = np.repeat(scene()[..., :1], 3, axis=2)
    assert error_of(pixels, reference) < 4


def test_deep_colour_and_wrong_endings_are_converted(tmp_path):
    (tmp_path / "in").mkdir()
    write_deep_png(tmp_path / "in/deep.png")
    Image.fromarray(scene()).save(tmp_path / "in/wrong.jpg", "PNG")
    deep, wrong = read_photo_folder(tmp_path / "in").views
    written = write_upright(deep, tmp_path / "out")
    assert written.read_bytes()[24] == 8  # bits a channel in the PNG header
    assert deep.path.read_bytes()[24] == 16
    named = write_upright(wrong, tmp_path / "out")
    assert named.name == "wrong.jpg.png"
    with Image.open(named) as image:
        np.testing.assert_array_equal(np.asarray(image), scene())


def write_deep_png(path: Path) -> None:
    """A PNG of 16-bit RGB, which Pillow cannot write."""
    import struct
    import zlib

    rows = scene().astype(">u2") * 257
    data = b"".join(b"\0" + row.tobytes() for row in rows.astype(">u2"))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def test_alpha_is_kept(tmp_path):
    (tmp_path / "in").mkdir()
    pixels = np.dstack([scene(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    pixels[:10, :, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "in/a.webp", lossless=True, exact=True)
    written = write_upright(shot_of(tmp_path / "in/a.webp"), tmp_path / "out")
    with Image.open(written) as image:
        np.testing.assert_array_equal(np.asarray(image)[..., 3], pixels[..., 3])


def test_what_is_there_stays_until_the_photo_changes(tmp_path):
    (tmp_path / "in").mkdir()
    path = stored(tmp_path / "in/a.jpg", 6)
    written = write_upright(shot_of(path), tmp_path / "out")
    first = written.stat().st_mtime_ns
    assert write_upright(shot_of(path), tmp_path / "out").stat().st_mtime_ns == first
    newer = first + 10_000_000_000
    os.utime(path, ns=(newer, newer))
    assert write_upright(shot_of(path), tmp_path / "out").stat().st_mtime_ns != first


@pytest.mark.parametrize(("ending", "orientation"), [("jpg", 1), ("jpg", 6), ("png", 1)])
def test_a_cut_off_photo_is_a_sentence_and_leaves_nothing(tmp_path, ending, orientation):
    (tmp_path / "in").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"in/a.{ending}"
    Image.fromarray(noise).save(path, exif=exif)
    path.write_bytes(path.read_bytes()[:-20_000])
    shot = shot_of(path)  # the header is fine
    with pytest.raises(InputError, match=rf"a\.{ending} cannot be read to its end"):
        write_upright(shot, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="cannot be read to its end"):
        shot.photo.load(100, 75)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "in").mkdir()
    path = stored(tmp_path / "in/a.jpg", 6)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="could not be written"):
        write_upright(shot_of(path), tmp_path / "out")


def test_photos_of_folders_keep_their_folders(tmp_path):
    from assets.formats.photo_folder import photos_from_files

    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        stored(tmp_path / folder / "a.png", 1)
    shots = photos_from_files([tmp_path / "one/a.png", tmp_path / "two/a.png"]).views
    names = [write_upright(shot, tmp_path / "out").relative_to(tmp_path / "out") for shot in shots]
    assert [name.as_posix() for name in names] == ["one/a.png", "two/a.png"]


def test_even_the_smallest_photo_can_be_written(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (5, 300)).save(tmp_path / "in/a.jpg")
    assert write_upright(shot_of(tmp_path / "in/a.jpg"), tmp_path / "out").is_file()


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_what_a_decoder_stumbles_over_is_a_sentence(tmp_path):
    path = tmp_path / "a.avif"
    Image.new("RGB", (8, 8)).save(path)
    path.write_bytes(path.read_bytes().replace(b"iloc", b"----"))
    with pytest.raises(RuntimeError), Image.open(path):
        pass
    with pytest.raises(InputError, match=r"a\.avif cannot be opened"):
        read_header(path)


def test_more_pixels_than_are_read_are_a_sentence(tmp_path, monkeypatch):
    Image.new("L", (2100, 1000)).save(tmp_path / "a.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**6)
    with pytest.raises(InputError, match=r"a\.jpg has more than 2 million pixels.* 1,000x1,000"):
        read_header(tmp_path / "a.jpg")
