"""Several textures in one image, because a mesh is drawn with one."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

MAX_TEXTURE = 4096
"""Longest side of a texture in pixels; larger ones are shrunk."""
MAX_TILE = 1024
"""Longest side of one texture among several."""
_EDGE = 4
"""Pixels of each tile's border repeated around it, so that filtering finds no neighbour."""


@dataclass(frozen=True)
class Place:
    """Where a texture lies in the atlas, in fractions of it, v upwards."""

    left: float
    bottom: float
    width: float
    height: float

    def moved(self, uvs: np.ndarray) -> np.ndarray:
        """Coordinates [n, 2] of the texture as coordinates of the atlas."""
        return uvs * (self.width, self.height) + (self.left, self.bottom)


def to_array(image: Image.Image, longest: int) -> np.ndarray:
    """[h, w, 3] float32 sRGB in [0, 1] of at most `longest` pixels a side."""
    image = image.convert("RGB")
    if max(image.size) > longest:
        factor = longest / max(image.size)
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def sample_texture(texture: np.ndarray, uvs: np.ndarray) -> np.ndarray:
    """[n, 3] bilinear samples of a repeating `texture` [h, w, 3] at `uvs` [n, 2], v upwards."""
    height, width = texture.shape[:2]
    uvs = np.nan_to_num(uvs.astype(np.float64), posinf=0.0, neginf=0.0)
    x = np.mod(uvs[:, 0], 1.0) * width - 0.5
    y = np.mod(1.0 - uvs[:, 1], 1.0) * height - 0.5
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    along, down = (x - left)[:, None], (y - top)[:, None]
    columns, rows = (left % width, (left + 1) % width), (top % height, (top + 1) % height)
    above = texture[rows[0], columns[0]] * (1 - along) + texture[rows[0], columns[1]] * along
    below = texture[rows[1], columns[0]] * (1 - along) + texture[rows[1], columns[1]] * along
    return above * (1 - down) + below * down


def pack_atlas(images: list[Image.Image]) -> tuple[np.ndarray, list[Place]]:
    """One image [h, w, 3] float32 that holds all `images`, and the place of each.

    One more place, the last, is white throughout, for parts without a texture.
    """
    largest = MAX_TILE
    while True:
        tiles = [to_array(image, largest) for image in images]
        tiles.append(np.ones((4, 4, 3), dtype=np.float32))
        width, height, corners = _shelves([(t.shape[1], t.shape[0]) for t in tiles])
        if max(width, height) <= MAX_TEXTURE or largest <= 4:
            break
        largest //= 2
    atlas = np.ones((height, width, 3), dtype=np.float32)
    places = []
    for tile, (x, y) in zip(tiles, corners, strict=True):
        high, wide = tile.shape[:2]
        bordered = np.pad(tile, ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)), mode="edge")
        atlas[y : y + high + 2 * _EDGE, x : x + wide + 2 * _EDGE] = bordered
        left, bottom = (x + _EDGE) / width, 1 - (y + _EDGE + high) / height
        places.append(Place(left, bottom, wide / width, high / height))
    return atlas, places


def _shelves(sizes: list[tuple[int, int]]) -> tuple[int, int, list[tuple[int, int]]]:
    """Width and height of an image that holds rectangles of `sizes`, and their corners.

    Rows of falling height, as wide as a square of the total area or the widest rectangle.
    """
    sizes = [(width + 2 * _EDGE, height + 2 * _EDGE) for width, height in sizes]
    area = sum(width * height for width, height in sizes)
    limit = max(round(area**0.5), *(width for width, _ in sizes))
    corners = [(0, 0)] * len(sizes)
    x = y = row = widest = 0
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i][1]):
        width, height = sizes[i]
        if x and x + width > limit:
            x, y, row = 0, y + row, 0
        corners[i] = (x, y)
        x, row = x + width, max(row, height)
        widest = max(widest, x)
    return widest, y + row, corners
