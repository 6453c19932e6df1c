"""Vertices put exactly where a field crosses its level, rather than where a straight line does.

Marching cubes places a vertex between two samples as if the field were straight there. Learnt
density is anything but, so the surface would bulge along with the grid. A field can be asked
anywhere, and halving the edge a few times costs little beside the samples of the grid.
"""

from collections.abc import Callable

import numpy as np

HALVINGS = 5
"""After these a vertex is within a 64th of a cell."""
ON_A_SAMPLE = 1e-4
"""Cells within which a coordinate counts as that of a sample."""


def settled(inside: Callable[[np.ndarray], np.ndarray], vertices: np.ndarray) -> np.ndarray:
    """`vertices` [v, 3] in cells, each moved along its grid edge to where `inside` changes.

    `inside` says of places [n, 3] in cells whether [n] they lie within the surface. Vertices
    on a sample or off the edges, and edges whose two ends are not told apart, stay as they are.
    """
    whole = np.rint(vertices)
    between = np.abs(vertices - whole) > ON_A_SAMPLE
    rows = np.flatnonzero(between.sum(axis=1) == 1)
    axis = between[rows].argmax(axis=1)
    places = np.where(between, vertices, whole)[rows]
    each = np.arange(len(rows))
    low = np.floor(places[each, axis])
    high = low + 1

    def asked(at: np.ndarray) -> np.ndarray:
        places[each, axis] = at
        return inside(places)

    low_inside, high_inside = asked(low), asked(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        same = asked(middle) == low_inside
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    moved = vertices.copy()
    good = low_inside != high_inside
    moved[rows[good], axis[good]] = ((low + high) / 2)[good]
    return moved
