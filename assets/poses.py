"""From what data sets call a pose to a rotation and a position, or to why it is none."""

import numpy as np

OPENGL_TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
"""Turns camera axes x right, y up, z back into x right, y down, z forward."""
_NEARLY_FLAT = 1e-4
_UNEVEN = 1.1
_FARTHEST = 1e12


def rigid(matrix: object) -> np.ndarray | str:
    """[4, 4] float64 pose made of the rotation and translation in `matrix` [3 or 4, 4].

    A uniform scale in the rotation is taken out. Where that leaves no rotation, the answer
    is the reason, as words to put after "a camera pose that".
    """
    try:
        pose = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        return "is no matrix of numbers"
    if pose.shape not in ((3, 4), (4, 4)):
        return "is no 4x4 matrix"
    if not np.isfinite(pose).all():
        return "is not finite"
    if np.abs(pose[:3]).max() > _FARTHEST:
        return "is absurdly far away"
    left, stretch, right = np.linalg.svd(pose[:3, :3])
    if stretch[2] <= _NEARLY_FLAT * stretch[0] or stretch[0] < 1e-12:
        return "is degenerate"
    if stretch[0] > _UNEVEN * stretch[2]:
        return "is sheared"
    rotation = left @ right
    if np.linalg.det(rotation) < 0:
        return "is mirrored"
    clean = np.eye(4)
    clean[:3, :3], clean[:3, 3] = rotation, pose[:3, 3]
    return clean


def from_opengl(matrix: object) -> np.ndarray | str:
    """`rigid` of an OpenGL camera-to-world matrix, as OpenCV camera-to-world."""
    pose = rigid(matrix)
    return pose if isinstance(pose, str) else pose @ OPENGL_TO_OPENCV


def from_world_to_camera(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray | str:
    """`rigid` of x_camera = R x + t (R [3, 3], t [3]), as camera-to-world [4, 4]."""
    view = rigid(np.column_stack([rotation, translation]))
    if isinstance(view, str):
        return view
    pose = np.eye(4)
    pose[:3, :3] = view[:3, :3].T
    pose[:3, 3] = -pose[:3, :3] @ view[:3, 3]
    return pose


def rotation_from_quaternion(wxyz: np.ndarray) -> np.ndarray:
    """[3, 3] rotation of a quaternion [4] of any length; NaN for length 0 or what is not finite."""
    with np.errstate(all="ignore"):
        w, x, y, z = wxyz / np.linalg.norm(wxyz)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
