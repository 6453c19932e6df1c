"""How far a mesh is from the truth, measured as by Knapitsch et al. 2017 (Tanks and Temples)."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from assets.mesh import Mesh
from engines.mesh.clean import areas


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How two sets of surface points lie to each other."""

    accuracy: float
    """Mean distance from the reconstruction to the truth, world units."""
    completeness: float
    """Mean distance from the truth to the reconstruction, world units."""
    precision: float
    """Share of the reconstruction within the threshold of the truth."""
    recall: float
    """Share of the truth within the threshold of the reconstruction."""

    @property
    def chamfer(self) -> float:
        """Mean of accuracy and completeness, world units."""
        return (self.accuracy + self.completeness) / 2

    @property
    def f_score(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def compared(found: np.ndarray, truth: np.ndarray, *, threshold: float) -> Agreement:
    """How well surface points `found` [n, 3] agree with `truth` [m, 3], both not empty.

    `threshold` is the distance in world units up to which a point counts as right.
    """
    to_truth, _ = KDTree(truth).query(found)
    to_found, _ = KDTree(found).query(truth)
    return Agreement(
        accuracy=float(to_truth.mean()),
        completeness=float(to_found.mean()),
        precision=float((to_truth <= threshold).mean()),
        recall=float((to_found <= threshold).mean()),
    )


def surface_points(mesh: Mesh, count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` points [n, 3] evenly over the area of `mesh`, and the face [n] of each."""
    random = np.random.default_rng(seed)
    vertices = mesh.vertices.astype(np.float64)
    area = areas(vertices, mesh.faces)
    face = random.choice(len(mesh.faces), size=count, p=area / area.sum())
    along, across = random.random((2, count))
    over = along + across > 1
    along[over], across[over] = 1 - along[over], 1 - across[over]
    a, b, c = (vertices[mesh.faces[face, i]] for i in range(3))
    return a + along[:, None] * (b - a) + across[:, None] * (c - a), face
