"""Simple solids that can be hit by rays, painted through (u, v) and turned into meshes.

Every shape maps (u, v) in the unit square to its surface with `at` and back with `uv_of`; its
texture, its baked light and its mesh all rest on that one map. Arrays are float32, `origin`
[3] and `directions` [..., 3] are in world units, and a miss is an infinite distance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Hit = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(origin [3], unit directions [..., 3]) -> distances [...]."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a shape small enough to be worth looking for in a part of the image."""

    low: np.ndarray
    """[3] corner of a box around the part."""
    high: np.ndarray
    """[3] the opposite corner."""
    hit: Hit


class Shape(Protocol):
    """A surface with a map from the unit square."""

    def pieces(self) -> list[Piece]:
        """The parts that together are the whole shape."""
        ...

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points and unit outward normals [..., 3] at `uv` [..., 2]."""
        ...

    def uv_of(self, points: np.ndarray) -> np.ndarray:
        """(u, v) [..., 2] of points [..., 3] on the surface."""
        ...

    def patches(self) -> list[np.ndarray]:
        """Grids of (u, v) [rows, columns, 2] whose cells together are a good mesh."""
        ...


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """A stretched sphere with a vertical axis of latitude, turned about z by `turn` radians."""

    centre: np.ndarray
    radii: np.ndarray
    turn: float = 0.0

    def pieces(self) -> list[Piece]:
        reach = np.full(3, self.radii.max())
        reach[2] = self.radii[2]
        return [Piece(self.centre - reach, self.centre + reach, self._hit)]

    def _hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        turn = _turn(self.turn)
        start = ((origin - self.centre) @ turn / self.radii).astype(np.float32)
        along = directions @ turn.astype(np.float32) / self.radii.astype(np.float32)
        a, b = _dot(along, along), along @ start
        # Of the closest point, not of the far origin: no digits are lost.
        near = start - (b / a)[..., None] * along
        room = (1.0 - _dot(near, near)) / a
        with np.errstate(invalid="ignore"):
            distance = -b / a - np.sqrt(room)
        return np.where((room > 0) & (distance > 0), distance, np.inf)

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        around, up = 2 * np.pi * uv[..., 0], np.pi * (uv[..., 1] - 0.5)
        unit = np.stack(
            [np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)], axis=-1
        )
        turn = _turn(self.turn)
        return unit * self.radii @ turn.T + self.centre, normalised(unit / self.radii @ turn.T)

    def uv_of(self, points: np.ndarray) -> np.ndarray:
        kind = points.dtype
        turn = (_turn(self.turn) / self.radii).astype(kind)
        unit = (points - self.centre.astype(kind)) @ turn
        up = np.arcsin(np.clip(unit[..., 2], -1, 1)) / np.pi + 0.5
        return np.stack([turns(unit[..., 1], unit[..., 0]), up], axis=-1)

    def patches(self) -> list[np.ndarray]:
        return [grid_of(np.linspace(0, 1, 65), np.linspace(0, 1, 33))]


@dataclass(frozen=True, eq=False)
class Box:
    """A block turned about z. Its six faces lie above each other in v: +x -x +y -y +z -z."""

    centre: np.ndarray
    half: np.ndarray
    turn: float = 0.0

    def pieces(self) -> list[Piece]:
        reach = np.abs(_turn(self.turn)) @ self.half
        return [Piece(self.centre - reach, self.centre + reach, self._hit)]

    def _hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        turn = _turn(self.turn)
        start = ((origin - self.centre) @ turn).astype(np.float32)
        along = directions @ turn.astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (-self.half.astype(np.float32) - start) / along
            two = (self.half.astype(np.float32) - start) / along
        low, high = np.minimum(one, two), np.maximum(one, two)
        enter = np.maximum(np.maximum(low[..., 0], low[..., 1]), low[..., 2])
        leave = np.minimum(np.minimum(high[..., 0], high[..., 1]), high[..., 2])
        return np.where((enter <= leave) & (enter > 0), enter, np.inf)

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        face = np.clip((uv[..., 1] * 6).astype(int), 0, 5)
        axis, sign = face // 2, 1.0 - 2.0 * (face % 2)
        a, b = 2 * uv[..., 0] - 1, 2 * (uv[..., 1] * 6 - face) - 1
        local = np.stack([sign, a, b], axis=-1)
        # A face's own (across, up) axes: (y, z), (x, z) and (x, y).
        order = np.array([[0, 1, 2], [1, 0, 2], [1, 2, 0]])[axis]
        local = np.take_along_axis(local, order, axis=-1)
        normal = np.eye(3)[axis] * sign[..., None]
        turn = _turn(self.turn)
        return local * self.half @ turn.T + self.centre, normal @ turn.T

    def uv_of(self, points: np.ndarray) -> np.ndarray:
        kind = points.dtype
        local = (points - self.centre.astype(kind)) @ (_turn(self.turn) / self.half).astype(kind)
        axis = np.abs(local).argmax(axis=-1)
        sign = np.take_along_axis(local, axis[..., None], axis=-1)[..., 0] < 0
        across = np.array([1, 0, 0])[axis]
        up = np.array([2, 2, 1])[axis]
        u = (np.take_along_axis(local, across[..., None], axis=-1)[..., 0] + 1) / 2
        v = (np.take_along_axis(local, up[..., None], axis=-1)[..., 0] + 1) / 2
        inside = np.clip(v, 0.001, 0.999)
        return np.stack([u, (2 * axis + sign + inside) / 6], axis=-1)

    def patches(self) -> list[np.ndarray]:
        # Just inside its own sixth, or the last row would belong to the next face.
        return [grid_of(np.array([0, 1]), np.array([i, i + 1 - 1e-9]) / 6) for i in range(6)]


@dataclass(frozen=True, eq=False)
class Disc:
    """A flat round top that looks up, mapped in plan."""

    centre: np.ndarray
    radius: float

    def pieces(self) -> list[Piece]:
        reach = np.array([self.radius, self.radius, 0.0])
        return [Piece(self.centre - reach, self.centre + reach, self._hit)]

    def _hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        start = (origin - self.centre).astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = -start[2] / directions[..., 2]
            x = start[0] + distance * directions[..., 0]
            y = start[1] + distance * directions[..., 1]
            inside = (x * x + y * y <= self.radius**2) & (distance > 0)
        return np.where(inside, distance, np.inf)

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = (2 * uv - 1) * self.radius
        points = np.concatenate([flat, np.zeros_like(flat[..., :1])], axis=-1) + self.centre
        return points, np.broadcast_to([0.0, 0.0, 1.0], points.shape)

    def uv_of(self, points: np.ndarray) -> np.ndarray:
        local = points[..., :2] - self.centre[:2].astype(points.dtype)
        return local / (2 * self.radius) + 0.5

    def patches(self) -> list[np.ndarray]:
        polar = grid_of(np.linspace(0, 2 * np.pi, 129), np.linspace(0, 0.5, 25))
        angle, radius = polar[..., 0], polar[..., 1]
        return [0.5 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)]


def grid_of(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """[len(v), len(u), 2] all pairs of two coordinates."""
    return np.stack(np.meshgrid(u, v), axis=-1)


def normalised(vectors: np.ndarray) -> np.ndarray:
    """`vectors` [..., 3] at length 1."""
    return vectors / np.sqrt(_dot(vectors, vectors))[..., None]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...i,...i->...", a, b)


def _turn(angle: float) -> np.ndarray:
    """[3, 3] turn about z; its columns are the local axes."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def turns(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The angle of (x, y) as a share of a full turn, in [0, 1]; right to 2e-6.

    Polynomial 4.4.49 of Abramowitz and Stegun (1964), ten times faster than `arctan2`.
    """
    wide, high = np.abs(x), np.abs(y)
    ratio = np.minimum(wide, high) / np.maximum(np.maximum(wide, high), 1e-30)
    square = ratio * ratio
    angle = square * 0.0208351 - 0.0851330
    for coefficient in (0.1801410, -0.3302995, 0.9998660):
        angle = angle * square + coefficient
    angle = angle * ratio * (0.5 / np.pi)
    angle = np.where(high > wide, 0.25 - angle, angle)
    angle = np.where(x < 0, 0.5 - angle, angle)
    return np.where(y < 0, 1.0 - angle, angle)
