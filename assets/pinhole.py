"""Which pinhole camera sees what a bending lens saw, without a black border."""

from functools import lru_cache

import numpy as np

from assets.camera import Camera
from assets.errors import InputError
from assets.lens import Lens

WIDEST = float(np.tan(np.radians(65.0)))
"""A pinhole photo stretches without end towards 180 degrees; ours end at 130."""

_LEAST_SHOWN = 0.05


@lru_cache(maxsize=64)
def pinhole_within(lens: Lens) -> Camera:
    """The pinhole camera of the same size that sees as much as it can within the photo.

    Its picture has no border: every pixel is seen by the lens. The ratio of fx to fy is the
    lens's. Rays count up to where they leave the photo, the lens model folds back or the
    angle to the optical axis reaches 65 degrees. Raises InputError where hardly anything is left.
    """
    (fx, fy), (cx, cy) = lens.focal, lens.principal
    left, top, right, bottom = _rectangle(lens)
    shown = min((right - left) * fx / lens.width, (bottom - top) * fy / lens.height)
    if not shown > _LEAST_SHOWN:
        raise InputError(
            f"The lens distortion of a {lens.model} camera leaves nothing of the photo; "
            "check its parameters"
        )
    fx, fy = fx / shown, fy / shown
    return Camera(
        width=lens.width,
        height=lens.height,
        fx=fx,
        fy=fy,
        cx=float(np.clip(cx, lens.width - right * fx, -left * fx)),
        cy=float(np.clip(cy, lens.height - bottom * fy, -top * fy)),
    )


def _rectangle(lens: Lens) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) in x / z and y / z that lies within what the lens sees."""
    (fx, fy), (cx, cy) = lens.focal, lens.principal
    edge = _border(np.array([0.0, 0.0, lens.width, lens.height])) - (cx, cy)
    towards = edge / (fx, fy)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    reach, leaves = _reach(lens, towards)
    seen = towards * reach[:, None]
    pixels = _project(lens, seen)
    near = 0.01 * max(lens.width, lens.height)
    gaps = np.stack(
        [pixels[:, 0], pixels[:, 1], lens.width - pixels[:, 0], lens.height - pixels[:, 1]], axis=1
    )
    rectangle = np.array([-WIDEST, -WIDEST, WIDEST, WIDEST])
    for side in range(4):
        exits = leaves & (gaps.argmin(axis=1) == side) & (gaps[:, side] < near)
        if exits.any():
            places = seen[exits, side % 2]
            rectangle[side] = places.max() if side < 2 else places.min()
    angles = np.arctan2(towards[:, 1], towards[:, 0])
    order = np.argsort(angles)
    border = _border(rectangle)
    bearings = np.arctan2(border[:, 1], border[:, 0])
    allowed = np.interp(bearings, angles[order], reach[order], period=2 * np.pi)
    fits = (allowed * 1.0005 / np.linalg.norm(border, axis=1)).min()
    return tuple((rectangle * min(1.0, fits)).tolist())


def _reach(lens: Lens, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far [n] one can go from the axis along unit `towards` [n, 2] and still be seen.

    Also whether [n] it is the photo's edge that ends it.
    """
    radii = np.linspace(0.0, WIDEST, 257)
    n = len(towards)
    pixels = _project(lens, (towards[:, None] * radii[None, :, None]).reshape(-1, 2))
    pixels = pixels.reshape(n, len(radii), 2)
    inside = _inside(lens, pixels)
    # Odd parameters lead so far away that squares would overflow.
    distance = np.hypot(*np.moveaxis(pixels - lens.principal, 2, 0))
    grows = np.ones_like(inside)
    grows[:, 1:] = np.diff(distance, axis=1) > 0
    bad = ~(inside & grows)
    bad[:, 0] = False
    ends = bad.any(axis=1)
    first = np.where(ends, bad.argmax(axis=1), len(radii) - 1)
    leaves = ends & np.take_along_axis(grows, first[:, None], axis=1)[:, 0]
    low, high = radii[np.maximum(first - 1, 0)], radii[first]
    low = np.where(ends, low, WIDEST)
    for _ in range(20):
        middle = (low + high) / 2
        stays = leaves & _inside(lens, _project(lens, towards * middle[:, None]))
        low, high = np.where(stays, middle, low), np.where(stays, high, middle)
    return low, leaves


def _project(lens: Lens, flat: np.ndarray) -> np.ndarray:
    """Pixels [n, 2] of the rays through x / z, y / z `flat` [n, 2]."""
    return lens.project(np.column_stack([flat, np.ones(len(flat))]))


def _inside(lens: Lens, pixels: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        within = (pixels >= 0) & (pixels <= (lens.width, lens.height))
    return within[..., 0] & within[..., 1]


def _border(rectangle: np.ndarray) -> np.ndarray:
    """[256, 2] points round a rectangle (left, top, right, bottom), corners among them."""
    left, top, right, bottom = rectangle
    t = np.linspace(0.0, 1.0, 64)
    x, y = left + t * (right - left), top + t * (bottom - top)
    sides = [(x, top), (right, y), (x, bottom), (left, y)]
    return np.concatenate([np.stack(np.broadcast_arrays(a, b), axis=1) for a, b in sides])
