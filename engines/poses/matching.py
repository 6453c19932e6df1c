"""Finds the points of one photo again in others, and keeps what agrees with one motion."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pycolmap

from assets.files import atomic_write_text
from engines.poses.job import DATABASE
from engines.poses.plainnames import plain_names
from engines.poses.plan import Plan
from engines.poses.protocol import Pairs
from engines.poses.talk import Talk

PAIRS_FILE = "pairs.txt"
_BLOCK = 8
"""Photos a side of the squares in which pairs are taken, so that their points stay at hand."""
_CHUNK_S = 0.5
_FIRST, _MOST = 4, 400
"""Pairs in the first chunk and in any."""

Inliers = dict[tuple[int, int], int]
"""Matches that agree by pair of places i < j; 0 where they were compared in vain."""


def match_pairs(
    folder: Path,
    ids: list[int],
    pairs: list[tuple[int, int]],
    plan: Plan,
    talk: Talk,
    *,
    seed: int,
) -> Inliers:
    """Compare `pairs` of places in `ids`; what the database has already is not done again."""
    known = compared(folder, ids)
    inliers = {pair: known[pair] for pair in pairs if pair in known}
    talk.say(
        Pairs(
            done=len(inliers),
            total=len(pairs),
            inliers=[(i, j, count) for (i, j), count in inliers.items()],
        )
    )
    pending = sorted(
        (pair for pair in pairs if pair not in inliers),
        key=lambda pair: (pair[0] // _BLOCK, pair[1] // _BLOCK, pair),
    )
    with plain_names(folder, ids) as names:
        size = _FIRST
        while pending:
            chunk, pending = pending[:size], pending[size:]
            started = time.perf_counter()
            _match(folder, [(names[i], names[j]) for i, j in chunk], plan, seed)
            took = time.perf_counter() - started
            found = compared(folder, ids)
            new = {pair: found.get(pair, 0) for pair in chunk}
            inliers |= new
            talk.say(
                Pairs(
                    done=len(inliers),
                    total=len(pairs),
                    inliers=[(i, j, count) for (i, j), count in new.items()],
                )
            )
            (folder / PAIRS_FILE).unlink(missing_ok=True)
            size = max(2, min(_MOST, 2 * size, round(size * _CHUNK_S / max(took, 1e-3))))
    return inliers


def compared(folder: Path, ids: list[int]) -> Inliers:
    """What the database knows of pairs of `ids`, by places.

    Asked in SQL, because pycolmap does not tell of pairs that were compared in vain.
    """
    places = {image: place for place, image in enumerate(ids)}
    known: Inliers = {}
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        rows = database.execute("SELECT pair_id, rows FROM two_view_geometries").fetchall()
    for pair, count in rows:
        first, second = (places.get(image) for image in pycolmap.pair_id_to_image_pair(pair))
        if first is not None and second is not None:
            known[min(first, second), max(first, second)] = count
    return known


def linked_groups(count: int, inliers: Inliers) -> list[list[int]]:
    """Places of photos that hang together by matching pairs, the largest group first."""
    group_of = list(range(count))
    for (i, j), matches in inliers.items():
        if matches:
            old, new = group_of[j], group_of[i]
            group_of = [new if group == old else group for group in group_of]
    groups: dict[int, list[int]] = {}
    for photo, group in enumerate(group_of):
        groups.setdefault(group, []).append(photo)
    return sorted(groups.values(), key=lambda group: -len(group))


def _match(folder: Path, names: list[tuple[str, str]], plan: Plan, seed: int) -> None:
    atomic_write_text(folder / PAIRS_FILE, "".join(f"{one} {two}\n" for one, two in names))
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = plan.threads
    matching.use_gpu = False
    matching.guided_matching = plan.guided
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = folder / PAIRS_FILE
    pycolmap.match_image_pairs(
        folder / DATABASE,
        matching,
        pairing,
        verification(plan, seed),
        device=pycolmap.Device.cpu,
    )


def verification(plan: Plan, seed: int) -> pycolmap.TwoViewGeometryOptions:
    """What a pair of photos has to agree on."""
    options = pycolmap.TwoViewGeometryOptions()
    options.min_num_inliers = plan.min_inliers
    options.ransac.max_error = plan.error_px / plan.scale
    options.ransac.max_num_trials = plan.trials
    options.ransac.random_seed = seed
    return options
