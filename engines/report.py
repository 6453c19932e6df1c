"""What a run leaves behind for people and scripts; docs/report.md describes every field."""

import dataclasses
import importlib.metadata
import math
import platform
import statistics
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from assets.posed import PosedPhotos
from engines.events import (
    Evaluated,
    Event,
    Failed,
    Finished,
    Judged,
    Prepared,
    Reconstructed,
    Stepped,
)

SCHEMA = 1
"""Goes up when a field changes its meaning or goes away."""

PACKAGES = ("torch", "numpy", "numba", "gsplat", "nerfacc", "pycolmap")

Status = Literal["finished", "stopped", "failed"]


class Reported(Protocol):
    """What a report needs to know of an engine."""

    step: int
    seconds: float
    history: list[Event]

    @property
    def config(self) -> Any:
        """The settings, a dataclass."""
        ...

    @property
    def device(self) -> Any:
        """The torch device."""
        ...

    @property
    def amount(self) -> Mapping[str, int]:
        """How much was learned: "gaussians" or "parameters"; empty before there is anything."""
        ...


class ReportBuilder:
    """Collects the events of a run and makes its report at any moment."""

    def __init__(
        self,
        engine: Reported,
        *,
        data: dict[str, Any],
        poses: dict[str, Any] | None = None,
    ) -> None:
        """`data` tells what is learned from, as `photos_facts` does.

        `poses` is the report on how the cameras were found, where they had to be.
        """
        self._engine, self._data, self._poses = engine, data, poses
        self._events: list[Event] = list(engine.history)

    def add(self, event: Event) -> None:
        """Take note of something that happened, in order."""
        self._events.append(event)

    def build(self) -> dict[str, Any]:
        """The report as strict JSON values: no NaN, what is unknown is null."""
        from kernels.backend import backend

        engine, found = self._engine, backend()
        return finite(
            {
                "schema": SCHEMA,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "status": self.status,
                "message": self._message(),
                "data": self._data,
                "steps": engine.step,
                "seconds": engine.seconds,
                "step_ms": step_times([e.step_ms for e in self._of(Stepped)]),
                "train": self._quality("train"),
                "holdout": self._quality("holdout"),
                "judged": self._judged(),
                "autoencoder": self._autoencoder(),
                "gaussians": engine.amount.get("gaussians"),
                "parameters": engine.amount.get("parameters"),
                "peak_memory_mb": peak_memory_mb(),
                "device": str(engine.device),
                "backend": dataclasses.asdict(found) | {"summary": found.summary},
                "versions": versions(),
                "settings": dataclasses.asdict(engine.config),
                "poses": self._poses,
                "history": [e.to_json() for e in self._events if not isinstance(e, Prepared)],
            }
        )

    @property
    def status(self) -> Status:
        """How the run ended; "stopped" when it neither finished nor failed."""
        match self._events[-1:]:
            case [Finished()]:
                return "finished"
            case [Failed()]:
                return "failed"
        return "stopped"

    def _of(self, kind: type) -> list:
        return [event for event in self._events if isinstance(event, kind)]

    def _message(self) -> str:
        match self._events[-1:]:
            case [Finished(reason=words)] | [Failed(message=words)]:
                return words
        return f"stopped at step {self._engine.step:,}"

    def _quality(self, split: str) -> dict[str, Any]:
        judged = [e for e in self._of(Evaluated) if e.split == split]
        if not judged:
            return {"step": None, "psnr": None, "ssim": None, "views": {}}
        last = judged[-1]
        return {
            "step": last.step,
            "psnr": last.psnr,
            "ssim": last.ssim,
            "views": dict(last.views),
        }

    def _judged(self) -> dict[str, Any]:
        judged = self._of(Judged)
        if not judged:
            return {"step": None, "loss": None, "images": None}
        return {"step": judged[-1].step, "loss": judged[-1].loss, "images": judged[-1].images}

    def _autoencoder(self) -> dict[str, Any]:
        found = self._of(Reconstructed)
        if not found:
            return {"step": None, "psnr": None, "images": None}
        return {"step": found[-1].step, "psnr": found[-1].psnr, "images": found[-1].images}


def photos_facts(dataset: PosedPhotos) -> dict[str, Any]:
    """What the report says of photos with cameras."""
    return {"name": dataset.name, "photos": len(dataset.views)}


def images_facts(name: str, *, images: int, held_out: int) -> dict[str, Any]:
    """What the report says of images or points without cameras."""
    return {"name": name, "images": images, "held_out": held_out}


def without_training(poses: dict[str, Any]) -> dict[str, Any]:
    """The report of a run that came to no training because the search for cameras ended first."""
    told = ("schema", "created", "status", "message", "data", "versions")
    return {name: poses[name] for name in told} | {
        "steps": 0,
        "gaussians": None,
        "parameters": None,
        "poses": poses,
    }


def step_times(step_ms: Sequence[float]) -> dict[str, float | None]:
    """Median and 95th percentile (nearest rank) of step times in milliseconds."""
    if not step_ms:
        return {"median": None, "p95": None}
    ordered = sorted(step_ms)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
    }


def peak_memory_mb() -> float:
    """Most memory (resident set) that this process ever held, in units of 2**20 bytes."""
    if sys.platform == "linux":
        # getrusage would count what a parent held before it started this program.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return float(status.partition("VmHWM:")[2].split()[0]) / 2**10
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def program_version() -> str:
    """The version in pyproject.toml."""
    with (Path(__file__).resolve().parent.parent / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["version"]


def versions() -> dict[str, str | None]:
    """Versions of the program, Python and what computes; None for what is not installed."""
    found: dict[str, str | None] = {
        "zograscope": program_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def finite(value: Any) -> Any:
    """`value` with every NaN and infinity replaced by None, as JSON knows neither."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
