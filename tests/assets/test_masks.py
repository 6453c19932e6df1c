"""Masks: found, turned, undistorted, and written as COLMAP wants them."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assets_posed_files import HEIGHT, WIDTH, frames_of, ring, write_colmap, write_photos
from PIL import Image

from assets.errors import InputError
from assets.formats.colmap import read_colmap
from assets.formats.photo_folder import read_photo_folder
from assets.formats.transforms import read_transforms
from assets.masks import read_mask, write_mask
from assets.undistort import UndistortedPhoto
from assets.weights import weights_of

NAMES = ["1.png", "2.png", "3.png"]


def corner(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """[h, w] bool, False in the upper left corner."""
    kept = np.ones((height, width), bool)
    kept[: height // 3, : width // 4] = False
    return kept


def save_mask(path: Path, kept: np.ndarray, white: int = 255) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(kept.astype(np.uint8) * np.uint8(white)).save(path)
    return path


@pytest.mark.parametrize("white", [255, 1, 100])
def test_what_is_not_black_is_kept(tmp_path, white):
    np.testing.assert_array_equal(
        read_mask(save_mask(tmp_path / "a.png", corner(), white)), corner()
    )


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "I;16", "LA"])
def test_masks_of_every_mode_are_read(tmp_path, mode):
    picture = Image.fromarray(corner().astype(np.uint8) * np.uint8(255))
    if mode == "I;16":
        picture = Image.fromarray(corner().astype(np.uint16) * np.uint16(65535))
    else:
        picture = picture.convert(mode)
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), corner())


def test_the_noise_of_jpeg_is_no_white(tmp_path):
    save_mask(tmp_path / "a.jpg", corner())
    assert (read_mask(tmp_path / "a.jpg") != corner()).mean() < 0.01


def test_transparent_counts_as_black(tmp_path):
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[..., 3] = corner() * 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), corner())


def colmap_set(root: Path, **options) -> Path:
    write_colmap(root / "sparse/0", ring(NAMES), **options)
    write_photos(root / "images", NAMES)
    return root


def test_colmap_sets_have_the_masks_beside_their_photos(tmp_path):
    colmap_set(tmp_path)
    save_mask(tmp_path / "masks/1.png.png", corner())
    save_mask(tmp_path / "masks/2.jpg", corner())
    views = read_colmap(tmp_path).views
    assert [view.mask and view.mask.name for view in views] == ["1.png.png", "2.jpg", None]
    np.testing.assert_array_equal(weights_of(views[0], WIDTH, HEIGHT), corner())
    assert weights_of(views[2], WIDTH, HEIGHT) is None


def test_transforms_name_their_masks(tmp_path):
    write_photos(tmp_path / "images", NAMES)
    frames = frames_of(ring(NAMES))
    frames[0]["mask_path"] = "my masks/one.png"
    frames[1]["mask_path"] = "my masks/missing.png"
    save_mask(tmp_path / "my masks/one.png", corner())
    (tmp_path / "transforms.json").write_text(json.dumps({"fl_x": 50, "frames": frames}))
    dataset = read_transforms(tmp_path / "transforms.json")
    masks = [view.mask for view in dataset.views]
    assert masks == [tmp_path / "my masks/one.png", None, None]
    assert any("1 of 2 masks were not found" in note for note in dataset.notes)
    assert not any("not used" in note for note in dataset.notes)


def test_shrunk_masks_leave_out_what_is_mixed(tmp_path):
    colmap_set(tmp_path)
    kept = np.ones((HEIGHT, WIDTH), bool)
    kept[:, 31] = False
    save_mask(tmp_path / "masks/1.png", kept)
    view = read_colmap(tmp_path).views[0]
    small = weights_of(view, WIDTH // 2, HEIGHT // 2)
    expected = np.ones((HEIGHT // 2, WIDTH // 2), bool)
    expected[:, 15] = False
    np.testing.assert_array_equal(small, expected)
    odd = weights_of(view, 23, 17)
    assert not odd[:, 11].any()
    assert odd.sum() >= 17 * 20


def test_masks_go_through_the_lens_with_their_photos(tmp_path):
    colmap_set(tmp_path, model="OPENCV", params=[60, 62, 33, 23.5, -0.3, 0.05, 0, 0])
    marked = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    marked[corner()] = 255
    for name in NAMES:  # photos that look like their masks show what should be left out
        Image.fromarray(marked).save(tmp_path / "images" / name)
        save_mask(tmp_path / "masks" / name, corner())
    for view in read_colmap(tmp_path).views:
        assert isinstance(view.photo, UndistortedPhoto)
        width, height = view.photo.width, view.photo.height
        kept = weights_of(view, width, height)
        seen = view.photo.load(width, height)[..., 0]
        assert 0.02 < (~kept).mean() < 0.2
        assert seen[kept].min() > 0.9
        assert seen[~kept].mean() < 0.4
        np.testing.assert_array_equal(kept, seen > 0.99)


@pytest.mark.parametrize("turned", [True, False])
def test_masks_of_turned_photos(tmp_path, turned):
    """As stored the photo lies on its side; the mask may do so too, or be upright."""
    from assets.camera import Camera
    from assets.photos import FilePhoto
    from assets.posed import View

    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 60)).save(tmp_path / "images/a.jpg", exif=exif)
    upright = corner(40, 60)
    save_mask(tmp_path / "masks/a.png", np.rot90(upright) if turned else upright)
    (shot,) = read_photo_folder(tmp_path).views
    written = write_mask(shot, tmp_path / "work/masks")
    assert written.name == "a.jpg.png"
    np.testing.assert_array_equal(read_mask(written), upright)
    camera = Camera(width=60, height=40, fx=50, fy=50, cx=30, cy=20)
    view = View("a.jpg", FilePhoto(shot.path, 60, 40), camera, shot.mask)
    np.testing.assert_array_equal(weights_of(view, 60, 40), upright)


def test_written_masks_have_the_names_and_values_of_colmap(tmp_path):
    write_photos(tmp_path, ["a.png", "b.tif", "sub/x.png"])
    save_mask(tmp_path / "masks/a.png", corner(), white=1)
    save_mask(tmp_path / "masks/b.tif.png", corner(HEIGHT * 2, WIDTH * 2))
    shots = {shot.name: shot for shot in read_photo_folder(tmp_path).views}
    for name, expected in (("a.png", "a.png.png"), ("b.tif", "b.tif.png.png")):
        written = write_mask(shots[name], tmp_path / "work")
        assert written == tmp_path / "work" / expected
        with Image.open(written) as image:
            assert (image.mode, image.size) == ("L", (WIDTH, HEIGHT))
            assert set(np.unique(np.asarray(image))) == {0, 255}
            np.testing.assert_array_equal(np.asarray(image) > 0, corner())


def test_alpha_is_a_mask_and_neither_is_none(tmp_path):
    write_photos(tmp_path, ["a.png", "b.png", "c.png"])
    pixels = np.full((HEIGHT, WIDTH, 4), 200, np.uint8)
    pixels[..., 3] = corner() * 200
    Image.fromarray(pixels).save(tmp_path / "b.png")
    pixels[..., 3] = 255
    Image.fromarray(pixels).save(tmp_path / "c.png")
    plain, clear, opaque = read_photo_folder(tmp_path).views
    assert write_mask(plain, tmp_path / "work") is None
    assert write_mask(opaque, tmp_path / "work") is None
    written = write_mask(clear, tmp_path / "work")
    np.testing.assert_array_equal(read_mask(written), corner())
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["b.png.png"]


def test_a_mask_of_another_shape_or_no_picture_is_a_sentence(tmp_path):
    write_photos(tmp_path, ["a.png", "b.png"])
    save_mask(tmp_path / "masks/a.png", corner(40, 40))
    (tmp_path / "masks/b.png").write_bytes(b"text")
    a, b = read_photo_folder(tmp_path).views
    with pytest.raises(InputError, match=r"a\.png has 40x40 pixels, but its photo has 64x48"):
        write_mask(a, tmp_path / "work")
    with pytest.raises(InputError, match=r"b\.png is not a photo"):
        write_mask(b, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_written_masks_stay_until_something_changes(tmp_path):
    write_photos(tmp_path, ["a.png"])
    mask = save_mask(tmp_path / "masks/a.png", corner())
    (shot,) = read_photo_folder(tmp_path).views
    first = write_mask(shot, tmp_path / "work").stat().st_mtime_ns
    assert write_mask(shot, tmp_path / "work").stat().st_mtime_ns == first
    save_mask(mask, ~corner())
    os.utime(mask, ns=(first + 10**9, first + 10**9))
    np.testing.assert_array_equal(read_mask(write_mask(shot, tmp_path / "work")), ~corner())
    shot = replace(shot, mask=None)
    os.utime(shot.path, ns=(first + 10**11, first + 10**11))
    assert write_mask(shot, tmp_path / "work") is None
    assert not list((tmp_path / "work").iterdir())
