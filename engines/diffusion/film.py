"""The way from noise to sample taken out: as a film, or as one sheet of its steps."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from assets.errors import InputError
from assets.files import atomic_write
from engines.diffusion.artist import Stroke
from engines.diffusion.labelled import enlarged

SUFFIXES = (".mp4", ".gif", ".png")
PICTURE_PX = 256
"""About how wide and high one picture of a film is."""
GAP_PX = 8
GROUND = 24
"""Grey between and behind the pictures."""
MOST_FRAMES = 240
SHEET_STEPS = 10
SECONDS = 4.0
"""A film of the whole path takes about this long, and rests for one more at its end."""
POINT = (255, 180, 84)

Run = Sequence[Stroke]


def pictures_of(stroke: Stroke, row: int, *, reach: float = 2.5) -> list[np.ndarray]:
    """x_t, x0 and predicted noise of one sample as [h, w, 3] uint8; of points all x_t and x0.

    Among latents x_t stands there twice: decoded and as it is.
    """
    if stroke.x.ndim == 2:
        return [_dots(part.numpy(), reach) for part in (stroke.x, stroke.x0)]
    latent = ("latent",) if stroke.shower is not None else ()
    found = [stroke.picture(what, row) for what in ("x", *latent, "x0", "eps")]
    colour = [p.repeat(3, axis=2) if p.shape[2] == 1 else p for p in found]
    return [enlarged(p, max(1, PICTURE_PX // max(p.shape[:2]))) for p in colour]


def filmed(stroke: Stroke, row: int) -> Stroke:
    """What pictures of one sample need of `stroke`, as its row 0; of points it is all of it."""
    if stroke.x.ndim == 2:
        return stroke
    x, x0, eps = (part[row : row + 1].clone() for part in (stroke.x, stroke.x0, stroke.eps))
    return replace(stroke, x=x, x0=x0, eps=eps)


def frames_of(runs: Sequence[Run], row: int) -> Iterator[np.ndarray]:
    """[h, w, 3] uint8 for each step of the longest run, one run above the other.

    Steps are matched by their noise level; height and width are even, as films want them.
    """
    longest = max(runs, key=len)
    for step in _chosen(len(longest), MOST_FRAMES):
        t = longest[step].t
        rows = [pictures_of(at_level(run, t), row) for run in runs]
        yield _even(_stacked(rows))


def sheet_of(runs: Sequence[Run], row: int) -> np.ndarray:
    """[h, w, 3] uint8: some steps side by side, below each other x_t, x0 and predicted noise."""
    longest = max(runs, key=len)
    levels = [longest[i].t for i in _chosen(len(longest), SHEET_STEPS)]
    rows = []
    for run in runs:
        columns = [pictures_of(at_level(run, t), row) for t in levels]
        rows += [list(line) for line in zip(*columns, strict=True)]
    return _stacked(rows)


def at_level(run: Run, t: float) -> Stroke:
    """The stroke nearest to the noise level `t`; the last one at 0."""
    return run[-1] if t == 0 else min(run, key=lambda stroke: abs(stroke.t - t))


def write_path(path: Path, runs: Sequence[Run], row: int = 0) -> None:
    """`runs` of sample `row` to `path`, whole or not at all, as its end says: mp4, gif or png.

    Raises InputError.
    """
    if not runs or not all(runs):
        raise InputError("Nothing was drawn yet; draw samples, then save their path")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path.name} cannot be written: the format is told by the name's end, so use one of "
            f"{', '.join(SUFFIXES)}"
        )
    if suffix == ".png":
        buffer = io.BytesIO()
        Image.fromarray(sheet_of(runs, row)).save(buffer, "png")
        content = buffer.getvalue()
    else:
        frames = list(frames_of(runs, row))
        content = _gif(frames) if suffix == ".gif" else _mp4(frames)
    with atomic_write(path) as file:
        file.write(content)


def _chosen(count: int, most: int) -> list[int]:
    """At most `most` of `count` steps, evenly, with the first and the last."""
    places = np.linspace(0, count - 1, min(count, most))
    return sorted({round(place) for place in places})


def _stacked(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    height, width = rows[0][0].shape[:2]
    down, across = len(rows), max(len(row) for row in rows)
    shape = (down * (height + GAP_PX) + GAP_PX, across * (width + GAP_PX) + GAP_PX, 3)
    whole = np.full(shape, GROUND, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = GAP_PX + i * (height + GAP_PX), GAP_PX + j * (width + GAP_PX)
            whole[top : top + height, left : left + width] = picture
    return whole


def _even(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    return np.pad(frame, pad, constant_values=GROUND)


def _dots(points: np.ndarray, reach: float) -> np.ndarray:
    """[256, 256, 3] uint8 with a dot of 3 x 3 pixels for each of points [n, 2]."""
    picture = np.full((PICTURE_PX, PICTURE_PX, 3), GROUND - 8, np.uint8)
    places = np.round((points * [1, -1] / reach + 1) / 2 * (PICTURE_PX - 1))
    inside = np.isfinite(places).all(1) & (
        np.abs(places - PICTURE_PX / 2) < PICTURE_PX / 2 - 2
    ).all(1)
    for x, y in places[inside].astype(int):
        picture[y - 1 : y + 2, x - 1 : x + 2] = POINT
    return picture


def _fps(frames: Sequence[np.ndarray]) -> int:
    return max(2, min(30, round(len(frames) / SECONDS)))


def _gif(frames: Sequence[np.ndarray]) -> bytes:
    first, *rest = (Image.fromarray(frame) for frame in frames)
    step_ms = 1000 // _fps(frames)
    buffer = io.BytesIO()
    durations = [step_ms] * len(rest) + [1000 + step_ms]
    first.save(buffer, "gif", save_all=True, append_images=rest, duration=durations, loop=0)
    return buffer.getvalue()


def _mp4(frames: Sequence[np.ndarray]) -> bytes:
    import imageio_ffmpeg

    fps = _fps(frames)
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory(prefix="zograscope-film-") as folder:
        place = Path(folder) / "path.mp4"
        try:
            writer = imageio_ffmpeg.write_frames(
                str(place), (width, height), fps=fps, macro_block_size=1, quality=8
            )
            writer.send(None)
            for frame in [*frames, *[frames[-1]] * fps]:
                writer.send(np.ascontiguousarray(frame))
            writer.close()
            return place.read_bytes()
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"The film could not be encoded as mp4: {error}. Save it as .gif instead"
            ) from error
