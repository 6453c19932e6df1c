"""Photos of every mode, size and state of repair."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.camera import Camera
from assets.errors import InputError
from assets.photos import FilePhoto, PhotoCache
from assets.posed import PosedPhotos, View
from assets.thumbnails import thumbnail


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(9 * x + 4 * y), np.cos(11 * y), np.sin(7 * x * y + 1)]
    return np.round(127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) + 1e-12))


def test_full_size_is_exact(tmp_path):
    pixels = noise(31, 45)
    photo = FilePhoto(saved(tmp_path / "ä photo 1.png", pixels), 45, 31)
    loaded = photo.load(45, 31)
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, pixels / 255, atol=1e-6)


def test_whole_factors_average_areas(tmp_path):
    pixels = noise(60, 90)
    photo = FilePhoto(saved(tmp_path / "a.png", pixels), 90, 60)
    expected = pixels.reshape(20, 3, 30, 3, 3).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(photo.load(30, 20), expected, atol=0.6 / 255)


def test_other_factors_do_not_alias(tmp_path):
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    photo = FilePhoto(saved(tmp_path / "a.png", stripes), 200, 200)
    shrunk = photo.load(70, 70)
    assert shrunk.shape == (70, 70, 3)
    assert np.abs(shrunk[5:-5, 5:-5] - 0.5).max() < 0.15


def test_growing_works(tmp_path):
    photo = FilePhoto(saved(tmp_path / "a.png", smooth(40, 60)), 60, 40)
    assert photo.load(120, 80).shape == (80, 120, 3)


@pytest.mark.parametrize("factor", [2, 4, 8, 5])
def test_jpeg_shortcuts_look_like_the_photo(tmp_path, factor):
    pixels = smooth(320, 480)
    path = saved(tmp_path / "a.jpg", pixels, quality=95)
    shrunk = FilePhoto(path, 480, 320).load(480 // factor, 320 // factor)
    exact = pixels.reshape(320 // factor, factor, 480 // factor, factor, 3).mean(axis=(1, 3))
    assert psnr(shrunk, exact / 255) > 38


def test_alpha_is_kept_and_does_not_bleed(tmp_path):
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[..., 0] = 255  # transparent red all over
    pixels[:, 5:15] = (0, 0, 255, 255)
    photo = FilePhoto(saved(tmp_path / "a.png", pixels), 20, 20)
    shrunk = photo.load(10, 10)
    assert shrunk.shape == (10, 10, 4)
    edge = shrunk[4, 2]
    np.testing.assert_allclose(edge, [0, 0, 1, 0.5], atol=0.01)


def test_opaque_alpha_is_dropped(tmp_path):
    pixels = np.concatenate([noise(8, 8), np.full((8, 8, 1), 255, np.uint8)], axis=2)
    assert FilePhoto(saved(tmp_path / "a.png", pixels), 8, 8).load(8, 8).shape == (8, 8, 3)


def test_sixteen_bit_grey_keeps_its_depth(tmp_path):
    pixels = np.linspace(0, 65535, 64 * 32).astype(np.uint16).reshape(32, 64)
    photo = FilePhoto(saved(tmp_path / "a.png", pixels), 64, 32)
    loaded = photo.load(64, 32)
    assert loaded.shape == (32, 64, 3)
    np.testing.assert_allclose(loaded[..., 1], pixels / 65535, atol=1e-6)
    assert len(np.unique(loaded)) > 2000
    assert photo.load(32, 16).shape == (16, 32, 3)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [("L", "png"), ("P", "png"), ("1", "png"), ("CMYK", "jpg"), ("LA", "png"), ("F", "tiff")],
)
def test_other_modes_become_colours(tmp_path, mode, ending):
    grey = smooth(24, 32)[..., 0]
    image = Image.fromarray(grey)
    if mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    else:
        image = image.convert("RGB").convert(mode)
    image.save(tmp_path / f"a.{ending}")
    loaded = FilePhoto(tmp_path / f"a.{ending}", 32, 24).load(32, 24)
    assert loaded.shape == (24, 32, 3)
    if mode not in ("1", "P"):
        assert psnr(loaded[..., 0], grey / 255) > 30


def test_rotation_is_honoured_only_where_the_camera_agrees(tmp_path):
    pixels = smooth(40, 60)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise by a quarter
    path = saved(tmp_path / "a.jpg", pixels, exif=exif, quality=95)
    as_stored = FilePhoto(path, 60, 40).load(60, 40)
    assert psnr(as_stored, pixels / 255) > 30
    turned = FilePhoto(path, 40, 60).load(40, 60)
    assert psnr(turned, np.rot90(pixels, k=-1) / 255) > 30
    assert FilePhoto(path, 40, 60).load(10, 15).shape == (15, 10, 3)


def test_a_photo_of_another_shape_is_refused(tmp_path):
    path = saved(tmp_path / "a.png", noise(40, 60))
    with pytest.raises(InputError, match=r"a\.png has 60x40 pixels.*calibrated for 50x50"):
        FilePhoto(path, 50, 50).load(25, 25)
    with pytest.raises(InputError, match="calibrated for 40x60"):  # turned without EXIF
        FilePhoto(path, 40, 60).load(20, 30)


def test_a_shrunk_copy_serves_for_the_full_size(tmp_path):
    path = saved(tmp_path / "a.png", noise(41, 61))
    assert FilePhoto(path, 243, 163).load(61, 41).shape == (41, 61, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")  # Pillow on the way to its error
@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp", "bmp"])
def test_broken_files_are_told_apart_by_name(tmp_path, ending):
    path = saved(tmp_path / f"photo.{ending}", noise(64, 64))
    data = path.read_bytes()
    photo = FilePhoto(path, 64, 64)
    for broken in (b"", data[: len(data) // 2], b"this is a text file\n" * 50, data[:30]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=f"photo.{ending}"):
            photo.load(32, 32)
    path.unlink()
    with pytest.raises(InputError, match="does not exist"):
        photo.load(32, 32)


def test_an_absurd_size_in_a_header_is_no_reason_to_allocate(tmp_path):
    data = bytearray(saved(tmp_path / "a.bmp", noise(8, 8)).read_bytes())
    data[18:26] = (60000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.bmp"):
        FilePhoto(tmp_path / "a.bmp", 60000, 60000).load(10, 10)


class CountingPhoto:
    """A photo in memory that knows how often it was read."""

    def __init__(self, seed: int) -> None:
        self.width, self.height, self.reads = 20, 10, 0
        self.pixels = noise(10, 20, seed=seed).astype(np.float32) / 255

    def load(self, width: int, height: int) -> np.ndarray:
        self.reads += 1
        return self.pixels[:height, :width]


def test_cache_reads_once_and_gives_fresh_arrays():
    cache, photo = PhotoCache(10_000), CountingPhoto(0)
    first = cache.load(photo, 20, 10)
    np.testing.assert_allclose(first, photo.pixels, atol=1e-6)
    first[:] = 7.0
    np.testing.assert_allclose(cache.load(photo, 20, 10), photo.pixels, atol=1e-6)
    assert photo.reads == 1
    cache.load(photo, 10, 5)
    assert photo.reads == 2


def test_cache_stays_within_its_budget_and_drops_the_least_used():
    cache = PhotoCache(3 * 600)
    a, b, c, d = (CountingPhoto(i) for i in range(4))
    for photo in (a, b, c, a, d):  # d takes the place of b
        cache.load(photo, 20, 10)
        assert cache.used_bytes <= 3 * 600
    for photo in (a, c, d):
        cache.load(photo, 20, 10)
    assert (a.reads, b.reads, c.reads, d.reads) == (1, 1, 1, 1)
    cache.load(b, 20, 10)
    assert b.reads == 2
    cache.clear()
    assert cache.used_bytes == 0


def test_cache_without_budget_still_loads():
    cache, photo = PhotoCache(0), CountingPhoto(0)
    cache.load(photo, 20, 10)
    cache.load(photo, 20, 10)
    assert (photo.reads, cache.used_bytes) == (2, 0)


def test_cache_serves_many_threads():
    cache = PhotoCache(5 * 600)
    photos = [CountingPhoto(i) for i in range(12)]
    wrong = []

    def work(seed: int) -> None:
        for i in np.random.default_rng(seed).integers(0, 12, 200):
            if not np.allclose(cache.load(photos[i], 20, 10), photos[i].pixels, atol=1e-6):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cache.used_bytes == 5 * 600


def data_set(*paths: Path) -> PosedPhotos:
    camera = Camera(width=32, height=24, fx=30, fy=30, cx=16, cy=12)
    views = tuple(View(p.name, FilePhoto(p, 32, 24), camera) for p in paths)
    return PosedPhotos(name="set", source=Path("set"), views=views, notes=("earlier",))


def test_thumbnails_fit_a_square(tmp_path):
    view = data_set(saved(tmp_path / "a.png", smooth(24, 32))).views[0]
    small = thumbnail(view, 16)
    assert small.shape == (12, 16, 3)
    assert small.dtype == np.uint8
    expected = smooth(24, 32).reshape(12, 2, 16, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - expected).max() < 2
