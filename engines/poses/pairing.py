"""Chooses which photos are compared, since all with all takes too long for large sets."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pycolmap

from engines.poses.job import DATABASE
from engines.poses.plan import Plan
from engines.poses.protocol import Phase
from engines.poses.talk import Talk

PHASE = "Looking for photos that look alike"
_LARGEST = 256
"""Points of a photo that are enough to tell whether two look alike."""
_RATIO = 0.8


def choose_pairs(folder: Path, ids: list[int], plan: Plan, talk: Talk) -> list[tuple[int, int]]:
    """Pairs (i, j) of places in `ids` with i < j, sorted."""
    count = len(ids)
    if plan.pairing == "exhaustive":
        return list(combinations(range(count), 2))
    pairs = set()
    if plan.pairing == "sequential":
        pairs |= set(neighbours(count, plan.neighbours))
    pairs |= _most_alike(folder, ids, plan.partners, talk)
    return sorted(pairs)


def neighbours(count: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Each with the `overlap` next ones, and with ever farther ones at powers of two."""
    steps = {*range(1, overlap + 1)}
    step = 1
    while step < count and len(steps) < 2 * overlap:
        steps.add(step)
        step *= 2
    for first in range(count):
        for step in sorted(steps):
            if first + step < count:
                yield first, first + step


def _most_alike(folder: Path, ids: list[int], partners: int, talk: Talk) -> set[tuple[int, int]]:
    """Each photo with those that share most of its largest points (Wu 2013, "preemptive")."""
    points = _largest_points(folder, ids)
    count = len(ids)
    scores = np.zeros((count, count), dtype=np.int32)
    for first in range(count - 1):
        scores[first, first + 1 :] = alike(points[first], points[first + 1 :])
        talk.say(Phase(phase=PHASE, done=first + 1, total=count - 1))
    scores += scores.T
    pairs = set()
    for index, row in enumerate(scores):
        best = np.argsort(-row, kind="stable")[:partners]
        pairs |= {
            (min(index, int(other)), max(index, int(other))) for other in best if row[other] > 0
        }
    return pairs


def alike(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many points of `one` are found again in each of `others`.

    Args:
        one: [k, 128] float32 descriptors of length 1, or 0 where there are fewer points.
        others: [n, k, 128] the same of n photos.

    Returns:
        [n] int32: points that are each other's nearest and clearly nearer than the second.
    """
    products = others @ one.T
    nearest = products.argmax(axis=2)
    two = np.partition(products, -2, axis=2)[:, :, -2:]
    distance = np.sqrt(np.maximum(2.0 - 2.0 * two, 0.0))
    clear = (distance[:, :, 1] < _RATIO * distance[:, :, 0]) & (two[:, :, 1] > 0)
    back = products.argmax(axis=1)
    mutual = np.take_along_axis(back, nearest, axis=1) == np.arange(products.shape[1])
    return (clear & mutual).sum(axis=1, dtype=np.int32)


def _largest_points(folder: Path, ids: list[int]) -> np.ndarray:
    """[n, 256, 128] float32 descriptors of length 1 of the largest points of each photo."""
    points = np.zeros((len(ids), _LARGEST, 128), dtype=np.float32)
    with pycolmap.Database.open(folder / DATABASE) as database:
        for index, image in enumerate(ids):
            if not database.num_descriptors_for_image(image):
                continue
            shapes = database.read_keypoints(image)[:, 2:]
            scales = np.abs(shapes[:, 0] * shapes[:, 3] - shapes[:, 1] * shapes[:, 2])
            chosen = np.argsort(-scales, kind="stable")[:_LARGEST]
            rows = database.read_descriptors(image).data[chosen].astype(np.float32)
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
            points[index, : len(rows)] = rows
    return points
