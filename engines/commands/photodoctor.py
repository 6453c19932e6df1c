"""What the doctor says of photos, in a terminal: the same as the window shows."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from assets.unposed import UnposedPhotos, Video
from engines.commands.inputs import unposed_photos
from engines.doctor import Diagnosis, Finding, look_at_photos, look_at_poses
from engines.poses.outcome import FILE_NAME, read_outcome

FRAMES = 40
"""Frames of a video that are looked at."""
_NAMED = 8
_STYLES = {"good": "green", "note": "blue", "warn": "yellow", "bad": "red"}
_MARKS = {"good": "ok", "note": "note", "warn": "warning", "bad": "problem"}
_GRADES = {"A": "green", "B": "green", "C": "yellow", "D": "red"}


@dataclass(frozen=True)
class PhotoDoctor:
    """Looks at photos and, where poses were found from them, at these."""

    photos: str
    """A folder of photos, a video, a finished COLMAP project or "sample"."""
    console: Console | None = None

    def run(self) -> int:
        """Returns 0 for grades A to C and 1 for D; raises InputError where there are no photos."""
        console = self.console or Console(highlight=False)
        source = unposed_photos(self.photos)
        with _readable(source) as (photos, notes):
            for note in (*notes, *photos.notes):
                console.print(Text(note), soft_wrap=True)
            first = _looked_at(photos)
        tell(first, console, title=f"Photos of {photos.name}")
        grades = [first.grade]
        outcome = Path(self.photos) / FILE_NAME
        if outcome.is_file():
            result = read_outcome(outcome.parent)
            taking_part = set(result.photos)
            others = [shot.name for shot in photos.views if shot.name not in taking_part]
            second = look_at_poses(result, photos.without(others), first.measured)
            console.print()
            tell(second, console, title=f"Poses of {photos.name}")
            grades.append(second.grade)
        return int("D" in grades)


def tell(diagnosis: Diagnosis, console: Console, *, title: str) -> None:
    """Print the grade and all findings, the gravest first."""
    head = Text(f"{title}: ")
    head.append(diagnosis.summary, style=f"bold {_GRADES[diagnosis.grade]}")
    console.print(head, soft_wrap=True)
    if not console.is_terminal:
        for finding in diagnosis.findings:
            mark = _MARKS[finding.level]
            console.print(Text(f"{mark}: {'. '.join(_lines(finding))}"), soft_wrap=True)
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in diagnosis.findings:
        title_line, *rest = _lines(finding)
        words = Text(title_line, style="bold")
        words.append("".join(f"\n{line}" for line in rest), style="not bold")
        table.add_row(Text(_MARKS[finding.level], style=_STYLES[finding.level]), words)
    console.print(table)


def _lines(finding: Finding) -> list[str]:
    """Title, what was seen, what to do, and the photos."""
    names = ", ".join(finding.photos[:_NAMED])
    more = len(finding.photos) - _NAMED
    if more > 0:
        names += f" and {more:,} more"
    return [line for line in (finding.title, finding.words, finding.advice, names) if line]


@contextmanager
def _readable(source: UnposedPhotos | Video) -> Iterator[tuple[UnposedPhotos, tuple[str, ...]]]:
    """Photos to look at, and what to say first: of a video some frames, for as long as needed."""
    if isinstance(source, UnposedPhotos):
        yield source, ()
        return
    from assets.video import choose_frames, frames_of

    with tempfile.TemporaryDirectory(prefix="zograscope-frames-") as folder:
        with (
            _Bar("Choosing frames") as bar,
            closing(choose_frames(source, FRAMES, Path(folder))) as choosing,
        ):
            for done, total in choosing:
                bar.show(done, total)
        note = (
            f"{source.source.name} is a video; judged are {FRAMES} frames at most, the sharpest "
            "of even parts of it"
        )
        yield frames_of(source, Path(folder)), (note,)


def _looked_at(photos: UnposedPhotos) -> Diagnosis:
    with _Bar("Looking at the photos") as bar, closing(look_at_photos(photos)) as looking:
        while True:
            try:
                bar.show(*next(looking))
            except StopIteration as end:
                return end.value


class _Bar:
    """A progress bar on stderr where that is a terminal, and nothing where it is not."""

    def __init__(self, words: str) -> None:
        console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(words, total=1.0)

    def show(self, done: int, total: int) -> None:
        """How far it is."""
        self._progress.update(self._task, completed=done / max(1, total))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()
