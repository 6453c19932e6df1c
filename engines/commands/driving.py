"""What every run in a terminal shares: it is shown, stopped by Ctrl-C, and leaves its files."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.commands.interrupt import StopRequest
from engines.commands.progress import RunProgress, clock, say
from engines.events import Failed, Stepped

if TYPE_CHECKING:
    from engines.report import ReportBuilder

CHECKPOINT_EVERY_S = 60.0
"""Seconds between two checkpoints while the run goes on."""

Writer = tuple[Path, Callable[[Path], None]]
"""Where something is written to, and what writes it there."""


def carry_out(
    engine: Any,
    report: "ReportBuilder",
    leave: Callable[[], None],
    *,
    checkpoint: Path | None = None,
) -> int:
    """Run `engine` to its end or to Ctrl-C, then `leave`, however it ended.

    Returns the exit status: 0, or 130 after Ctrl-C. Raises InputError when the run failed.
    """
    progress = RunProgress(steps=engine.config.steps, seconds=engine.config.seconds)
    stop = StopRequest()
    try:
        with stop, progress:
            _drive(engine, report, stop, progress, checkpoint)
    except InputError as error:
        report.add(Failed(step=engine.step, message=str(error)))
    except Exception as error:  # whatever it is, the report has it before it goes on
        report.add(Failed(step=engine.step, message=f"{type(error).__name__}: {error}"))
        leave()
        raise
    summary = report.build()
    leave()
    if summary["status"] == "failed":
        raise InputError(summary["message"])
    return stop.exit_status if stop.asked else 0


def _drive(
    engine: Any,
    report: "ReportBuilder",
    stop: StopRequest,
    progress: RunProgress,
    checkpoint: Path | None,
) -> None:
    saved = time.monotonic()
    for event in engine.run():
        report.add(event)
        progress.show(event)
        if stop.asked:
            return
        if checkpoint is None or not isinstance(event, Stepped):
            continue
        if time.monotonic() - saved > CHECKPOINT_EVERY_S:
            engine.save_checkpoint(checkpoint)
            saved = time.monotonic()


def write_all(writers: Sequence[Writer], *, silent: Path | None = None) -> None:
    """Write everything; one that cannot be written stops no other.

    What goes to `silent` tells of itself. Raises InputError with every problem, one a line.
    """
    problems = []
    for path, write in writers:
        try:
            write(path)
        except InputError as error:
            problems.append(str(error))
        else:
            if path != silent:
                say(f"Wrote {path}")
    if problems:
        raise InputError("\n".join(problems))


def summary_of(report: dict) -> str:
    """One line on how a run went."""
    words = [f"{report['status'].capitalize()} after {report['steps']:,} steps"]
    for split, name in (("holdout", "held out"), ("train", "train")):
        if report[split]["psnr"] is not None:
            words.append(f"{name} {report[split]['psnr']:.2f} dB")
    if report["autoencoder"]["psnr"] is not None:
        words.append(f"autoencoder {report['autoencoder']['psnr']:.2f} dB")
    if report["judged"]["loss"] is not None:
        words.append(f"held out loss {report['judged']['loss']:.4f}")
    for what, name in (("gaussians", "Gaussians"), ("parameters", "parameters")):
        if report[what] is not None:
            words.append(f"{report[what]:,} {name}")
    words.append(f"{clock(report['seconds'])} of training")
    return ", ".join(words)
