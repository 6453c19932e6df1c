"""Colours for a surface, out of the views that see it."""

from collections.abc import Generator

import numpy as np
from scipy.spatial import KDTree

from engines.events import Event, Prepared
from engines.mesh.fusion import FusedViews, colours

VERTICES_AT_ONCE = 100_000


def painted(
    views: FusedViews, vertices: np.ndarray, normals: np.ndarray, *, tolerance: float
) -> Generator[Event, None, np.ndarray]:
    """Returns [v, 3] float32 sRGB of `vertices` [v, 3] in cells with their unit `normals`.

    A view sees a vertex up to `tolerance` cells from its depth. Vertices that none sees take
    the colour of the nearest that one sees. Yields progress.
    """
    phase, total = "Colouring the mesh", len(vertices)
    colour = np.empty((total, 3), dtype=np.float32)
    weight = np.empty(total, dtype=np.float32)
    for start in range(0, total, VERTICES_AT_ONCE):
        yield Prepared(phase=phase, done=start, total=total)
        some = slice(start, start + VERTICES_AT_ONCE)
        colour[some], weight[some] = colours(
            views, vertices[some], normals[some], tolerance=tolerance
        )
    seen = weight > 0
    if seen.any() and not seen.all():
        _, nearest = KDTree(vertices[seen]).query(vertices[~seen])
        colour[~seen] = colour[seen][nearest]
    yield Prepared(phase=phase, done=total, total=total)
    return colour
