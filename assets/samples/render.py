"""Photographs of the still life: rays to the first surface, painted light, mirrored light."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from assets.camera import Camera
from assets.colour import linear_to_srgb, srgb_to_linear
from assets.samples.light import LIGHT_COLOUR, TO_LIGHT, baked, film, mirrored, stand_of
from assets.samples.paint import plaster
from assets.samples.shapes import normalised, turns
from assets.samples.stilllife import Item, still_life

OVERSAMPLING = 2
"""Rays a pixel along each side."""
ROOM_RADIUS = 7.0


@dataclass(frozen=True, eq=False)
class Painted:
    """An item whose texture already holds the light that does not depend on the viewer."""

    item: Item
    radiance: np.ndarray
    """[rows, columns, 4] linear light and, last, how much of the window is seen."""


@dataclass(frozen=True, eq=False)
class Studio:
    """Everything that all photographs share."""

    things: tuple[Painted, ...]
    room: np.ndarray
    """[rows, columns, 3] linear light of the wall by direction."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """What one camera saw."""

    image: np.ndarray
    """[height, width, 3] float32 sRGB in [0, 1]."""
    points: np.ndarray
    """[height * n, width * n, 3] float32 where each of the n x n rays of a pixel ended."""
    items: np.ndarray
    """[height * n, width * n] index of the item hit, -1 for the wall."""


def studio() -> Studio:
    """Set the scene up: paint every surface and let the light fall on it."""
    items = still_life()
    stands = [stand_of(item.shape) for item in items]

    def painted(index: int) -> Painted:
        light = baked(items[index], stands[:index] + stands[index + 1 :])
        return Painted(items[index], _with_colour(light, items[index].texture))

    with ThreadPoolExecutor(2) as pool:
        things = list(pool.map(painted, range(len(items))))
    wall = srgb_to_linear(plaster(np.random.default_rng(7)))
    return Studio(tuple(things), _resized(wall.astype(np.float32), 512, 1536))


def photograph(scene: Studio, camera: Camera) -> Photograph:
    """What `camera`, inside the room and above the table, sees."""
    n = OVERSAMPLING
    fine = camera.resized(camera.width * n, camera.height * n)
    directions = _rays(fine)
    origin = camera.centre
    nearest = _room_distance(origin, directions)
    items = np.full(nearest.shape, -1, dtype=np.int16)
    for index, thing in enumerate(scene.things):
        for piece in thing.item.shape.pieces():
            window = _window(fine, piece.low, piece.high)
            distance = piece.hit(origin, directions[window])
            closer = distance < nearest[window]
            nearest[window][closer] = distance[closer]
            items[window][closer] = index
    directions = directions.reshape(-1, 3)
    points = origin.astype(np.float32) + nearest.reshape(-1, 1) * directions
    # By item, so that each is looked up in one go.
    order = np.argsort(items.reshape(-1), kind="stable")
    bounds = np.searchsorted(items.reshape(-1)[order], np.arange(-1, len(scene.things) + 1))
    light = np.empty(points.shape, dtype=np.float32)
    wall = order[bounds[0] : bounds[1]]
    light[wall] = _nearest(scene.room, _room_uv(points[wall]))
    for thing, start, end in zip(scene.things, bounds[1:], bounds[2:], strict=False):
        rays = order[start:end]
        if len(rays):
            light[rays] = _seen(thing, points[rays], directions[rays])
    height, width = camera.height, camera.width
    pixels = film(light.reshape(height, n, width, n, 3))
    # Developed before averaging, so that bright highlights have smooth edges.
    image = linear_to_srgb(pixels.mean(axis=(1, 3)))
    return Photograph(image.astype(np.float32), points.reshape(*items.shape, 3), items)


def _seen(thing: Painted, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Light [n, 3] that leaves `points` of one item against the unit view `directions`."""
    item = thing.item
    uv = item.shape.uv_of(points)
    painted = _nearest(thing.radiance, uv)
    if item.shine <= 0.011:
        return painted[:, :3]
    normals = item.shape.at(uv)[1].astype(np.float32)
    facing = np.einsum("ij,ij->i", normals, directions)
    half = normalised(TO_LIGHT.astype(np.float32) - directions)
    spread = (item.sharpness + 8) / (8 * np.pi)
    cosine = np.maximum(np.einsum("ij,ij->i", normals, half), 0)
    glint = spread * cosine**item.sharpness * painted[:, 3] * item.shine * 1.8
    # Schlick 1994: every surface mirrors more at a grazing angle.
    grazing = np.clip(1 + facing, 0, 1) ** 5
    mirror = item.shine + (1 - item.shine) * grazing * (0.9 if item.sharpness > 60 else 0.10)
    blur = 2.0 / item.sharpness**0.5 - 0.11
    bounced = mirrored(directions - 2 * facing[:, None] * normals, max(blur, 0.05))
    shine = mirror[:, None] * bounced + glint[:, None] * LIGHT_COLOUR.astype(np.float32)
    if item.metal:
        tint = np.array([1.0, 0.76, 0.40], dtype=np.float32)
        return painted[:, :3] * 0.45 + shine * tint * 1.6
    return painted[:, :3] + shine * (0.35 + 0.65 * painted[:, 3:])


def _with_colour(light: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """The texture in the light that falls on it, at the finer of both resolutions."""
    rows, columns = (max(texture.shape[i], light.shape[i]) for i in (0, 1))
    fallen = _resized(light, rows, columns)
    fallen[..., :3] *= _resized(srgb_to_linear(texture.astype(np.float32)), rows, columns)
    return fallen


def _resized(texture: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """`texture` at another resolution, bilinear; u repeats, v ends at the border."""
    high, wide = texture.shape[:2]
    if wide != columns:
        x = (np.arange(columns, dtype=np.float32) + 0.5) / columns * wide - 0.5
        left = np.floor(x).astype(int)
        along = (x - left)[:, None].astype(np.float32)
        texture = texture[:, left % wide] * (1 - along) + texture[:, (left + 1) % wide] * along
    if high != rows:
        y = np.clip((np.arange(rows) + 0.5) / rows * high - 0.5, 0, high - 1)
        top = np.floor(y).astype(int)
        down = (y - top)[:, None, None].astype(np.float32)
        texture = texture[top] * (1 - down) + texture[np.minimum(top + 1, high - 1)] * down
    return texture


def _nearest(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """[n, channels] at `uv` [n, 2] of a texture finer than the rays; u repeats."""
    rows, columns = texture.shape[:2]
    column = (uv[:, 0] * columns).astype(np.int32) % columns
    row = np.clip((uv[:, 1] * rows).astype(np.int32), 0, rows - 1)
    return np.take(texture.reshape(-1, texture.shape[2]), row * columns + column, axis=0)


def _rays(camera: Camera) -> np.ndarray:
    """[height, width, 3] float32 unit directions through the pixel centres."""
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
    local = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 1.0), axis=-1)
    world = local @ camera.camera_to_world[:3, :3].T
    return normalised(world).astype(np.float32)


def _window(camera: Camera, low: np.ndarray, high: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the image that a box can reach."""
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)
    pixels, depth = camera.project(corners)
    if depth.min() < 0.05:
        return slice(None), slice(None)
    start = np.clip(np.floor(pixels.min(axis=0)) - 1, 0, (camera.width, camera.height)).astype(int)
    end = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, (camera.width, camera.height)).astype(int)
    return slice(start[1], end[1]), slice(start[0], end[0])


def _room_distance(origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Distances to the wall, a sphere around the table, from within."""
    along = directions @ origin.astype(np.float32)
    room = np.float32(ROOM_RADIUS**2 - origin @ origin)
    return np.sqrt(along * along + room) - along


def _room_uv(points: np.ndarray) -> np.ndarray:
    """(u, v) [n, 2] of points on the wall: v is the height."""
    u = turns(points[:, 1], points[:, 0])
    return np.stack([u, points[:, 2] / (2 * ROOM_RADIUS) + 0.5], axis=-1)
