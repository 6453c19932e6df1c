"""The one place that knows how to talk to ffmpeg: what a video is, and its frames as arrays."""

import contextlib
import os
import queue
import re
import subprocess
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from assets.errors import InputError

_WAIT_S = 60.0
"""How long ffmpeg may take to say what a file is."""
_POLL_S = 0.1
_SQUARE = "scale=iw*sar:ih,setsar=1"
"""Gives pixels that are not square the shape that they have on a screen."""
_STREAM = re.compile(r"^\s*Stream #\d.*Video: .*?\b(\d+)x(\d+)\b(.*)$", re.MULTILINE)
_RATE = re.compile(r"([\d.]+)(k?) (?:fps|tbr)\b")
_DURATION = re.compile(r"Duration: (\d+):(\d+):([\d.]+)")
_REACHED = re.compile(r"time=(\d+):(\d+):([\d.]+)")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What ffmpeg says of a video."""

    width: int
    """Pixels of an upright frame, as frames come out."""
    height: int
    fps: float
    """Mean frames per second."""
    seconds: float


def probe(path: Path) -> Probe:
    """What the video at `path` is; its first frame is read to be sure.

    Raises InputError with a sentence where it has no video stream, is damaged or no video.
    """
    words = _said(path, "-map", "0:V:0", "-frames:v", "1", "-vf", _SQUARE, "-f", "null", "-")
    read, _, written = words.partition("Output #0")
    streams, frames = _STREAM.findall(read), _STREAM.findall(written)
    if "matches no streams" in words or ("Stream #" in read and not streams):
        raise InputError(f"{path} has no pictures in it, only sound; choose a video of the scene")
    if not streams or not frames or re.search(r"^frame=\s*[1-9]", words, re.MULTILINE) is None:
        raise damaged(path)
    rate = _RATE.search(streams[0][2])
    fps = float(rate[1]) * (1000.0 if rate[2] else 1.0) if rate else 0.0
    seconds = _in_seconds(_DURATION.search(read))
    if not seconds:  # films that browsers record do not say how long they are
        walked = _said(path, "-map", "0:V:0", "-c", "copy", "-f", "null", "-")
        seconds = _in_seconds(list(_REACHED.finditer(walked))[-1:] or None)
    return Probe(
        width=int(frames[-1][0]),
        height=int(frames[-1][1]),
        fps=fps if fps > 0 else 30.0,
        seconds=seconds,
    )


def damaged(path: Path) -> InputError:
    """What to say of a file that should be a video and gives no frame."""
    return InputError(
        f"{path} cannot be played, it is damaged or no video; copy it again or save it as MP4"
    )


def frames(
    path: Path, *, fps: float, width: int, height: int
) -> Generator[np.ndarray | None, None, None]:
    """Upright frames [height, width, 3] uint8 at an even `fps`, first to last.

    None comes in between whenever ffmpeg takes its time, so that whoever waits can stop. A
    file that breaks off just ends early. ffmpeg ends at once when the generator is closed.
    """
    picture = f"fps={fps:.6g},scale={width}:{height},setsar=1"
    arguments = ["-map", "0:V:0", "-vf", picture, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            _command(path, "-loglevel", "error", arguments=arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            creationflags=_no_window(),
        )
        stream = process.stdout
        assert stream is not None
        arrived: queue.Queue[bytearray | None] = queue.Queue(maxsize=2)
        reader = threading.Thread(
            target=_read_all,
            args=(stream, width * height * 3, arrived),
            name="video frames",
            daemon=True,
        )
        reader.start()
        try:
            while True:
                try:
                    data = arrived.get(timeout=_POLL_S)
                except queue.Empty:
                    yield None
                    continue
                if data is None:
                    return
                yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
        finally:
            process.kill()
            while reader.is_alive():
                with contextlib.suppress(queue.Empty):
                    arrived.get_nowait()
                reader.join(0.005)
            stream.close()
            process.wait()


def _read_all(stream: IO[bytes], size: int, arrived: "queue.Queue[bytearray | None]") -> None:
    """Put every whole frame of `size` bytes in the queue, and None behind the last."""
    while True:
        data = bytearray(size)
        view, filled = memoryview(data), 0
        while filled < size:
            count = stream.readinto(view[filled:])  # pyright: ignore[reportAttributeAccessIssue]
            if not count:
                arrived.put(None)
                return
            filled += count
        arrived.put(data)


def _said(path: Path, *arguments: str) -> str:
    """All that ffmpeg says on its way through `path`."""
    try:
        done = subprocess.run(
            _command(path, arguments=list(arguments)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_WAIT_S,
            check=False,
            creationflags=_no_window(),
        )
    except subprocess.TimeoutExpired as error:
        raise damaged(path) from error
    return done.stderr.decode("utf-8", "replace").replace("\r", "\n")


def _command(path: Path, *options: str, arguments: list[str]) -> list[str]:
    # With "file:" a name is never taken for an option, an address or a pattern.
    source = f"file:{os.path.abspath(path)}"
    return [_program(), "-hide_banner", "-nostdin", *options, "-i", source, *arguments]


def _program() -> str:
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise InputError(
            "Videos need ffmpeg, which is missing; run pip install --force-reinstall "
            "imageio-ffmpeg, or take photos from the video with another program"
        ) from error


def _no_window() -> int:
    return getattr(subprocess, "CREATE_NO_WINDOW", 0)


def _in_seconds(found: "re.Match[str] | list[re.Match[str]] | None") -> float:
    if not found:
        return 0.0
    match = found[0] if isinstance(found, list) else found
    return 3600 * int(match[1]) + 60 * int(match[2]) + float(match[3])
