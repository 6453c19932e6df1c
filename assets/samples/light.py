"""Light that does not depend on the viewer, worked out once on every surface.

Shadows come from spheres and boxes that stand for the solids: soft, without noise, fast.
"""

from dataclasses import dataclass

import numpy as np

from assets.samples.shapes import Box, Ellipsoid, Shape, normalised
from assets.samples.stilllife import Item
from assets.samples.turned import Lathe, Torus

TO_LIGHT = normalised(np.array([-0.62, -0.42, 0.74]))
"""Towards the window, a large soft light on the left."""
LIGHT_COLOUR = np.array([1.0, 0.86, 0.66]) * 3.3
LIGHT_SIZE = 0.13
"""Half of its width as seen from the table, in radians."""
SKY = np.array([0.36, 0.41, 0.47]) * 0.85
BOUNCE = np.array([0.30, 0.20, 0.125]) * 0.7
_SAMPLES = 16
_ACROSS = normalised(np.cross(TO_LIGHT, (0.0, 0.0, 1.0)))
_LIGHT_AXES = np.stack([_ACROSS, np.cross(_ACROSS, TO_LIGHT), TO_LIGHT]).astype(np.float32)
_FLOOR = (BOUNCE * 0.45).astype(np.float32)
_CEILING = np.array([0.10, 0.105, 0.11], dtype=np.float32)
_WALL = np.array([0.26, 0.245, 0.21], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Stand:
    """What casts the shadow of one item: spheres [k, 4] (centre, radius), and perhaps a box."""

    spheres: np.ndarray
    box: Box | None = None


def stand_of(shape: Shape) -> Stand:
    """Spheres inside a solid, or the box that it is."""
    match shape:
        case Box():
            return Stand(np.zeros((0, 4)), shape)
        case Ellipsoid() if shape.radii.min() > 0.5 * shape.radii.max():
            return Stand(np.append(shape.centre, shape.radii.mean())[None])
        case Ellipsoid():
            rings = [(0.0, 1), (0.35, 6), (0.68, 12)]
            turns = [(r, 2 * np.pi * i / n) for r, n in rings for i in range(n)]
            uv = np.array([(0.25 + 0.0 * r, 0.5) for r, _ in turns])
            centre = np.array([(r * np.cos(a), r * np.sin(a)) for r, a in turns])
            across = normalised(shape.at(uv)[0] - shape.centre)
            big = shape.radii.max()
            points = shape.centre + big * (across * centre[:, :1] + centre[:, 1:] * (0, 0, 1))
            return Stand(np.column_stack([points, np.full(len(points), 0.3 * big)]))
        case Torus():
            uv = np.stack([np.linspace(0, 1, 72, endpoint=False), np.zeros(72)], axis=1)
            points = shape.at(uv)[0]
            middle = shape.centre + (points - shape.centre) * shape.major / (
                shape.major + shape.minor
            )
            return Stand(np.column_stack([middle, np.full(72, shape.minor)]))
        case Lathe() if shape.base @ shape.base > 0:
            low, high = shape.profile[:, 1].min(), shape.profile[:, 1].max()
            spheres, height = [], low
            while height < high:
                radius = np.interp(height, shape.profile[:, 1], shape.profile[:, 0])
                x, y, z = shape.base
                spheres.append([x, y, z + height, max(radius, 0.02)])
                height += max(0.4 * radius, 0.02)
            return Stand(np.array(spheres))
    return Stand(np.zeros((0, 4)))


def baked(item: Item, stands: list[Stand]) -> np.ndarray:
    """[rows, columns, 4] light that falls on `item` (RGB) and how much of the window it sees.

    `stands` are those of everything else. To be multiplied with the colour of the surface.
    """
    rows, columns = (256, 256) if item.name == "table" else (48, 64)
    v, u = (np.indices((rows, columns)) + 0.5) / np.array([rows, columns])[:, None, None]
    points, normals = item.shape.at(np.stack([u, v], axis=-1))
    points, normals = (
        np.asfortranarray(a.reshape(-1, 3), dtype=np.float32) for a in (points, normals)
    )
    seen, open_sky = np.ones(len(points)), np.ones(len(points))
    for stand in stands:
        seen *= _sphere_shadow(points, stand.spheres)
        open_sky *= _sphere_openness(points, normals, stand.spheres)
        if stand.box is not None:
            seen *= _box_shadow(points + 1e-3 * normals, stand.box)
            open_sky *= _box_openness(points, normals, stand.box)
    if item.name != "table":
        # The table takes sky from whatever is close above it.
        near = np.exp(-np.maximum(points[:, 2], 0) / 0.10)
        open_sky *= 1 - 0.45 * near * np.clip(1 - normals[:, 2], 0, 1)
        seen = np.where(points[:, 2] < -0.02, 0.15 * seen, seen)
    up = 0.5 + 0.5 * normals[:, 2:]
    ambient = (SKY * up + BOUNCE * (1 - up)) * open_sky[:, None]
    # Wrapped a little around the terminator, as a wide window does.
    facing = np.clip((normals @ TO_LIGHT + 0.12) / 1.12, 0, 1)
    light = ambient + LIGHT_COLOUR / np.pi * (facing * seen)[:, None]
    return np.column_stack([light, seen]).reshape(rows, columns, 4).astype(np.float32)


def mirrored(directions: np.ndarray, blur: float) -> np.ndarray:
    """[n, 3] light that comes from unit `directions` [n, 3]: a room with a tall window.

    `blur` is by how much a rough surface spreads the window, in radians.
    """
    height = directions[:, 2:]
    above = np.clip(height / (blur + 0.15) * 0.5 + 0.5, 0, 1)
    room = _FLOOR * (1 - above) + _CEILING * above + _WALL * np.exp(-np.square(height / 0.45))
    ahead = directions @ _LIGHT_AXES[2]
    scale = np.maximum(ahead, 1e-3)
    x, y = np.abs(directions @ _LIGHT_AXES[0]) / scale, np.abs(directions @ _LIGHT_AXES[1]) / scale
    pane = _soft_step(0.40 - x, blur) * _soft_step(0.62 - y, blur) * (ahead > 0)
    if blur < 0.1:
        pane = pane * (
            0.3 + 0.7 * _soft_step(x - 0.03, blur) * _soft_step(np.abs(y - 0.22) - 0.03, blur)
        )
    strength = 0.45 / (0.45 + blur)
    return room + pane[:, None] * (LIGHT_COLOUR * 1.5 * strength).astype(np.float32)


def film(light: np.ndarray) -> np.ndarray:
    """Linear light of any brightness as linear light in [0, 1], with a soft shoulder."""
    light = np.maximum(light, 0) * 1.08
    return np.clip(light * (1 + light / 6.0) / (1 + light * 0.82), 0, 1)


def _soft_step(x: np.ndarray, width: float) -> np.ndarray:
    t = np.clip(x / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _sphere_shadow(points: np.ndarray, spheres: np.ndarray) -> np.ndarray:
    seen = np.ones(len(points), dtype=np.float32)
    x, y, z = points.T
    lx, ly, lz = (float(c) for c in TO_LIGHT)
    for cx, cy, cz, radius in spheres.tolist():
        tx, ty, tz = cx - x, cy - y, cz - z
        ahead = tx * lx + ty * ly + tz * lz
        off = np.sqrt(np.maximum(tx * tx + ty * ty + tz * tz - ahead * ahead, 0))
        width = np.maximum(ahead, 1e-6) * (2 * LIGHT_SIZE)
        share = np.clip(0.5 + (off - radius) / width, 0, 1)
        np.minimum(seen, np.where(ahead > 0, share, 1), out=seen)
    return seen * seen * (3 - 2 * seen)


def _sphere_openness(points: np.ndarray, normals: np.ndarray, spheres: np.ndarray) -> np.ndarray:
    """Share of the sky that spheres of one item leave (they overlap, so the worst counts)."""
    taken = np.zeros(len(points), dtype=np.float32)
    (x, y, z), (nx, ny, nz) = points.T, normals.T
    for cx, cy, cz, radius in spheres.tolist():
        tx, ty, tz = cx - x, cy - y, cz - z
        square = np.maximum(tx * tx + ty * ty + tz * tz, radius * radius)
        facing = np.maximum(tx * nx + ty * ny + tz * nz, 0)
        np.maximum(taken, facing * (radius * radius) / (square * np.sqrt(square)), out=taken)
    return 1 - np.minimum(taken * 1.25, 0.9)


def _box_shadow(points: np.ndarray, box: Box) -> np.ndarray:
    across, above = _LIGHT_AXES[:2]
    seen = np.zeros(len(points))
    reach = np.linalg.norm(box.half)
    to = box.centre - points
    ahead = to @ TO_LIGHT
    off = np.sqrt(np.maximum((to * to).sum(axis=1) - ahead * ahead, 0))
    near = np.flatnonzero((off < reach + np.maximum(ahead, 0) * LIGHT_SIZE) & (ahead > -reach))
    seen[:] = 1
    total = np.zeros(len(near))
    for i in range(_SAMPLES):  # a sunflower of points on the window
        radius, turn = LIGHT_SIZE * ((i + 0.5) / _SAMPLES) ** 0.5, 2.39996 * i
        toward = normalised(TO_LIGHT + radius * (np.cos(turn) * across + np.sin(turn) * above))
        total += ~_blocked(points[near], toward, box)
    seen[near] = total / _SAMPLES
    return seen


def _blocked(points: np.ndarray, toward: np.ndarray, box: Box) -> np.ndarray:
    c, s = np.cos(box.turn), np.sin(box.turn)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    start, along = (points - box.centre) @ turn, toward @ turn
    with np.errstate(divide="ignore"):
        one, two = (-box.half - start) / along, (box.half - start) / along
    enter, leave = np.minimum(one, two).max(axis=1), np.maximum(one, two).min(axis=1)
    return (enter <= leave) & (leave > 1e-3)


def _box_openness(points: np.ndarray, normals: np.ndarray, box: Box) -> np.ndarray:
    c, s = np.cos(box.turn), np.sin(box.turn)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    local = (points - box.centre) @ turn
    nearest = np.clip(local, -box.half, box.half)
    away = nearest - local
    distance = np.sqrt((away * away).sum(axis=1))
    facing = np.where(
        distance > 1e-6,
        0.35 + 0.65 * ((away @ turn.T) * normals).sum(axis=1) / np.maximum(distance, 1e-6),
        0.5,
    )
    return 1 - 0.6 * np.clip(facing, 0, 1) * np.exp(-distance / max(0.75 * box.half[2], 0.02))
