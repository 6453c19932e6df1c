"""Photos that found no place, each with the reason that the facts give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.doctor.finding import Finding, Level, Measured
from engines.doctor.words import photos_are, some, them
from engines.poses.outcome import Outcome

MATCHED = 15
"""Matches from which on two photos are taken to see the same things."""
_FEW_FEATURES, _FEW_SHARE = 100, 0.1
"""Few features: less than the number, or than this share of what placed photos have."""
_HARMLESS = 0.1
"""Up to this share of photos without a place does not cost much."""
_BLURRED, _DARK = 0.5, 0.3
"""Below these shares of what placed photos have, blur or darkness is the likely cause."""


@dataclass(frozen=True, kw_only=True)
class _Reason:
    """One way of not finding a place, in words for one photo and for many."""

    kind: str
    seen: tuple[str, str]
    """What is seen of one photo, of several."""
    why: str
    advice: str


_FEATURES = _Reason(
    kind="few_features",
    seen=("has too few details", "have too few details"),
    why="Points that can be found again are corners and spots; blur, darkness and plain "
    "surfaces have none",
    advice="Take {them} again sharp and with patterned things in view, or leave {them} out",
)
_MATCHES = _Reason(
    kind="few_matches",
    seen=("shows nothing that others show", "show nothing that others show"),
    why="Next to no details were found again in any other photo",
    advice="Take more photos on the way from {them} to the rest, each overlapping the last by "
    "two thirds, or leave {them} out",
)
_GROUP = _Reason(
    kind="no_overlap",
    seen=(
        "overlaps with none that has a place",
        "overlap with each other but with none that has a place",
    ),
    why="Details were found again, but not in photos whose places are known",
    advice="Take photos on the way from {them} to the rest, or make a set of its own of {them}",
)
_UNPLACED = _Reason(
    kind="not_placed",
    seen=("overlaps with others but fits nowhere", "overlap with others but fit nowhere"),
    why="Matches were found but agree on no place; often it is a pattern that repeats, "
    "something that moved, or too little depth in view",
    advice="Leave {them} out, or take more photos from beside {them}",
)


def unplaced(outcome: Outcome, measured: Mapping[str, Measured]) -> list[Finding]:
    """A finding for each reason why photos have no place, which it names.

    Photos that hold together in a group of their own (`outcome.models`) are not spoken of.
    """
    grouped = {name for model in outcome.models[1:] for name in model}
    lost = [n for n in outcome.photos if n not in outcome.registered and n not in grouped]
    missing = len(outcome.photos) - len(outcome.registered)
    level: Level = "note" if missing <= _HARMLESS * len(outcome.photos) else "warn"
    best, best_placed = _best_matches(outcome)
    enough = _features_needed(outcome)
    by_reason: dict[str, tuple[_Reason, list[str]]] = {}
    for name in lost:
        if outcome.features.get(name, 0) < enough:
            reason = _FEATURES
        elif best[name] < MATCHED:
            reason = _MATCHES
        elif best_placed[name] < MATCHED:
            reason = _GROUP
        else:
            reason = _UNPLACED
        by_reason.setdefault(reason.kind, (reason, []))[1].append(name)
    return [
        _finding(reason, names, level, _cause(names, outcome, measured))
        for reason, names in by_reason.values()
    ]


def _finding(reason: _Reason, names: Sequence[str], level: Level, cause: str) -> Finding:
    one, many = reason.seen
    return Finding(
        kind=reason.kind,
        level=level,
        title=f"1 photo {one}" if len(names) == 1 else f"{len(names):,} photos {many}",
        words=f"{reason.why}{cause}",
        advice=reason.advice.format(them=them(len(names))),
        photos=tuple(names),
    )


def _best_matches(outcome: Outcome) -> tuple[dict[str, int], dict[str, int]]:
    """The most inliers of each photo with any other, and with one that has a place."""
    best, best_placed = (dict.fromkeys(outcome.photos, 0) for _ in range(2))
    for i, j, inliers in outcome.pairs:
        for one, other in ((i, j), (j, i)):
            name, partner = outcome.photos[one], outcome.photos[other]
            best[name] = max(best[name], inliers)
            if partner in outcome.registered:
                best_placed[name] = max(best_placed[name], inliers)
    return best, best_placed


def _features_needed(outcome: Outcome) -> float:
    counts = [outcome.features.get(name, 0) for name in outcome.registered]
    return max(_FEW_FEATURES, _FEW_SHARE * float(np.median(counts)) if counts else 0.0)


def _cause(names: Sequence[str], outcome: Outcome, measured: Mapping[str, Measured]) -> str:
    """What was seen of these photos before that explains it, as the end of a sentence."""
    placed = [measured[name] for name in outcome.registered if name in measured]
    if not placed:
        return ""
    sharpness = float(np.median([look.sharpness for look in placed]))
    brightness = float(np.median([look.brightness for look in placed]))
    looked_at = [name for name in names if name in measured]
    blurred = [n for n in looked_at if measured[n].sharpness < _BLURRED * sharpness]
    dark = [n for n in looked_at if measured[n].brightness < _DARK * brightness]
    for wrong, word in ((blurred, "blurred"), (dark, "very dark")):
        if wrong:
            return f"; {some(wrong)} {them(len(wrong), 'are', 'is')} {word}"
    return ""


def placed_finding(outcome: Outcome) -> Finding:
    """How many photos have a place, and whether that is enough."""
    total, registered = len(outcome.photos), len(outcome.registered)
    if registered == 0:
        return Finding(
            kind="placed",
            level="bad",
            title="No photo has a place",
            words="No two photos fit together well enough to start from",
            advice="Take photos of one scene, each overlapping the last by two thirds, moving "
            "sideways between them",
        )
    if registered < max(3, 0.5 * total):
        return Finding(
            kind="placed",
            level="bad",
            title=f"Only {registered:,} of {total:,} photos have a place",
            words="What is learned from them shows a part of the scene at most",
            advice="Take more photos, each overlapping the last by two thirds",
        )
    everyone = registered == total
    return Finding(
        kind="placed",
        level="good",
        title=f"All {photos_are(total, 'have')} a place"
        if everyone
        else f"{registered:,} of {photos_are(total, 'have')} a place",
        words=f"{outcome.points:,} points were found, which fit to {outcome.error_px:.2f} pixels "
        "on average",
    )
