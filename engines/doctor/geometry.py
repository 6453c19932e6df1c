"""How the cameras stand: whether they moved enough, and from where nobody looked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.doctor.finding import Finding
from engines.doctor.words import photos_are
from engines.poses.outcome import Placement

SECTORS = 12
_STILL, _CLOSE = 0.02, 0.05
"""Spread of the cameras over the depth of what they see: turned on the spot, and barely moved."""
_INWARD = 0.75
"""Share of photos that must look at one place before it is asked from where."""
_LOOKING = 0.7
"""Cosine of the angle up to which a camera looks at a place."""
_HOLE_DEG, _WIDE_HOLE_DEG = 60.0, 120.0
_ROUND_DEG = 200.0
"""Cameras along less than this of the circle look from one side; that is not called a hole."""
_SPARSE = 2.5
"""A hole is this many times as wide as steps usually are."""
_FEW_POINTS = 20


def baseline_finding(placements: Sequence[Placement]) -> Finding | None:
    """On cameras that turned more than they moved."""
    depths = [placement.depth for placement in placements if placement.depth > 0]
    if len(placements) < 2 or not depths:
        return None
    centres = np.array([placement.centre for placement in placements])
    spread = float(np.sqrt(((centres - centres.mean(axis=0)) ** 2).sum(axis=1).mean()))
    share = spread / float(np.median(depths))
    if share >= _CLOSE:
        return None
    angle = 2 * np.degrees(np.arctan(share))
    return Finding(
        kind="baseline",
        level="bad" if share < _STILL else "warn",
        title="The camera turned but hardly moved"
        if share < _STILL
        else "The camera moved little for how far away things are",
        words=f"Seen from what is photographed, the cameras lie within about {angle:.1f} degrees, "
        "and depth shows only from places that are apart",
        advice="Walk sideways around the scene instead of turning on the spot",
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Round:
    """Cameras around what they look at, seen from above."""

    names: tuple[str, ...]
    azimuths: np.ndarray
    """[n] degrees in [0, 360), counter-clockwise from the first horizontal axis."""

    @property
    def counts(self) -> tuple[float, ...]:
        """Cameras in each sector."""
        sectors = (self.azimuths // (360.0 / SECTORS)).astype(int) % SECTORS
        return tuple(float(n) for n in np.bincount(sectors, minlength=SECTORS))


def look_around(placements: Sequence[Placement]) -> Round | None:
    """Where the cameras stand around what most of them look at; None where most do not.

    Up is the mean up of the photos. The first horizontal axis is the x axis of the model
    without what it has of up, or the z axis where x points up.
    """
    if len(placements) < 3:
        return None
    centres = np.array([placement.centre for placement in placements], dtype=np.float64)
    forward = _unit(np.array([placement.forward for placement in placements], dtype=np.float64))
    up = np.array([placement.up for placement in placements], dtype=np.float64).sum(axis=0)
    if np.linalg.norm(up) < 0.3 * len(placements):
        return None  # the camera was held any way round: nobody knows what is above
    up = _unit(up)
    target = _looked_at(centres, forward)
    depths = [placement.depth for placement in placements if placement.depth > 0]
    if target is None or not depths:
        return None
    towards = target - centres
    inward = (_unit(towards) * forward).sum(axis=1) > _LOOKING
    distance = float(np.median(np.linalg.norm(towards, axis=1)))
    if inward.mean() < _INWARD or not 0.3 < distance / np.median(depths) < 3.0:
        return None
    first = np.array([1.0, 0.0, 0.0])
    if abs(first @ up) > 0.9:
        first = np.array([0.0, 0.0, 1.0])
    first = _unit(first - (first @ up) * up)
    second = np.cross(up, first)
    flat = np.stack([-towards @ first, -towards @ second], axis=1)
    aside = np.linalg.norm(flat, axis=1) > 0.2 * distance  # straight above is no side
    chosen = inward & aside
    if chosen.sum() < 3:
        return None
    azimuths = np.degrees(np.arctan2(flat[chosen, 1], flat[chosen, 0])) % 360.0
    names = [placement.name for placement in placements]
    return Round(names=tuple(names[i] for i in np.flatnonzero(chosen)), azimuths=azimuths % 360.0)


def hole_finding(around: Round) -> Finding | None:
    """On the widest gap in the circle, naming the photos at its ends."""
    order = np.argsort(around.azimuths)
    azimuths = around.azimuths[order]
    gaps = np.diff(azimuths, append=azimuths[0] + 360.0)
    widest = int(gaps.argmax())
    gap = float(gaps[widest])
    before, after = (around.names[order[i % len(order)]] for i in (widest, widest + 1))
    covered = 360.0 - gap
    if covered < _ROUND_DEG:
        return Finding(
            kind="one_side",
            level="note",
            title=f"Seen from one side, {covered:.0f} degrees of the circle",
            words=f"The photos go from {after} to {before}; what lies behind stays unknown",
            advice=f"Go on around it from {before} if the other side matters",
            photos=(after, before),
        )
    others = np.delete(gaps, widest)
    usual = float(np.median(others)) if len(others) else 0.0
    if gap < _HOLE_DEG or gap < _SPARSE * usual:
        return None
    return Finding(
        kind="hole",
        level="warn" if gap >= _WIDE_HOLE_DEG else "note",
        title=f"Nobody looked from one side, {gap:.0f} degrees wide",
        words=f"Seen from above there is no photo between {before} and {after}, so that side "
        "will be made up",
        advice=f"Take photos on the way from where {before} was taken to where {after} was",
        photos=(before, after),
    )


def shaky_finding(placements: Sequence[Placement], error_px: float) -> Finding | None:
    """On photos whose place rests on few points, or fits much worse than the others."""
    usual = float(np.median([placement.error_px for placement in placements] or [0.0]))
    bad = [
        p
        for p in placements
        if p.points < _FEW_POINTS or p.error_px > max(1.5, 2.5 * usual, error_px)
    ]
    if not bad:
        return None
    bad.sort(key=lambda placement: placement.points)
    return Finding(
        kind="unsure",
        level="warn" if 5 * len(bad) > len(placements) else "note",
        title=f"The place of {photos_are(len(bad))} not sure",
        words="Their places rest on few points or fit them badly"
        if len(bad) > 1
        else "Its place rests on few points or fits them badly",
        advice="Leave them out if things look double or torn"
        if len(bad) > 1
        else "Leave it out if things look double or torn",
        photos=tuple(placement.name for placement in bad),
    )


def _looked_at(centres: np.ndarray, forward: np.ndarray) -> np.ndarray | None:
    """[3] the point nearest to all lines of sight (least squares); None for parallel ones."""
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    whole = across.sum(axis=0)
    if np.linalg.cond(whole) > 1e4:
        return None
    return np.linalg.solve(whole, (across @ centres[:, :, None]).sum(axis=0)[:, 0])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
