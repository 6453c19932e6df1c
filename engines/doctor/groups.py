"""Parts of a set that hang together by little or by nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engines.doctor.finding import Finding
from engines.doctor.unplaced import MATCHED
from engines.doctor.words import some
from engines.poses.outcome import Outcome

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_SMALLEST = 3
"""Fewer photos than this are no group."""
_FEW_PAIRS, _FEW_MATCHES = 2, 120
"""A cut through no more pairs, or fewer matches in all, is weak."""


@dataclass(frozen=True, kw_only=True)
class WeakLink:
    """A group of photos that the rest is held to by little."""

    group: tuple[str, ...]
    pairs: int
    """Pairs of photos across, at least one of each pair in the group."""
    matches: int
    """Matches in all of them."""
    near: str
    """The photo of the rest that shares most with the group."""
    edge: str
    """The photo of the group that shares most with the rest."""
    only: bool
    """`near` is the only one of the rest that shares anything with the group."""


def group_findings(outcome: Outcome) -> list[Finding]:
    """On models that could not be joined, and on a weak link within the largest."""
    found = []
    if len(outcome.models) > 1:
        found.append(_apart(outcome))
    link = weakest_link(outcome)
    if link is not None:
        found.append(_weak(link))
    return found


def _apart(outcome: Outcome) -> Finding:
    counts = [len(model) for model in outcome.models]
    others = [name for model in outcome.models[1:] for name in model]
    names = tuple(name for name in others if name not in outcome.registered)
    total = sum(counts)
    return Finding(
        kind="groups",
        level="bad" if 2 * counts[0] < total else "warn",
        title=f"The photos fall into {len(counts)} groups",
        words=f"They hold {_listed(counts)} photos, and no photo joins one to the other; only "
        "the largest is used",
        advice=f"Take photos on the way from {outcome.models[0][-1]} to "
        f"{outcome.models[1][0]}, or treat places that are apart as sets of their own",
        photos=names,
    )


def _weak(link: WeakLink) -> Finding:
    if link.pairs == 0:
        held = "by no pair of photos that share much"
    elif link.only:
        held = f"only through {link.near}"
    else:
        pairs = "1 pair" if link.pairs == 1 else f"{link.pairs} pairs"
        held = f"by {pairs} with {link.matches} matches"
    return Finding(
        kind="weak_group",
        level="warn",
        title=f"{len(link.group)} photos hang together with the rest by little",
        words=f"{some(link.group)} are held to the rest {held}, so their places may be bent or "
        "turned against it",
        advice=f"Take a few photos between {link.edge} and {link.near}",
        photos=link.group,
    )


def weakest_link(outcome: Outcome) -> WeakLink | None:
    """The weakest cut through the placed photos that leaves a group on both sides, if weak.

    The cuts looked at are those that the links of the strongest tree (the spanning tree with
    the most matches) make when they are taken away one by one; where none is weak, those
    that take one photo away.
    """
    from scipy.sparse import csr_array  # takes a moment that the window's start has not

    names = [name for name in outcome.photos if name in outcome.registered]
    if len(names) < 2 * _SMALLEST:
        return None
    weights = _weights(outcome, names)
    matches = csr_array(weights)
    parents = _strongest_tree(weights)
    cuts = [_below(parents, node) for node in range(len(names)) if parents[node] >= 0]
    links = [link for side in cuts if (link := _link(matches, side, names)) is not None]
    weak = [x for x in links if x.pairs <= _FEW_PAIRS or x.matches < _FEW_MATCHES]
    if not weak:
        cuts = [side for node in range(len(names)) for side in _hanging_on(matches, node)]
        weak = [link for side in cuts if (link := _link(matches, side, names)) is not None]
    return min(weak, key=lambda link: (link.matches, -len(link.group)), default=None)


def _link(matches: "csr_array", side: np.ndarray, names: list[str]) -> WeakLink | None:
    """What holds the photos in `side` ([n] bool) and the rest together.

    None where one of the two is no group.
    """
    if 2 * side.sum() > len(names):
        side = ~side
    if side.sum() < _SMALLEST:
        return None
    of_rest = np.where(side, 0, matches @ side.astype(np.int64))
    of_group = np.where(side, matches @ (~side).astype(np.int64), 0)
    one, other = matches.nonzero()
    return WeakLink(
        group=tuple(names[i] for i in np.flatnonzero(side)),
        pairs=int((side[one] & ~side[other]).sum()),
        matches=int(of_group.sum()),
        near=names[int(np.where(side, -1, of_rest).argmax())],
        edge=names[int(np.where(side, of_group, -1).argmax())],
        only=int((of_rest > 0).sum()) == 1,
    )


def _hanging_on(matches: "csr_array", node: int) -> list[np.ndarray]:
    """[n] bool each: the groups that lose touch with the largest when one photo is gone."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    one, other = matches.nonzero()
    kept = (one != node) & (other != node)
    rest = csr_array((np.ones(kept.sum()), (one[kept], other[kept])), shape=matches.shape)
    labels = connected_components(rest, directed=False)[1]
    sizes = np.bincount(labels)
    own = {int(labels[node]), int(sizes.argmax())}
    return [labels == label for label in range(len(sizes)) if label not in own]


def _weights(outcome: Outcome, names: list[str]) -> np.ndarray:
    """[n, n] matches of pairs that see the same things, 0 elsewhere."""
    place = {name: i for i, name in enumerate(names)}
    weights = np.zeros((len(names), len(names)), dtype=np.int64)
    for i, j, inliers in outcome.pairs:
        one, other = place.get(outcome.photos[i]), place.get(outcome.photos[j])
        if one is not None and other is not None and inliers >= MATCHED:
            weights[one, other] = weights[other, one] = inliers
    return weights


def _strongest_tree(weights: np.ndarray) -> list[int]:
    """The parent of each node in a maximum spanning tree, -1 for the root (Prim)."""
    count = len(weights)
    parents = [-1] * count
    joined = np.zeros(count, dtype=bool)
    joined[0] = True
    best, link = weights[0].copy(), np.zeros(count, dtype=np.int64)
    for _ in range(count - 1):
        node = int(np.where(joined, -1, best).argmax())
        parents[node] = int(link[node])
        joined[node] = True
        closer = weights[node] > best
        best[closer], link[closer] = weights[node][closer], node
    return parents


def _below(parents: list[int], top: int) -> np.ndarray:
    """[n] bool: the node `top` and all that hang on it."""
    children: dict[int, list[int]] = {}
    for child, parent in enumerate(parents):
        children.setdefault(parent, []).append(child)
    found = np.zeros(len(parents), dtype=bool)
    stack = [top]
    while stack:
        node = stack.pop()
        found[node] = True
        stack.extend(children.get(node, ()))
    return found


def _listed(counts: list[int]) -> str:
    return f"{', '.join(map(str, counts[:-1]))} and {counts[-1]}"
