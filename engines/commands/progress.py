"""How a run looks in a terminal: a bar where it is one, plain lines where it is not."""

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from engines.events import (
    Adjusted,
    Diagnosed,
    Evaluated,
    Event,
    Judged,
    Marked,
    PairsMatched,
    Prepared,
    Reconstructed,
    Registered,
    StageBegan,
    Stepped,
    Told,
    Warned,
)

LINE_EVERY_S = 10.0
"""Seconds between two plain lines."""
MEMORY_S = 3.0
"""Seconds of training over which the shown rate is averaged."""


class RunProgress:
    """Shows the events of one run on stderr; use as a context manager."""

    def __init__(self, *, steps: int, seconds: float = 0.0, console: Console | None = None) -> None:
        """`steps` and `seconds` (0 for none) are the run's limits."""
        self._steps, self._seconds = steps, seconds
        self._console = console or Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._last_line = -LINE_EVERY_S
        self._phase, self._details, self._training = "", "", "Training"
        self._rate = 0.0
        self._seen: Stepped | None = None
        self._scalars: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[figures]}", style="dim"),
                console=self._console,
                expand=True,
            )
            self._task = self._bar.add_task("Preparing", total=1.0, figures="")
            self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, event: Event) -> None:
        """Tell the person what `event` says."""
        match event:
            case Prepared():
                self._prepared(event)
            case Stepped():
                self._stepped(event)
            case Evaluated(split="holdout"):
                self._say(f"step {event.step:,}: held out {event.psnr:.2f} dB")
            case Judged():
                self._say(f"step {event.step:,}: held out loss {event.loss:.4f}")
            case Reconstructed():
                self._say(
                    f"step {event.step:,}: from their latents images have {event.psnr:.2f} dB"
                )
            case StageBegan():
                self._training = f"Training {event.name}"
                self._say(f"Stage {event.number} of {event.count}: {event.name}")
            case Marked():
                self._say(f"step {event.step:,}: {event.label}")
            case Warned() | Told():
                self._say(event.message)
            case Diagnosed():
                self._say(f"The {event.stage} have grade {event.grade}")
                for sentence in event.findings:
                    self._say(f"  {sentence}")
            case PairsMatched(connected=connected):
                self._details = f"{connected:,} pairs see the same things"
            case Registered() | Adjusted():
                self._details = f"{event.points:,} points"

    def _prepared(self, event: Prepared) -> None:
        if event.phase != self._phase:
            self._details = ""
        if self._bar is not None:
            part = event.done / max(1, event.total)
            figures = f"{event.done:,} of {event.total:,}" if event.total > 1 else ""
            figures = ", ".join(filter(None, (figures, self._details)))
            self._bar.update(self._task, description=event.phase, completed=part, figures=figures)
        elif event.phase != self._phase and event.done < event.total:
            self._say(event.phase)
        self._phase = event.phase

    def _stepped(self, event: Stepped) -> None:
        now = time.monotonic()
        if self._seen is not None and event.seconds > self._seen.seconds:
            passed = event.seconds - self._seen.seconds
            rate = (event.step - self._seen.step) / passed
            weight = min(1.0, passed / MEMORY_S)
            self._rate = self._rate + weight * (rate - self._rate) if self._rate else rate
        self._seen = event
        self._scalars.update(event.scalars)
        part = self._part(event)
        if self._bar is not None:
            self._bar.update(
                self._task,
                description=self._training if part < 1.0 else "Judging the result",
                completed=part,
                figures=self._figures(event),
            )
        elif now - self._last_line >= LINE_EVERY_S or part >= 1.0:
            self._last_line = now
            self._say(f"step {event.step:,} of {self._steps:,}: {self._figures(event)}")

    def _part(self, event: Stepped) -> float:
        by_time = event.seconds / self._seconds if self._seconds else 0.0
        return min(1.0, max(event.step / self._steps, by_time))

    def _figures(self, event: Stepped) -> str:
        words = []
        if "loss" in self._scalars:
            words.append(f"loss {self._scalars['loss']:.4f}")
        elif "autoencoder" in self._scalars:
            words.append(f"autoencoder loss {self._scalars['autoencoder']:.4f}")
        if self._rate:
            words.append(f"{self._rate:.1f} steps/s")
            left = (self._steps - event.step) / self._rate
            if self._seconds:
                left = min(left, max(0.0, self._seconds - event.seconds))
            words.append(f"{clock(left)} left")
        if "gaussians" in self._scalars:
            words.append(f"{int(self._scalars['gaussians']):,} Gaussians")
        return ", ".join(words)

    def _say(self, words: str) -> None:
        self._console.print(words, markup=False, soft_wrap=True)


def clock(seconds: float) -> str:
    """A duration as people read it: "0:42", "1:02:03"."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    tail = f"{whole % 60:02d}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def say(words: str) -> None:
    """A line of the command's answer, on stdout."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
