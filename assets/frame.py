"""The one transform between a data set's own frame and the one that training uses."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Moves and scales, never turns, so that view-dependent colour needs no change.

    x_normalised = (x_input - centre) * scale
    """

    centre: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """[3] float64, input units."""
    scale: float = 1.0
    """Normalised units in one input unit, positive."""

    def to_normalised(self, points: np.ndarray) -> np.ndarray:
        """Positions [..., 3] of the input's frame in the normalised one."""
        return (points - self.centre) * self.scale

    def to_input(self, points: np.ndarray) -> np.ndarray:
        """Positions [..., 3] of the normalised frame in the input's."""
        return points / self.scale + self.centre

    def pose_to_normalised(self, camera_to_world: np.ndarray) -> np.ndarray:
        """Camera-to-world [4, 4] with its position moved along."""
        pose = np.array(camera_to_world, dtype=np.float64)
        pose[:3, 3] = self.to_normalised(pose[:3, 3])
        return pose


def normalisation_of(centres: np.ndarray) -> Normalisation:
    """The frame in which camera `centres` [n, 3] have mean 0 and reach out to 1.

    A single camera, or cameras at one place, keep the input's scale.
    """
    centre = centres.mean(axis=0)
    reach = float(np.linalg.norm(centres - centre, axis=1).max())
    return Normalisation(centre=centre, scale=1.0 / reach if reach > 1e-9 else 1.0)
