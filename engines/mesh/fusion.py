"""Depth maps made into one signed distance, brick by brick, and colours of what came out.

Curless and Levoy 1996: every camera says of a point how far it lies before (above 0) or
behind (below 0) the surface seen in its pixel, cut off at the truncation; the weighted mean
of all is 0 on the surface. What lies farther behind a surface is not seen and says nothing.
A brick needs memory only while it is worked on, so no volume of all cells ever exists.

All constants of the kernels stand in this file: numba would not notice a change elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numba import prange

from engines.mesh.box import Grid
from engines.mesh.views import EMPTY, DepthView
from kernels.threads import balanced_region, parallel_region

OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}
_VOID = np.float32(1e29)
"""Depths above this are no surface."""
_NEAR = np.float32(1e-3)
"""Cells nearer to a camera than this, in cells, are not judged by it."""
_LEAST_TRUST = np.float32(1e-3)
_SLANT = np.float32(0.2)
"""Cosine below which a camera says nothing on the colour of a surface."""


@dataclass(frozen=True, eq=False)
class FusedViews:
    """Depth maps of any sizes in arrays that the kernels take; lengths are in cells."""

    to_pixels: np.ndarray
    """[n, 3, 4] float32: a place in cells to (x depth, y depth, depth)."""
    centres: np.ndarray
    """[n, 3] float32 places of the cameras in cells."""
    sizes: np.ndarray
    """[n, 2] int64 width and height."""
    starts: np.ndarray
    """[n] int64 first pixel of each in the arrays below."""
    depth: np.ndarray
    """[pixels] float32, `EMPTY` where one sees through."""
    trust: np.ndarray
    """[pixels] float32."""
    colour: np.ndarray
    """[pixels, 3] uint8 sRGB."""

    @classmethod
    def of(cls, views: Sequence[DepthView], grid: Grid) -> "FusedViews":
        """`views` (at least one) as seen from the cells of `grid`."""
        matrices, centres = [], []
        for view in views:
            world_to_camera = view.camera.world_to_camera
            rotation = world_to_camera[:3, :3]
            first = rotation @ grid.origin + world_to_camera[:3, 3]
            local = np.concatenate([rotation, first[:, None] / grid.spacing], axis=1)
            matrices.append(view.camera.intrinsics @ local)
            centres.append((view.camera.centre - grid.origin) / grid.spacing)
        sizes = np.array([view.depth.shape[::-1] for view in views], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes.prod(axis=1))[:-1]]).astype(np.int64)
        depth = np.concatenate([view.depth.reshape(-1) for view in views])
        depth[depth < EMPTY] /= np.float32(grid.spacing)
        return cls(
            np.stack(matrices).astype(np.float32),
            np.stack(centres).astype(np.float32),
            sizes,
            starts,
            depth,
            np.concatenate([view.trust.reshape(-1) for view in views]),
            np.concatenate([view.colour.reshape(-1, 3) for view in views]),
        )


def distances(
    views: FusedViews, corners: np.ndarray, side: int, *, truncation: float, agreement: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance and weight on the samples of some bricks.

    Args:
        views: what the cameras saw.
        corners: [b, 3] int64 first sample of each brick.
        side: samples along each axis of a brick.
        truncation: cells.
        agreement: views that must have seen a surface within the truncation; what lies behind
            one that fewer saw counts as not seen.

    Returns [b, side, side, side] float32 distance in units of the truncation, in [-1, 1] and
    positive before the surface, and weight, 0 where no camera says anything.
    """
    shape = (len(corners), side, side, side)
    distance, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    with balanced_region(1):
        _fuse(
            views.to_pixels,
            views.sizes,
            views.starts,
            views.depth,
            views.trust,
            np.ascontiguousarray(corners, dtype=np.int64),
            np.float32(truncation),
            agreement,
            distance,
            weight,
        )
    return distance, weight


def colours(
    views: FusedViews, places: np.ndarray, normals: np.ndarray, *, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour with which surface points are seen, and the weight of it.

    Args:
        views: what the cameras saw.
        places: [n, 3] in cells.
        normals: [n, 3] unit length, out of the surface.
        tolerance: cells between a point and the depth seen there up to which it is seen.

    Returns [n, 3] float32 sRGB in [0, 1] and [n] float32 weight, 0 where no camera sees it.
    """
    colour, weight = np.zeros((len(places), 3), np.float32), np.zeros(len(places), np.float32)
    with parallel_region():
        _colour(
            views.to_pixels,
            views.centres,
            views.sizes,
            views.starts,
            views.depth,
            views.trust,
            views.colour,
            np.ascontiguousarray(places, dtype=np.float32),
            np.ascontiguousarray(normals, dtype=np.float32),
            np.float32(tolerance),
            colour,
            weight,
        )
    return colour, weight


@numba.njit(parallel=True, **OPTIONS)
def _fuse(to_pixels, sizes, starts, depth, trust, corners, truncation, agreement, distance, weight):
    side = distance.shape[1]
    for b in prange(corners.shape[0]):
        votes = np.zeros((side, side, side), np.uint16)
        for n in range(to_pixels.shape[0]):
            m = to_pixels[n]
            width, height, start = sizes[n, 0], sizes[n, 1], starts[n]
            if _beside(m, corners[b], side, width, height):
                continue
            for i in range(side):
                for j in range(side):
                    x = np.float32(corners[b, 0] + i)
                    y = np.float32(corners[b, 1] + j)
                    across = m[0, 0] * x + m[0, 1] * y + m[0, 3]
                    down = m[1, 0] * x + m[1, 1] * y + m[1, 3]
                    ahead = m[2, 0] * x + m[2, 1] * y + m[2, 3]
                    for k in range(side):
                        z = np.float32(corners[b, 2] + k)
                        away = ahead + m[2, 2] * z
                        if away < _NEAR:
                            continue
                        u = (across + m[0, 2] * z) / away
                        v = (down + m[1, 2] * z) / away
                        if not (u >= 0 and v >= 0 and u < width and v < height):
                            continue
                        seen = _depth_at(depth, start, width, height, u, v, truncation)
                        believed = trust[start + int(v) * width + int(u)]
                        before = (seen - away) / truncation
                        if before >= -1 and believed > _LEAST_TRUST:
                            total = weight[b, i, j, k] + believed
                            share = believed / total
                            old = distance[b, i, j, k]
                            distance[b, i, j, k] = old + share * (min(before, np.float32(1)) - old)
                            weight[b, i, j, k] = total
                            if before <= 1:
                                votes[i, j, k] += 1
        for i in range(side):
            for j in range(side):
                for k in range(side):
                    if distance[b, i, j, k] < 0 and votes[i, j, k] < agreement:
                        weight[b, i, j, k] = 0


@numba.njit(**OPTIONS)
def _beside(m, corner, side, width, height):
    """Whether all of a brick lies behind a camera or beyond one edge of its picture."""
    behind = left = right = above = below = 0
    for c in range(8):
        x = np.float32(corner[0] + (side - 1) * (c & 1))
        y = np.float32(corner[1] + (side - 1) * ((c >> 1) & 1))
        z = np.float32(corner[2] + (side - 1) * (c >> 2))
        u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
        v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
        away = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        # Products with the depth hold for corners behind the camera too.
        behind += away < _NEAR
        left += u < 0
        right += u >= width * away
        above += v < 0
        below += v >= height * away
    return behind == 8 or left == 8 or right == 8 or above == 8 or below == 8


@numba.njit(**OPTIONS)
def _depth_at(depth, start, width, height, u, v, truncation):
    """Depth between pixel centres where its four pixels show one surface, else the pixel's."""
    own = depth[start + int(v) * width + int(u)]
    x = min(max(u - np.float32(0.5), np.float32(0)), np.float32(width - 1))
    y = min(max(v - np.float32(0.5), np.float32(0)), np.float32(height - 1))
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    a = depth[start + top * width + left]
    b = depth[start + top * width + right]
    c = depth[start + bottom * width + left]
    d = depth[start + bottom * width + right]
    if max(max(a, b), max(c, d)) - min(min(a, b), min(c, d)) > truncation:
        return own
    fx, fy = x - np.float32(left), y - np.float32(top)
    upper, lower = a + fx * (b - a), c + fx * (d - c)
    return upper + fy * (lower - upper)


@numba.njit(parallel=True, **OPTIONS)
def _colour(
    to_pixels,
    centres,
    sizes,
    starts,
    depth,
    trust,
    seen,
    places,
    normals,
    tolerance,
    colour,
    weight,
):
    scale = np.float32(1.0 / 255.0)
    for p in prange(places.shape[0]):
        x, y, z = places[p, 0], places[p, 1], places[p, 2]
        red = green = blue = total = np.float32(0)
        for n in range(to_pixels.shape[0]):
            m = to_pixels[n]
            away = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
            if away < _NEAR:
                continue
            u = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) / away
            v = (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) / away
            width, height, start = sizes[n, 0], sizes[n, 1], starts[n]
            if not (u >= 0 and v >= 0 and u < width and v < height):
                continue
            pixel = start + int(v) * width + int(u)
            near = depth[pixel]
            if near > _VOID or abs(near - away) > tolerance:
                continue
            dx, dy, dz = centres[n, 0] - x, centres[n, 1] - y, centres[n, 2] - z
            far = np.sqrt(dx * dx + dy * dy + dz * dz)
            facing = (dx * normals[p, 0] + dy * normals[p, 1] + dz * normals[p, 2]) / far
            if facing < _SLANT:
                continue
            # The nearer and the straighter, the finer the detail that a pixel shows.
            w = trust[pixel] * facing * facing / (away * away)
            red += w * seen[pixel, 0]
            green += w * seen[pixel, 1]
            blue += w * seen[pixel, 2]
            total += w
        weight[p] = total
        if total > 0:
            colour[p, 0] = red / total * scale
            colour[p, 1] = green / total * scale
            colour[p, 2] = blue / total * scale
