"""Videos: what is chosen from them, and what is said where nothing can be."""

import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
import pytest
from assets_video_files import FPS, HEIGHT, WIDTH, pattern, run_ffmpeg, write_film
from PIL import Image, ImageFilter

from assets.errors import InputError
from assets.formats.photo_folder import read_photo_folder
from assets.video import choose_frames, frames_of, open_video, sharpness


def blurred(picture: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def marked(picture: np.ndarray, index: int) -> np.ndarray:
    """The picture with `index` written into it, 5 blocks of black or white at the bottom."""
    picture = picture.copy()
    for bit in range(5):
        picture[-16:, bit * 16 : bit * 16 + 16] = 255 * (index >> bit & 1)
    return picture


def index_in(path: Path) -> int:
    with Image.open(path) as image:
        row = np.asarray(image.convert("L"))[-8]
    return sum((row[bit * 16 + 8] > 127) << bit for bit in range(5))


@pytest.fixture(scope="module")
def shaken(tmp_path_factory) -> Path:
    """2 s of 10 frames each; all are blurred but those numbered 3, 6, 14 and 15."""
    frames = []
    for i in range(20):
        sharp = pattern(seed=i // 10)
        blur = {3: 0.0, 6: 0.4, 14: 0.0, 15: 0.2}.get(i, 2.0)
        frames.append(marked(blurred(sharp, blur) if blur else sharp, i))
    return write_film(tmp_path_factory.mktemp("video") / "shaken.mp4", frames)


@pytest.mark.parametrize(("count", "chosen"), [(2, [3, 14]), (4, [3, 6, 14, 15])])
def test_the_sharpest_frame_of_each_window_is_taken(shaken, tmp_path, count, chosen):
    video = open_video(shaken)
    progress = list(choose_frames(video, count, tmp_path / "frames"))
    names = sorted(path.name for path in (tmp_path / "frames").glob("*.jpg"))
    assert names == [f"frame_{i + 1:04d}.jpg" for i in range(count)]
    assert [index_in(tmp_path / "frames" / name) for name in names] == chosen
    assert progress[-1] == (20, 20)
    assert all(a <= b for a, b in pairwise(progress))
    photos = frames_of(video, tmp_path / "frames")
    assert (photos.name, photos.source, photos.ordered) == ("shaken", shaken, True)
    assert [shot.name for shot in photos.views] == names
    assert photos.notes == ()


def test_frames_chosen_before_are_kept_until_something_else_is_wanted(shaken, tmp_path):
    video = open_video(shaken)
    list(choose_frames(video, 4, tmp_path))
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert list(choose_frames(video, 4, tmp_path)) == [(20, 20)]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    (tmp_path / "frame_0002.jpg").unlink()
    list(choose_frames(video, 4, tmp_path))
    assert (tmp_path / "frame_0002.jpg").is_file()
    list(choose_frames(video, 2, tmp_path))
    assert len(frames_of(video, tmp_path).views) == 2


def test_fewer_frames_than_asked_are_all_taken(tmp_path):
    video = open_video(write_film(tmp_path / "a.mp4", [marked(pattern(), i) for i in range(7)]))
    list(choose_frames(video, 50, tmp_path / "frames"))
    photos = frames_of(video, tmp_path / "frames")
    assert [index_in(shot.path) for shot in photos.views] == list(range(7))
    assert photos.notes == ("a.mp4 gave 7 frames, fewer than the 50 that were asked for",)


def test_of_many_frames_only_some_are_compared(tmp_path):
    video = open_video(write_film(tmp_path / "a.mp4", seconds=10))
    assert list(choose_frames(video, 2, tmp_path / "frames"))[-1] == (24, 24)


def test_large_frames_are_shrunk_and_keep_their_shape(tmp_path):
    film = write_film(tmp_path / "a.mp4", [pattern(width=320, height=200)] * 5)
    list(choose_frames(open_video(film), 2, tmp_path / "frames", size_limit_px=160))
    for path in (tmp_path / "frames").glob("*.jpg"):
        with Image.open(path) as image:
            assert image.size == (160, 100)


@pytest.mark.parametrize("ending", ["mp4", "mov", "webm", "mkv", "avi", "m4v"])
def test_all_kinds_of_files(tmp_path, ending):
    source = write_film(tmp_path / "source.mp4")
    film = tmp_path / f"a film: 50% - ü.{ending}"
    run_ffmpeg("-i", source, f"file:{film}")
    video = open_video(film)
    assert (video.width, video.height) == (WIDTH, HEIGHT)
    assert video.fps == pytest.approx(FPS, abs=0.1)
    assert video.seconds == pytest.approx(2.0, abs=0.15)
    list(choose_frames(video, 3, tmp_path / "frames"))
    photos = frames_of(video, tmp_path / "frames")
    assert len(photos.views) == 3
    with Image.open(photos.views[0].path) as image:
        difference = np.asarray(image).astype(float) - pattern()
    assert np.abs(difference).mean() < 20


def test_films_that_do_not_tell_how_long_they_are(tmp_path):
    source = write_film(tmp_path / "source.mp4")
    with (tmp_path / "live.webm").open("wb") as file:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        command = [program, "-loglevel", "error", "-i", str(source), "-f", "webm", "-"]
        subprocess.run(command, stdout=file, stdin=subprocess.DEVNULL, check=True, timeout=30)
    assert open_video(tmp_path / "live.webm").seconds == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_films_come_upright(tmp_path, degrees):
    source = write_film(tmp_path / "source.mp4")
    film = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", str(degrees), "-i", source, "-c", "copy", film)
    video = open_video(film)
    expected = np.rot90(pattern(), k=degrees // 90)
    assert (video.height, video.width) == expected.shape[:2]
    list(choose_frames(video, 1, tmp_path / "frames"))
    with Image.open(tmp_path / "frames/frame_0001.jpg") as image:
        assert np.abs(np.asarray(image).astype(float) - expected).mean() < 20


def test_pixels_that_are_not_square(tmp_path):
    source = write_film(tmp_path / "source.mp4")
    run_ffmpeg("-i", source, "-vf", "setsar=2", tmp_path / "wide.mp4")
    video = open_video(tmp_path / "wide.mp4")
    assert (video.width, video.height) == (2 * WIDTH, HEIGHT)


def test_what_is_no_video_is_a_sentence(tmp_path):
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "song.mp4")
    with pytest.raises(InputError, match=r"song\.mp4 has no pictures in it, only sound"):
        open_video(tmp_path / "song.mp4")
    (tmp_path / "zero.mp4").write_bytes(b"")
    with pytest.raises(InputError, match=r"zero\.mp4 is empty \(0 bytes\)"):
        open_video(tmp_path / "zero.mp4")
    (tmp_path / "text.mp4").write_text("Dear reader\n" * 100)
    film = write_film(tmp_path / "film.mp4")
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[:1500])
    for name in ("text", "cut"):
        with pytest.raises(InputError, match=rf"{name}\.mp4 cannot be played, it is damaged"):
            open_video(tmp_path / f"{name}.mp4")
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        open_video(tmp_path / "none.mp4")
    video = open_video(film)
    film.unlink()
    with pytest.raises(InputError, match="cannot be opened"):
        list(choose_frames(video, 2, tmp_path / "frames"))


def test_a_song_with_a_cover_is_no_video(tmp_path):
    Image.fromarray(pattern()).save(tmp_path / "cover.png")
    sound = ("-f", "lavfi", "-i", "sine=duration=1", "-i", tmp_path / "cover.png", "-map", "0")
    cover = ("-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic")
    run_ffmpeg(*sound, *cover, tmp_path / "song.mp4")
    with pytest.raises(InputError, match="only sound"):
        open_video(tmp_path / "song.mp4")


def test_a_film_that_breaks_off_gives_what_it_has(tmp_path):
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8) for _ in range(40)]
    source = write_film(tmp_path / "source.mp4", noise)
    run_ffmpeg("-i", source, tmp_path / "whole.mkv")
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    video = open_video(tmp_path / "cut.mkv")
    list(choose_frames(video, 8, tmp_path / "frames"))
    photos = frames_of(video, tmp_path / "frames")
    assert 2 <= len(photos.views) <= 6
    assert "cut.mkv breaks off after" in photos.notes[0]


def test_without_ffmpeg_it_says_what_to_install(tmp_path, monkeypatch):
    film = write_film(tmp_path / "a.mp4", seconds=0.5)

    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(InputError, match="need ffmpeg, which is missing"):
        open_video(film)


def test_closing_ends_ffmpeg_at_once_and_leaves_no_choice(tmp_path):
    film = tmp_path / "long.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=10:duration=40",
               "-preset", "ultrafast", film)  # fmt: skip
    video = open_video(film)
    choosing = choose_frames(video, 40, tmp_path / "frames")
    began = time.perf_counter()
    waits = []
    for _ in range(3):
        before = time.perf_counter()
        done, total = next(choosing)
        waits.append(time.perf_counter() - before)
    assert done < total == 400
    assert max(waits) < 1.0
    assert running_ffmpeg()
    before = time.perf_counter()
    choosing.close()
    assert time.perf_counter() - before < 0.5
    assert not running_ffmpeg()
    assert not [thread for thread in threading.enumerate() if thread.name == "video frames"]
    assert time.perf_counter() - began < 5
    assert not (tmp_path / "frames/frames.json").exists()
    list(choose_frames(video, 3, tmp_path / "frames"))  # and again from the start
    assert len(read_photo_folder(tmp_path / "frames").views) == 3


def running_ffmpeg() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "ffmpeg" in child.name()]


def test_a_folder_that_cannot_be_written_is_a_sentence(shaken, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="could not be written"):
        list(choose_frames(open_video(shaken), 2, tmp_path / "file"))
    assert not running_ffmpeg()


def test_blur_lowers_sharpness():
    sharp = pattern(width=640, height=480)
    scores = [sharpness(blurred(sharp, radius)) for radius in (0.5, 1.0, 2.0, 4.0)]
    assert sharpness(sharp) > scores[0] > scores[1] > scores[2] > scores[3]
