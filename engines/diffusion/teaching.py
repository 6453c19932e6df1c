"""A teacher that needs many steps shows a student what comes of which noise.

    pairs = make_pairs(Teaching(model=Path("model.safetensors"), pairs=2_000))
    engine = DiffusionEngine(pairs, student_config())

The student begins with the teacher's weights and learns the straight line between each noise and
its sample (Liu et al. 2023, "Flow straight and fast": reflow). At t = 1 that is their
distillation loss |x0 - eps - v|^2 for a single step; half of every batch lies there. Guidance
is in the samples, so the student follows its words without.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from assets.errors import InputError
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.config import GUIDANCE, PAIRS
from engines.diffusion.data.pairs import Pairs
from engines.diffusion.data.source import Source
from engines.diffusion.film import pictures_of
from engines.diffusion.finite import check_finite
from engines.diffusion.labelled import Labelled
from engines.diffusion.mapfiles import write_pictures
from engines.diffusion.memory import free_bytes
from engines.diffusion.paths import levels
from engines.diffusion.samplers import euler, last, walk
from engines.diffusion.saved import SavedModel, read_model
from engines.diffusion.sheet import sheet_of
from engines.diffusion.stroke import Shower, Stroke
from kernels.threads import torch_at_work

TeacherSampler = Literal["dpmpp_2m", "ddim", "euler", "heun", "midpoint"]
"""Those that draw the same from the same noise, without which there are no pairs."""
FEWEST = 16
BARE = 10
"""Every so many-th pair is drawn for nothing, so that the student also draws without words."""
IMAGES_AT_ONCE, POINTS_AT_ONCE = 32, 1_024
SEEDS = 1 << 31
"""Seeds of pairs lie from here on, beyond those that people may ask for; torch reads 32 bits."""
FEW = (1, 2, 4)
"""Steps in which teacher and student are compared."""
COMPARED = 256
"""Held-out pairs on which they are."""


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """Who teaches, and how what is learnt from is drawn."""

    model: Path
    pairs: int = PAIRS
    sampler: TeacherSampler = "dpmpp_2m"
    steps: int = 20
    guidance: float | None = None
    """None for `GUIDANCE` where the teacher knows words."""
    seed: int = 0
    captions: tuple[str, ...] = ()
    """What to draw; none for those on the teacher's card. Classes are known anyway."""
    digest: str = ""
    """SHA-256 of the model file of a run that goes on; empty for any."""

    def about(self) -> dict[str, Any]:
        """JSON values from which `of` makes it again."""
        return asdict(self) | {"model": str(self.model.resolve())}

    @classmethod
    def of(cls, about: dict[str, Any]) -> "Teaching":
        """The inverse of `about`; raises TypeError or KeyError where something is missing."""
        given = {"model": Path(about["model"]), "captions": tuple(about["captions"])}
        return cls(**(about | given))


def make_pairs(teaching: Teaching, *, progress: Callable[[int, int], None] | None = None) -> Pairs:
    """Have the teacher draw; `progress` is told how many of how many samples there are.

    What it raises ends the drawing. Raises InputError for a model that cannot teach.
    """
    if teaching.pairs < FEWEST:
        raise InputError(
            f"{teaching.pairs} pairs are too few to learn from; ask for at least {FEWEST}"
        )
    if teaching.sampler not in get_args(TeacherSampler):
        raise InputError(
            f"{teaching.sampler} draws something else from the same noise each time; let the "
            f"teacher draw with one of {', '.join(get_args(TeacherSampler))}"
        )
    saved = read_model(teaching.model)
    digest = hashlib.sha256(teaching.model.read_bytes()).hexdigest()
    if teaching.digest not in ("", digest):
        raise InputError(
            f"{teaching.model} is not the model that this student began with; put that back, or "
            "start a new student"
        )
    artist = Artist.of(saved)
    needed = 2 * 4 * teaching.pairs * math.prod(artist.noise_shape)
    if needed > free_bytes(torch.device("cpu")):
        raise InputError(
            f"{teaching.pairs:,} pairs would need {needed / 1e9:,.1f} GB of memory, which are not "
            "free; ask for fewer"
        )
    texts = _texts(teaching, saved)
    x0, noise = _drawn(artist, teaching, texts, progress)
    if not bool(torch.isfinite(x0).all()):
        raise InputError(
            f"{saved.name} draws numbers that are not finite; train it anew with a lower rate"
        )
    known = saved.vocabulary
    taught = replace(teaching, digest=digest)
    return Pairs(
        name=saved.name,
        teacher=saved,
        x0=x0,
        noise=noise,
        texts=tuple(texts),
        said="nothing" if known is None else "classes" if known.classes else "captions",
        notes=_notes(saved),
        source=Source(teaching=taught),
    )


def _drawn(
    artist: Artist,
    teaching: Teaching,
    texts: Sequence[str],
    progress: Callable[[int, int], None] | None,
) -> tuple[Tensor, Tensor]:
    """Samples and their noise, [n, ...] both."""
    at_once = POINTS_AT_ONCE if len(artist.shape) == 1 else IMAGES_AT_ONCE
    samples, noise = [], []
    for number, start in enumerate(range(0, len(texts), at_once)):
        part = tuple(texts[start : start + at_once])
        seed = SEEDS + (65_537 * teaching.seed + number) % SEEDS
        wish = wish_of(artist, teaching, part, seed=seed)
        artist.check(wish)
        strokes = []
        with closing(artist.draw(wish)) as way:
            for stroke in way:
                check_finite(stroke, artist, wish)
                strokes = [*strokes[:1], stroke]  # the first has the noise, the last the samples
                if progress is not None:
                    progress(start, len(texts))
        noise.append(strokes[0].x)
        samples.append(strokes[-1].x)
    if progress is not None:
        progress(len(texts), len(texts))
    return torch.cat(samples), torch.cat(noise)


def wish_of(artist: Artist, teaching: Teaching, texts: tuple[str, ...], *, seed: int = 0) -> Wish:
    """What the teacher is asked to draw for `texts`."""
    guidance = GUIDANCE if teaching.guidance is None else teaching.guidance
    return Wish(
        count=len(texts),
        texts=texts if artist.vocabulary is not None else (),
        literal=True,
        sampler=teaching.sampler,
        steps=teaching.steps,
        guidance=guidance if any(texts) else 0.0,
        seed=seed,
    )


def _texts(teaching: Teaching, saved: SavedModel) -> list[str]:
    """What each pair is drawn for, every `BARE`-th for nothing."""
    known = saved.vocabulary
    if known is None:
        return [""] * teaching.pairs
    said = known.words if known.classes else teaching.captions or _captions_of(saved)
    if not said:
        raise InputError(
            f"{saved.name} learnt captions of which its file keeps none; name a file with one on "
            "each line: --captions FILE.txt"
        )
    return ["" if i % BARE == BARE - 1 else said[i % len(said)] for i in range(teaching.pairs)]


def _captions_of(saved: SavedModel) -> tuple[str, ...]:
    found = saved.trained.get("captions")
    return tuple(str(text) for text in found) if isinstance(found, list) else ()


def _notes(saved: SavedModel) -> tuple[str, ...]:
    path, target = saved.diffusion["path"], saved.diffusion["target"]
    if (path, target) == ("flow", "velocity"):
        return ()
    return (
        f"The teacher learnt {target} on the path {path} and the student learns velocity on flow, "
        "so it has more to learn than if both were the same",
    )


def in_steps(
    artist: Artist, noise: Tensor, texts: tuple[str, ...], steps: int, *, guidance: float = 0.0
) -> Tensor:
    """[n, ...] what `artist` makes of `noise` [n, ...] in so many even steps of Euler's."""
    wish = Wish(
        count=len(noise),
        texts=texts if artist.vocabulary is not None else (),
        literal=True,
        guidance=guidance if any(texts) else 0.0,
    )
    with torch_at_work():
        return last(
            walk(
                euler,
                artist.denoiser(wish),
                noise.to(artist.device),
                levels(steps),
                generator=torch.Generator(),
            )
        ).cpu()


@dataclass(frozen=True, eq=False, kw_only=True)
class Compared:
    """Teacher and student from the same noise, which neither has learnt from."""

    texts: tuple[str, ...]
    shown: Tensor
    """[n, ...] the teacher's samples in many steps."""
    teacher: dict[int, Tensor]
    """By number of steps of Euler's, [n, ...]."""
    student: dict[int, Tensor]
    shower: Shower | None = None
    """What makes pictures of latents; None where pixels or points are drawn."""

    def apart(self, who: Literal["teacher", "student"]) -> dict[int, float]:
        """Mean squared difference from the teacher's samples in many steps, by steps."""
        found = getattr(self, who)
        return {steps: float((x - self.shown).square().mean()) for steps, x in found.items()}


def compared(pairs: Pairs, student: Artist, *, most: int = COMPARED) -> Compared:
    """Both on up to `most` of `pairs`, in `FEW` steps, the teacher guided as it was."""
    assert pairs.source is not None
    teaching = pairs.source.teaching
    assert teaching is not None
    noise, texts = pairs.noise[:most], pairs.texts[:most]
    teacher = Artist.of(pairs.teacher)
    guidance = wish_of(teacher, teaching, texts).guidance
    return Compared(
        texts=texts,
        shower=None if teacher.space is None else Shower(teacher.space),
        shown=pairs.x0[:most],
        teacher={k: in_steps(teacher, noise, texts, k, guidance=guidance) for k in FEW},
        student={k: in_steps(student, noise, texts, k) for k in FEW},
    )


def write_comparison(path: Path, found: Compared, name: str) -> None:
    """Samples of both in few steps beside what the teacher drew in many, as .png.

    Raises InputError when it cannot be written.
    """
    kinds = {"Teacher, all its steps": found.shown}
    for who, samples in (("Teacher", found.teacher), ("Student", found.student)):
        kinds |= {f"{who}, {k} step{'s' * (k > 1)}": x for k, x in samples.items()}
    pictures = [Labelled(pixels=_sheet(x, found.shower), words=words) for words, x in kinds.items()]
    # The student's row stands below the teacher's.
    pictures.insert(4, Labelled(pixels=pictures[0].pixels, words=pictures[0].words))
    write_pictures(path, pictures, f"{name}: teacher and student from the same noise")


def _sheet(samples: Tensor, shower: Shower | None) -> np.ndarray:
    """[h, w, 3] uint8."""
    stroke = Stroke(
        index=0, t=0.0, x=samples, x0=samples, eps=torch.zeros_like(samples), shower=shower
    )
    if samples.ndim == 2:
        return pictures_of(stroke, 0)[0]
    picture = sheet_of(stroke.bytes_of("x"))
    return picture.repeat(3, axis=2) if picture.shape[2] == 1 else picture
