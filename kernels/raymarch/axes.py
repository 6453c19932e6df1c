"""Along one axis: which cell a point lies in, and where a ray leaves it. For numba loops.

The cells are those of the definition to the last bit. The faces are only there to jump by: they
are held to be nearer than they are by more than rounding may amount to.
"""

import math

import numpy as np
import torch
from numba import njit
from torch import Tensor

from kernels.stretch import from_unit

MODE = {"cache": True, "nogil": True, "error_model": "numpy"}
ZERO, HALF, ONE, TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
INFINITY = np.float32(np.inf)
FAR = np.float32(1e30)
"""Where the outermost cells end; finite, since rays along the faces multiply it by 0."""
ROUNDING = np.float32(4e-6)
"""Share of the coordinates by which the faces of cells are held to be nearer than they are."""
UNIT_ROUNDING = 2e-6
"""The same in stretched coordinates: 5 roundings of numbers up to 1 are 3e-7."""


@njit(**MODE)
def even_axis(o, d, low, high, size):
    """What `even_cell` and `even_face` know of an axis: low, cells per length, cells, first, each.

    A ray meets the faces of cells at t = first + cell * each. A ray along the faces meets none:
    then t is infinite whatever the cell.
    """
    scale = np.float32(size) / (high - low)
    if d == ZERO:
        return low, scale, size, INFINITY, ZERO
    inverse = ONE / d
    slack = ROUNDING * max(abs(o), max(abs(low), abs(high)))
    first = (low - o) * inverse - slack * abs(inverse)
    return low, scale, size, first, (high - low) / np.float32(size) * inverse


@njit(**MODE)
def even_cell(point, axis):
    """The cell along one axis that a point lies in, or the nearest of the grid."""
    low, scale, size, _, _ = axis
    return min(max(np.int64((point - low) * scale), 0), size - 1)


@njit(**MODE)
def even_face(cell, shift, axis):
    """t at which a ray leaves, along one axis, the block of 2^shift cells that `cell` is in."""
    _, _, _, first, each = axis
    beyond = (cell >> shift) + (1 if each > ZERO else 0)
    return first + np.float32(beyond << shift) * each


def stretched_faces(box: Tensor, shape: tuple[int, ...], stretch: float, side: int) -> np.ndarray:
    """Where the faces of stretched cells are held to be: [3, 2, m] float32.

    The second axis is for rays that go down, and for those that go up. The cells at the ends reach
    on for ever. m is enough for any axis, its cells filled up to blocks of `side`.
    """
    numbers = np.arange(-(-max(shape) // side) * side + 1)[:, None]
    unit = numbers / np.array(shape)
    nearer = np.concatenate([unit + UNIT_ROUNDING, unit - UNIT_ROUNDING])
    places = from_unit(torch.from_numpy(nearer), box.double(), stretch).numpy().reshape(2, -1, 3)
    places[0, 0] = -FAR
    places[1][numbers >= np.array(shape)] = FAR
    return np.ascontiguousarray(places.transpose(2, 0, 1), np.float32)


@njit(**MODE)
def stretched_axis(o, d, low, high, size, frame, half, faces):
    """What `stretched_cell` and `stretched_face` know of an axis.

    First the middle and the scale of its even part, from `frame` [2], the extent `half` and the
    number of cells. Then 1 for a ray that goes up, `faces` [2, m] of that direction, and 1 / d and
    t at 0, by which t = face / d + t at 0 where a ray meets a face of cells. A ray along the faces
    meets none: then t is infinite whatever the face.
    """
    if d == ZERO:
        return frame[0], frame[1], half, size, 0, faces[0], ZERO, INFINITY
    inverse, up = ONE / d, int(d > ZERO)
    slack = ROUNDING * max(abs(o), max(abs(low), abs(high)))
    begin = -o * inverse - slack * abs(inverse)
    return frame[0], frame[1], half, size, up, faces[up], inverse, begin


@njit(**MODE)
def stretched_cell(point, axis):
    """As `even_cell`, by the same operations as `kernels.stretch.to_unit`."""
    centre, per_length, half, size, _, _, _, _ = axis
    y = (point - centre) * per_length
    if abs(y) > ONE:
        y = math.copysign(TWO, y) - ONE / y
    return min(max(np.int64((y * half + HALF) * np.float32(size)), 0), size - 1)


@njit(**MODE)
def stretched_face(cell, shift, axis):
    """As `even_face`."""
    _, _, _, _, up, faces, inverse, begin = axis
    return faces[((cell >> shift) + up) << shift] * inverse + begin
