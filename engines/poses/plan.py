"""The numbers that the presets stand for, given the photos at hand."""

import math
from dataclasses import dataclass
from typing import Literal

from engines.poses.config import PosesConfig
from engines.poses.job import Job, JobCamera

DOUBLED_PX = 800
"""Photos up to this size are doubled before points are looked for."""
SMALL_PX = 480
"""In photos up to this size points are few: all are wanted, and the time does not matter."""


@dataclass(frozen=True, kw_only=True)
class _Preset:
    photo_size: int
    features: int
    exhaustive: int
    partners: int
    neighbours: int
    slanted: bool
    guided: bool
    trials: int


_PRESETS = {
    "fast": _Preset(
        photo_size=1080,
        features=4_096,
        exhaustive=80,
        partners=10,
        neighbours=8,
        slanted=False,
        guided=False,
        trials=1_000,
    ),
    "balanced": _Preset(
        photo_size=1600,
        features=6_144,
        exhaustive=120,
        partners=20,
        neighbours=12,
        slanted=False,
        guided=False,
        trials=3_000,
    ),
    "thorough": _Preset(
        photo_size=2400,
        features=8_192,
        exhaustive=250,
        partners=40,
        neighbours=20,
        slanted=True,
        guided=True,
        trials=10_000,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done with one set of photos, in numbers."""

    photo_size: int
    """Longest side in pixels at which points are looked for; smaller photos stay as they are."""
    matched_px: int
    """Longest side of a typical photo at which it is looked at."""
    scale: float
    """Pixels as matched over pixels at full size, of a typical photo."""
    first_octave: int
    """-1 looks at photos of twice the size first, 0 at photos as they are."""
    features: int
    peak_threshold: float
    """How faint a point may be."""
    edge_threshold: float
    """How much of an edge a point may be."""
    slanted: bool
    """Estimate affine shapes, which finds again what is seen at a slant."""
    pairing: Literal["exhaustive", "sequential", "lookalikes"]
    neighbours: int
    """Pairs with the photos taken just before, for ordered sets."""
    partners: int
    """Pairs with the photos that look most alike."""
    guided: bool
    """Look for more matches where the motion of the camera allows them."""
    error_px: float
    """Largest error of a match or a point, in pixels as matched."""
    min_inliers: int
    """Fewest matches that make a pair."""
    trials: int
    """Samples at most in search of the motion between two photos. Pairs in vain cost them all."""
    threads: int


def plan_of(config: PosesConfig, job: Job, *, threads: int) -> Plan:
    """The plan for `job`; what `config` leaves open follows from its preset."""
    preset = _PRESETS[config.preset]
    size = config.photo_size or preset.photo_size
    longest = _typical_size(job)
    matched = min(size, longest)
    small = matched <= SMALL_PX
    count = len(job.photos)
    match config.pairing:
        case "exhaustive":
            pairing = "exhaustive"
        case "sequential":
            pairing = "sequential"
        case _ if count <= preset.exhaustive:
            pairing = "exhaustive"
        case _:
            pairing = "sequential" if job.ordered else "lookalikes"
    return Plan(
        photo_size=size,
        matched_px=matched,
        scale=matched / longest,
        first_octave=-1 if matched <= DOUBLED_PX else 0,
        features=config.features or preset.features,
        peak_threshold=0.001 if small else 0.0067,
        edge_threshold=20.0 if small else 10.0,
        slanted=preset.slanted and not small,
        pairing=pairing,
        neighbours=preset.neighbours,
        partners=preset.partners,
        guided=preset.guided or small,
        error_px=error_px_at(matched),
        min_inliers=15,
        trials=1_000 if small else preset.trials,
        threads=threads,
    )


def error_px_at(matched_px: int) -> float:
    """How far a match may be off in a photo of that size: 1.5 px at 320, 4 px at 1920 and more."""
    return float(min(4.0, 1.0 + matched_px / 640))


def scale_of(plan: Plan, camera: JobCamera) -> float:
    """Pixels as matched over pixels at full size for the photos of `camera`."""
    return min(1.0, plan.photo_size / max(camera.width, camera.height))


def _typical_size(job: Job) -> int:
    """Median of the longest sides."""
    sides = sorted(
        max(job.cameras[photo.camera].width, job.cameras[photo.camera].height)
        for photo in job.photos
    )
    return sides[math.floor(len(sides) / 2)]
