"""The few rotations that moving a camera needs, as plain matrices."""

import numpy as np


def about_axis(axis: np.ndarray, angle: float) -> np.ndarray:
    """[3, 3] rotation by `angle` radians about the unit `axis` (Rodrigues' formula)."""
    x, y, z = axis
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * skew @ skew


def axis_angle(rotation: np.ndarray) -> tuple[np.ndarray, float]:
    """Unit axis [3] and angle in [0, pi] of a rotation matrix [3, 3]."""
    angle = float(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0)))
    axis = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    length = float(np.linalg.norm(axis))
    if length > 1e-6:
        return axis / length, angle
    # No turn at all, or half a turn: then (R + I) / 2 = axis axis^T.
    column = int(np.argmax(np.diag(rotation)))
    axis = (rotation + np.eye(3))[:, column]
    return axis / np.linalg.norm(axis), angle


def between(start: np.ndarray, end: np.ndarray, t: float) -> np.ndarray:
    """[3, 3] on the shortest way from one rotation to another, `t` from 0 to 1."""
    axis, angle = axis_angle(end @ start.T)
    return about_axis(axis, t * angle) @ start


def orthonormal(rotation: np.ndarray) -> np.ndarray:
    """The nearest rotation [3, 3]: takes away what rounding added over many small turns."""
    left, _, right = np.linalg.svd(rotation)
    return left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right


def perpendicular(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors that make a right-handed frame with the unit `axis` as the third."""
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(helper, axis)
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)
