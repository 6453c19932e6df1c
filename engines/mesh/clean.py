"""What does not belong to a mesh is taken off it: what lies outside a box, and loose pieces."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from engines.mesh.cubes import compacted


def without_small_pieces(
    vertices: np.ndarray, faces: np.ndarray, *, least_part: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """The mesh without pieces of less than `least_part` (0 to 1) of the largest one's area.

    Returns vertices, faces and how many pieces went.
    """
    if not len(faces) or least_part <= 0:
        return vertices, faces, 0
    ends = np.concatenate([faces[:, :2], faces[:, 1:]])
    count = len(vertices)
    links = coo_array((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), (count, count))
    _, piece = connected_components(links, directed=False)
    of_face = piece[faces[:, 0]]
    area = np.bincount(of_face, weights=areas(vertices, faces))
    small = area < least_part * area.max()
    present = np.bincount(of_face, minlength=len(area)) > 0
    kept = compacted(vertices, faces[~small[of_face]])
    return *kept, int((small & present).sum())


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[f] area of each triangle."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
