"""Videos: what they are, and the sharpest frames of them as a set of photos."""

import json
import os
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from assets import ffmpeg
from assets.errors import InputError
from assets.files import atomic_write, atomic_write_json, write_failure
from assets.formats.photo_folder import read_photo_folder
from assets.unposed import UnposedPhotos, Video

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v"})
"""Endings, in lower case, of the files that are taken for videos."""

_CANDIDATES = 12
"""Frames that are compared for each that is taken, where the video has so many."""
_REPORT_S = 0.1
_JUDGED_PX = 800
"""The longer side at about which frames are compared."""
_RECORD = "frames.json"


def open_video(path: Path) -> Video:
    """What the video at `path` is, without taking frames from it.

    Raises InputError with a sentence where the file is empty, damaged or has no pictures.
    """
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes); expected a video, copy it again")
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror or error}") from error
    found = ffmpeg.probe(path)
    if found.seconds <= 0:
        raise ffmpeg.damaged(path)
    return Video(
        name=path.stem,
        source=path,
        width=found.width,
        height=found.height,
        fps=found.fps,
        seconds=found.seconds,
    )


def choose_frames(
    video: Video, count: int, folder: Path, *, size_limit_px: int = 1920
) -> Generator[tuple[int, int], None, None]:
    """Leave the sharpest frame of each of `count` even windows of time in `folder`.

    They are called frame_0001.jpg and so on, upright, with no side longer than
    `size_limit_px`. Yields (done, total) in frames looked at, several times a second, and may
    be closed in between. Frames that were chosen in the same way before are kept. Raises
    InputError where the video gives no frame or the folder cannot be written.
    """
    wish = _wish(video, count, size_limit_px)
    rate = min(video.fps, _CANDIDATES * count / video.seconds)
    total = max(1, round(video.seconds * rate))
    windows = min(count, total)
    if _recorded(folder).get("wish") == wish and _all_there(folder):
        yield total, total
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _RECORD).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(write_failure(folder, error)) from error
    shrink = min(1.0, size_limit_px / max(video.width, video.height))
    width, height = (max(1, round(side * shrink)) for side in (video.width, video.height))
    seen, told, window = 0, time.monotonic(), 0
    best: tuple[float, np.ndarray] | None = None
    names: list[str] = []
    with closing(ffmpeg.frames(video.source, fps=rate, width=width, height=height)) as frames:
        for frame in frames:
            if frame is not None:
                at = min(windows - 1, seen * windows // total)
                if best is not None and at != window:
                    names.append(_write(best[1], folder, len(names) + 1))
                    best = None
                window = at
                seen += 1
                score = sharpness(frame)
                if best is None or score > best[0]:
                    best = (score, frame)
            if time.monotonic() - told > _REPORT_S:
                told = time.monotonic()
                yield min(seen, total - 1), total
    if best is None:
        raise ffmpeg.damaged(video.source)
    names.append(_write(best[1], folder, len(names) + 1))
    _leave_only(folder, names)
    notes = _notes(video, count, len(names), seen / rate)
    atomic_write_json(folder / _RECORD, {"wish": wish, "names": names, "notes": notes})
    yield total, total


def frames_of(video: Video, folder: Path) -> UnposedPhotos:
    """The frames of `video` that `choose_frames` left in `folder`.

    Raises InputError where there are none.
    """
    photos = read_photo_folder(folder)
    notes = (*_recorded(folder).get("notes", ()), *photos.notes)
    return replace(photos, name=video.name, source=video.source, ordered=True, notes=notes)


def sharpness(frame: np.ndarray) -> float:
    """How much fine detail a frame [h, w, 3] uint8 has, to compare it with its neighbours.

    Mean squared gradient (Tenengrad without a threshold) of a small grey copy.
    """
    grey = Image.fromarray(frame).convert("L")
    pixels = np.asarray(grey.reduce(max(1, round(max(grey.size) / _JUDGED_PX))), dtype=np.float32)
    across, down = np.diff(pixels, axis=1), np.diff(pixels, axis=0)
    return float(np.vdot(across, across) / max(1, across.size)) + float(
        np.vdot(down, down) / max(1, down.size)
    )


def _write(frame: np.ndarray, folder: Path, number: int) -> str:
    name = f"frame_{number:04d}.jpg"
    with atomic_write(folder / name) as file:
        Image.fromarray(frame).save(file, "JPEG", quality=95)
    return name


def _notes(video: Video, asked: int, taken: int, seconds: float) -> list[str]:
    notes = []
    if seconds < 0.9 * video.seconds - 0.5:
        notes.append(
            f"{video.source.name} breaks off after {seconds:.1f} of {video.seconds:.1f} s; the "
            "frames up to there are used"
        )
    if taken < asked:
        notes.append(
            f"{video.source.name} gave {taken} frames, fewer than the {asked} that were asked for"
        )
    return notes


def _wish(video: Video, count: int, size_limit_px: int) -> dict[str, object]:
    """What the frames depend on."""
    try:
        stat = video.source.stat()
    except OSError as error:
        raise InputError(f"{video.source} cannot be opened: {error.strerror or error}") from error
    return {
        "video": os.path.abspath(video.source),
        "bytes": stat.st_size,
        "changed_ns": stat.st_mtime_ns,
        "count": count,
        "size_limit_px": size_limit_px,
    }


def _recorded(folder: Path) -> dict:
    """What the last complete choice left; nothing where there was none."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _all_there(folder: Path) -> bool:
    names = _recorded(folder).get("names") or ()
    return bool(names) and all((folder / name).is_file() for name in names)


def _leave_only(folder: Path, names: list[str]) -> None:
    """Take away frames of an earlier choice that had more of them."""
    for path in folder.glob("frame_*.jpg"):
        if path.name not in names:
            path.unlink(missing_ok=True)
