"""Steps down by itself where photos find no place, and keeps the best that came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import pycolmap

from engines.poses.job import DATABASE, Job
from engines.poses.mapping import Easing, map_photos
from engines.poses.matching import Inliers, linked_groups, match_pairs
from engines.poses.plan import Plan
from engines.poses.protocol import Note
from engines.poses.talk import Talk

ENOUGH = 0.7
"""Share of the photos in the largest model with which nothing more is tried.

Photos that no chain of matches links to the model are not counted once all pairs were
compared: a second place cannot be placed with the first, whatever is asked of it.
"""
_GUIDED_MOST = 3_000
"""Pairs that are compared once more with guidance, at most."""

Models = list[pycolmap.Reconstruction]


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """What came of all attempts."""

    models: Models
    """Of the best attempt, the largest first."""
    inliers: Inliers
    steps_down: tuple[str, ...]
    """What was made easier, a sentence each."""


def attempt(
    folder: Path,
    job: Job,
    ids: list[int],
    plan: Plan,
    inliers: Inliers,
    talk: Talk,
) -> Attempts:
    """Place the photos; where few find a place, try again with less asked of them.

    The steps, each said once: compare all pairs, ask for less from each photo, begin with
    other photos, look again for matches where the motion between two photos is known.
    """
    names = {image: photo.name for image, photo in zip(ids, job.photos, strict=True)}
    best = _mapped(folder, job, names, plan, Easing(), talk)
    said: list[str] = []
    if not any(inliers.values()) and plan.pairing == "exhaustive":
        return Attempts(models=best, inliers=inliers, steps_down=())

    def say(what: str) -> None:
        count = _largest(best)
        found = f"Only {count} of {len(ids)} photos found a place" if count else "Nothing fits yet"
        said.append(what)
        talk.say(Note(message=f"{found}; {what[0].lower()}{what[1:]}"))

    if _largest(best) < ENOUGH * len(ids) and plan.pairing != "exhaustive":
        say("All photos are compared with all others now")
        pairs = list(combinations(range(len(ids)), 2))
        inliers = match_pairs(folder, ids, pairs, plan, talk, seed=job.config.seed)
        best = _better(best, _mapped(folder, job, names, plan, Easing(), talk))
    easy = Easing(angle_degrees=6.0, first_inliers=40, pose_inliers=15, pose_share=0.15)
    if not _good(best, ids, inliers):
        say("Photos with fewer matches and less of a step between them are accepted now")
        best = _better(best, _mapped(folder, job, names, plan, easy, talk))
    if not _good(best, ids, inliers):
        say("Other photos come first now")
        other = replace(easy, angle_degrees=3.0, first=_other_pair(ids, inliers, best))
        best = _better(best, _mapped(folder, job, names, plan, other, talk))
    if not _good(best, ids, inliers) and not plan.guided and len(inliers) <= _GUIDED_MOST:
        say("Photos are compared once more, with more care")
        careful = replace(plan, guided=True, min_inliers=10, trials=10_000)
        _forget(folder, ids, inliers)
        pairs = sorted(inliers)
        inliers = match_pairs(folder, ids, pairs, careful, talk, seed=job.config.seed)
        easier = replace(easy, pair_inliers=10)
        best = _better(best, _mapped(folder, job, names, careful, easier, talk))
    return Attempts(models=best, inliers=inliers, steps_down=tuple(said))


def _mapped(
    folder: Path, job: Job, names: Mapping[int, str], plan: Plan, easing: Easing, talk: Talk
) -> Models:
    return map_photos(folder, job, names, plan, easing, talk)


def _largest(models: Models) -> int:
    return models[0].num_reg_images() if models else 0


def _good(models: Models, ids: list[int], inliers: Inliers) -> bool:
    if not models:
        return False
    placed = set(models[0].reg_image_ids())
    within_reach = max(
        linked_groups(len(ids), inliers),
        key=lambda group: len(placed & {ids[place] for place in group}),
    )
    return len(placed) >= ENOUGH * len(within_reach)


def _better(one: Models, two: Models) -> Models:
    """The models with more photos in the largest; the earlier ones where there is no more."""
    return two if _largest(two) > _largest(one) else one


def _other_pair(ids: list[int], inliers: Inliers, models: Models) -> tuple[int, int] | None:
    """Image ids of the pair with most matches of which one has no place yet."""
    placed = set(models[0].reg_image_ids()) if models else set()
    for (i, j), count in sorted(inliers.items(), key=lambda item: -item[1]):
        if count and not {ids[i], ids[j]} <= placed:
            return ids[i], ids[j]
    return None


def _forget(folder: Path, ids: list[int], inliers: Inliers) -> None:
    """Take the comparisons out of the database, so that they are made again."""
    with pycolmap.Database.open(folder / DATABASE) as database:
        for i, j in inliers:
            database.delete_matches(ids[i], ids[j])
            database.delete_two_view_geometry(ids[i], ids[j])
