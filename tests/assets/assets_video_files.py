"""Small videos, made by the ffmpeg that the program brings along."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np

WIDTH, HEIGHT, FPS = 96, 64, 10


def pattern(*, seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """[height, width, 3] uint8 squares of 4 pixels in random colours: much detail."""
    squares = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3))
    return np.kron(squares, np.ones((4, 4, 1))).astype(np.uint8)


def write_film(
    path: Path, frames: Iterable[np.ndarray] | None = None, *, seconds: float = 2.0, fps: int = FPS
) -> Path:
    """A video of `frames`, all of one size, or of a pattern that stays for `seconds`."""
    pictures = list(frames) if frames is not None else [pattern()] * round(seconds * fps)
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pictures[0].shape[:2]
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=fps, quality=9, macro_block_size=2, ffmpeg_timeout=20
    )
    writer.send(None)
    for picture in pictures:
        writer.send(np.ascontiguousarray(picture))
    writer.close()
    return path


def run_ffmpeg(*arguments: str | Path) -> None:
    """Whatever else ffmpeg can do; raises where it fails."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [program, "-y", "-loglevel", "error", *map(str, arguments)],
        check=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
