"""The transform between two frames in which the same cameras are known."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Similarity:
    """x_new = scale * rotation @ x_old + translation."""

    scale: float
    rotation: np.ndarray
    """[3, 3]."""
    translation: np.ndarray
    """[3]."""

    def points(self, points: np.ndarray) -> np.ndarray:
        """Positions [..., 3] in the new frame."""
        return self.scale * points @ self.rotation.T + self.translation

    def pose(self, camera_to_world: np.ndarray) -> np.ndarray:
        """Camera-to-world [4, 4] in the new frame; scale moves a camera, it does not zoom it."""
        pose = np.eye(4)
        pose[:3, :3] = self.rotation @ camera_to_world[:3, :3]
        pose[:3, 3] = self.points(camera_to_world[:3, 3])
        return pose


def similarity_between(old: np.ndarray, new: np.ndarray) -> Similarity:
    """The similarity that takes camera poses `old` [n, 4, 4] closest to `new` [n, 4, 4].

    The rotation follows from where the cameras look, so that cameras in a row, or a single
    one, are enough; scale and translation follow from their centres. n is 1 or more.
    """
    turns = np.einsum("nij,nkj->ik", new[:, :3, :3], old[:, :3, :3])
    u, _, vt = np.linalg.svd(turns)
    rotation = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    from_centre = old[:, :3, 3] - old[:, :3, 3].mean(axis=0)
    to_centre = new[:, :3, 3] - new[:, :3, 3].mean(axis=0)
    spread = float((from_centre**2).sum())
    scale = float(((from_centre @ rotation.T) * to_centre).sum()) / spread if spread > 0 else 1.0
    if not scale > 0:  # centres that contradict the rotation: cameras at one place, noise
        scale = 1.0
    translation = new[:, :3, 3].mean(axis=0) - scale * rotation @ old[:, :3, 3].mean(axis=0)
    return Similarity(scale, rotation, translation)
