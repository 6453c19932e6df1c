"""Solids of revolution: what a lathe or a potter's wheel makes, and rings."""

from dataclasses import dataclass

import numpy as np

from assets.samples.shapes import Piece, grid_of, normalised, turns

CREASE = np.cos(np.radians(40.0))
"""Sharper corners of a profile are shaded as edges."""


@dataclass(frozen=True, eq=False)
class Lathe:
    """A profile turned about a vertical axis; v runs along the profile, u around it.

    The surface is exactly the frusta between the corners of the profile; normals between
    them are blended, but for sharp corners.
    """

    base: np.ndarray
    """[3] the point of the axis at height 0."""
    profile: np.ndarray
    """[k, 2] radius and height from the bottom up and, where it turns inwards, over the top."""

    def pieces(self) -> list[Piece]:
        found = []
        for (r0, z0), (r1, z1) in zip(self.profile[:-1], self.profile[1:], strict=True):
            widest, low, high = max(r0, r1), min(z0, z1), max(z0, z1)
            box = np.array([[-widest, -widest, low], [widest, widest, high]]) + self.base
            frustum = _Frustum(self.base, r0, z0, r1, z1)
            found.append(Piece(box[0], box[1], frustum.hit))
        return found

    @property
    def lengths(self) -> np.ndarray:
        """[k] length along the profile at its corners."""
        steps = np.linalg.norm(np.diff(self.profile, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lengths = self.lengths
        place = np.clip(uv[..., 1], 0, 1) * lengths[-1]
        segment = np.clip(np.searchsorted(lengths, place, side="right") - 1, 0, len(lengths) - 2)
        share = (place - lengths[segment]) / (lengths[segment + 1] - lengths[segment])
        start, end = self._normals()
        r, z = np.moveaxis(_mixed(self.profile[segment], self.profile[segment + 1], share), -1, 0)
        nr, nz = np.moveaxis(_mixed(start[segment], end[segment], share), -1, 0)
        c, s = np.cos(2 * np.pi * uv[..., 0]), np.sin(2 * np.pi * uv[..., 0])
        points = np.stack([r * c, r * s, z], axis=-1) + self.base
        return points, normalised(np.stack([nr * c, nr * s, nz], axis=-1))

    def uv_of(self, points: np.ndarray) -> np.ndarray:
        local = points - self.base.astype(points.dtype)
        x, y, z = local[..., 0], local[..., 1], local[..., 2]
        radius = np.sqrt(x * x + y * y)
        best = np.full_like(radius, np.inf)
        place = np.zeros_like(radius)
        lengths = self.lengths.tolist()
        for i, (start, end) in enumerate(zip(self.profile[:-1], self.profile[1:], strict=True)):
            (r0, z0), (dr, dz) = start.tolist(), (end - start).tolist()
            share = np.clip(
                (radius - r0) * (dr / (dr * dr + dz * dz)) + (z - z0) * (dz / (dr * dr + dz * dz)),
                0,
                1,
            )
            across, above = radius - r0 - share * dr, z - z0 - share * dz
            off = across * across + above * above
            closer = off < best
            np.copyto(best, off, where=closer)
            np.copyto(place, lengths[i] + share * (lengths[i + 1] - lengths[i]), where=closer)
        return np.stack([turns(y, x), place / lengths[-1]], axis=-1)

    def patches(self) -> list[np.ndarray]:
        return [grid_of(np.linspace(0, 1, 97), self.lengths / self.lengths[-1])]

    def _normals(self) -> tuple[np.ndarray, np.ndarray]:
        """Normals (radial, up) at the start and the end of every segment, [k - 1, 2] each."""
        step = np.diff(self.profile, axis=0)
        own = np.stack([step[:, 1], -step[:, 0]], axis=1)
        own /= np.linalg.norm(own, axis=1, keepdims=True)
        start, end = own.copy(), own.copy()
        for i in range(len(own) - 1):
            if own[i] @ own[i + 1] > CREASE:
                end[i] = start[i + 1] = own[i] + own[i + 1]
        for normals in (start, end):
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return start, end


@dataclass(frozen=True, eq=False)
class _Frustum:
    """One segment of a profile turned about its axis: a cone's side, a tube or a flat ring."""

    base: np.ndarray
    r0: float
    z0: float
    r1: float
    z1: float

    def hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        start = (origin - self.base).astype(np.float32)
        if abs(self.z1 - self.z0) > 1e-6:
            return self._side(start, directions)
        dx, dy, dz = directions[..., 0], directions[..., 1], directions[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (np.float32(self.z0) - start[2]) / dz
            radius = np.hypot(start[0] + distance * dx, start[1] + distance * dy)
            inside = (radius >= min(self.r0, self.r1)) & (radius <= max(self.r0, self.r1))
            return np.where(inside & (distance > 0), distance, np.inf)

    def _side(self, start: np.ndarray, directions: np.ndarray) -> np.ndarray:
        out = np.full(directions.shape[:-1], np.inf, dtype=np.float32)
        # From the point nearest to the middle of the segment, to lose no digits.
        middle = np.array([0.0, 0.0, (self.z0 + self.z1) / 2], dtype=np.float32)
        shift = -(directions @ (start - middle))
        slope = np.float32((self.r1 - self.r0) / (self.z1 - self.z0))
        dx, dy, dz = directions[..., 0], directions[..., 1], directions[..., 2]
        x, y, z = start[0] + shift * dx, start[1] + shift * dy, start[2] + shift * dz
        radius = np.float32(self.r0) + slope * (z - np.float32(self.z0))
        a = dx * dx + dy * dy - slope * slope * dz * dz
        b = x * dx + y * dy - slope * dz * radius
        room = b * b - a * (x * x + y * y - radius * radius)
        rays = np.nonzero(room > 0)
        a, b, z, dz = a[rays], b[rays], z[rays], dz[rays]
        root, radius, shift = np.sqrt(room[rays]), radius[rays], shift[rays]
        low, high = np.float32(min(self.z0, self.z1)), np.float32(max(self.z0, self.z1))
        best = np.full(root.shape, np.inf, dtype=np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            for t in ((-b - root) / a, (-b + root) / a):
                rise = t * dz
                good = (z + rise >= low) & (z + rise <= high) & (radius + slope * rise >= 0)
                distance = t + shift
                best = np.where(good & (distance > 0) & (distance < best), distance, best)
        out[rays] = best
        return out


@dataclass(frozen=True, eq=False)
class Torus:
    """A ring that stands upright and faces the horizontal direction `turn` radians from x."""

    centre: np.ndarray
    major: float
    minor: float
    turn: float

    @property
    def axes(self) -> np.ndarray:
        """[3, 3] with the columns across, up and forward."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        return np.array([[-s, 0.0, c], [c, 0.0, s], [0.0, 1.0, 0.0]])

    def pieces(self) -> list[Piece]:
        reach = np.full(3, self.major + self.minor)
        return [Piece(self.centre - reach, self.centre + reach, self._hit)]

    def _hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        start = ((origin - self.centre) @ self.axes).astype(np.float32)
        along = directions @ self.axes.astype(np.float32)
        shape = along.shape[:-1]
        along = along.reshape(-1, 3)
        middle = -(along @ start)
        out = np.full(len(along), np.inf, dtype=np.float32)
        nearest = np.linalg.norm(start + middle[:, None] * along, axis=1)
        reach = np.float32(self.major + self.minor)
        rays = np.flatnonzero(nearest < reach)
        along = along[rays]
        t = middle[rays] - np.sqrt(reach**2 - nearest[rays] ** 2)
        # Sphere tracing: the distance to a ring is known exactly.
        for _ in range(24):
            x, y, z = (start[i] + t * along[:, i] for i in range(3))
            t = t + np.hypot(np.hypot(x, y) - np.float32(self.major), z) - np.float32(self.minor)
        x, y, z = (start[i] + t * along[:, i] for i in range(3))
        off = np.hypot(np.hypot(x, y) - self.major, z) - self.minor
        out[rays] = np.where((np.abs(off) < 2e-3) & (t > 0), t, np.inf)
        return out.reshape(shape)

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        around, over = 2 * np.pi * uv[..., 0], 2 * np.pi * uv[..., 1]
        outwards = np.stack([np.cos(around), np.sin(around), np.zeros_like(around)], axis=-1)
        normal = outwards * np.cos(over)[..., None]
        normal[..., 2] = np.sin(over)
        local = outwards * self.major + normal * self.minor
        return local @ self.axes.T + self.centre, normal @ self.axes.T

    def uv_of(self, points: np.ndarray) -> np.ndarray:
        centre, axes = self.centre.astype(points.dtype), self.axes.astype(points.dtype)
        x, y, z = np.moveaxis((points - centre) @ axes, -1, 0)
        return np.stack([turns(y, x), turns(z, np.hypot(x, y) - self.major)], axis=-1)

    def patches(self) -> list[np.ndarray]:
        return [grid_of(np.linspace(0, 1, 97), np.linspace(0, 1, 25))]


def smooth_profile(corners: list[tuple[float, float]], steps: int = 6) -> np.ndarray:
    """[k, 2] Catmull-Rom curve through (radius, height) `corners`; a repeated one stays sharp."""
    points = np.array(corners, dtype=np.float64)
    runs = np.flatnonzero((np.diff(points, axis=0) == 0).all(axis=1)) + 1
    pieces = []
    for run in np.split(points, runs):
        if len(run) < 3:
            pieces.append(run)
            continue
        padded = np.concatenate([[2 * run[0] - run[1]], run, [2 * run[-1] - run[-2]]])
        t = np.arange(steps)[:, None] / steps
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
            curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
            pieces.append((curve + (3 * b - a - 3 * c + d) * t**3) / 2)
        pieces.append(run[-1:])
    profile = np.concatenate(pieces)
    keep = np.concatenate([[True], np.linalg.norm(np.diff(profile, axis=0), axis=1) > 1e-6])
    profile = profile[keep]
    profile[:, 0] = np.maximum(profile[:, 0], 0.0)
    return _simplified(profile, 0.0025)


def _simplified(curve: np.ndarray, tolerance: float) -> np.ndarray:
    """[k, 2] fewer corners, none of the old farther than `tolerance` from the new line."""
    start, end = curve[0], curve[-1]
    step = end - start
    share = np.clip((curve - start) @ step / max(step @ step, 1e-12), 0, 1)
    off = np.linalg.norm(curve - start - share[:, None] * step, axis=1)
    worst = int(off.argmax())
    if off[worst] <= tolerance:
        return np.stack([start, end])
    left, right = (_simplified(c, tolerance) for c in (curve[: worst + 1], curve[worst:]))
    return np.concatenate([left[:-1], right])


def _mixed(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + (b - a) * share[..., None]
