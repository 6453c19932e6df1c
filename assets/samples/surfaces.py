"""The sample's true surfaces as triangles, to measure reconstructions against."""

import numpy as np

from assets.mesh import Mesh
from assets.samples.stilllife import Item, still_life


def sample_mesh() -> Mesh:
    """Everything on and of the table, in the frame of the sample's poses, as one mesh.

    The colours are those of the surfaces without any light on them. The wall around, a
    sphere of radius 7, is not part of it.
    """
    parts = [_triangles(item) for item in still_life()]
    starts = np.cumsum([0] + [len(points) for points, *_ in parts])
    faces = [faces + start for (_, _, _, faces), start in zip(parts, starts, strict=False)]
    points, normals, colours = (
        np.concatenate([part[i] for part in parts]).astype(np.float32) for i in range(3)
    )
    return Mesh(
        vertices=points,
        faces=np.concatenate(faces).astype(np.int32),
        normals=normals,
        colours=colours,
    )


def _triangles(item: Item) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points, normals and colours [v, 3] and faces [f, 3] of one item."""
    points, normals, colours, faces = [], [], [], []
    count = 0
    for uv in item.shape.patches():
        rows, columns = uv.shape[:2]
        place, normal = (a.reshape(-1, 3) for a in item.shape.at(uv))
        corner = np.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
        two = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
        faces.append(_facing_out(place, normal, two) + count)
        points.append(place)
        normals.append(normal)
        colours.append(_colours(item, uv.reshape(-1, 2)))
        count += rows * columns
    return (
        np.concatenate(points),
        np.concatenate(normals),
        np.concatenate(colours),
        np.concatenate(faces),
    )


def _facing_out(points: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The faces that have any area, counter-clockwise seen from where the normals point."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    outwards = (across * normals[faces].sum(axis=1)).sum(axis=1)
    faces = np.where(outwards[:, None] < 0, faces[:, ::-1], faces)
    return faces[np.linalg.norm(across, axis=1) > 1e-12]


def _colours(item: Item, uv: np.ndarray) -> np.ndarray:
    rows, columns = item.texture.shape[:2]
    row = np.clip((uv[:, 1] * rows).astype(int), 0, rows - 1)
    return np.clip(item.texture[row, (uv[:, 0] * columns).astype(int) % columns], 0, 1)
