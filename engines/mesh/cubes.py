"""The surface in a signed distance, brick by brick, as one mesh without seams."""

import numpy as np
from skimage.measure import marching_cubes

from engines.mesh.box import Grid

BRICK = 32
"""Cells along a side of a brick; its samples are one more."""
_AT_A_SAMPLE = 1 / 2048
"""Cells between a vertex and a sample up to which it lies on it."""


def bricks(grid: Grid) -> np.ndarray:
    """[b, 3] int64 first cell of every brick that is needed to cover `grid`."""
    axes = [np.arange(0, cells, BRICK) for cells in grid.cells]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int64)


def brick_surface(
    distance: np.ndarray, weight: np.ndarray, room: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """The surface where the distance is 0, in one brick.

    Args:
        distance: [s, s, s] float32, positive outside.
        weight: [s, s, s]; a cell with a corner of weight 0 has no surface.
        room: [3] samples that belong to the grid, where the brick reaches beyond it.

    Returns vertices [v, 3] float64 in cells from the brick's corner and faces [f, 3],
    counter-clockwise seen from outside, or None where there is no surface.
    """
    x, y, z = (min(s, int(r)) for s, r in zip(distance.shape, room, strict=True))
    distance, known = distance[:x, :y, :z], weight[:x, :y, :z] > 0
    if min(distance.shape) < 2:
        return None
    inside = (distance < 0) & known
    if not inside.any() or not ((distance >= 0) & known).any():
        return None
    mask = np.zeros_like(known)  # scikit-image asks it at the far corner of a cell
    whole = known[:-1] & known[1:]
    whole = whole[:, :-1] & whole[:, 1:]
    mask[1:, 1:, 1:] = whole[:, :, :-1] & whole[:, :, 1:]
    if not mask.any():
        return None
    try:
        vertices, faces, _, _ = marching_cubes(
            distance, 0.0, mask=mask, gradient_direction="descent", allow_degenerate=True
        )
    except (RuntimeError, ValueError):  # both signs exist, but not within one known cell
        return None
    return vertices.astype(np.float64), faces.astype(np.int64)


def joined(
    pieces: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [v, 3] and faces [f, 3] of all `pieces` (in cells of the grid), seams closed.

    Vertices of neighbouring bricks on the same edge between two samples, or on the same
    sample, become one; faces without area go.
    """
    if not pieces:
        return np.empty((0, 3)), np.empty((0, 3), np.int64)
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in pieces])
    vertices = np.concatenate([vertices for vertices, _ in pieces])
    faces = np.concatenate([f + start for (_, f), start in zip(pieces, starts, strict=False)])
    whole = np.rint(vertices)
    between = np.abs(vertices - whole) > _AT_A_SAMPLE
    at = np.where(between, 2 * np.floor(vertices) + 1, 2 * whole).astype(np.int64)
    keys = (at[:, 0] << 42) | (at[:, 1] << 21) | at[:, 2]
    _, first, same = np.unique(keys, return_index=True, return_inverse=True)
    faces = same[faces]
    a, b, c = faces.T
    return compacted(vertices[first], faces[(a != b) & (b != c) & (a != c)])


def compacted(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh without vertices that no face uses."""
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    place = np.cumsum(used) - 1
    return vertices[used], place[faces]
