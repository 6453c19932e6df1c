"""How far found poses are from known ones, for tests and benchmarks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assets.similarity import similarity_between


@dataclass(frozen=True, kw_only=True)
class PoseErrors:
    """Medians over the photos that both know, after one similarity."""

    photos: int
    rotation_degrees: float
    centre_share: float
    """Distance of centres over the spread: the RMS distance of the true ones from their mean."""


def pose_errors(found: Mapping[str, np.ndarray], true: Mapping[str, np.ndarray]) -> PoseErrors:
    """Compare camera-to-world poses [4, 4] by name; two or more names are in both."""
    names = sorted(found.keys() & true.keys())
    old = np.stack([found[name] for name in names])
    new = np.stack([true[name] for name in names])
    there = similarity_between(old, new)
    moved = np.stack([there.pose(pose) for pose in old])
    centres = new[:, :3, 3]
    spread = np.sqrt(((centres - centres.mean(axis=0)) ** 2).sum(axis=1).mean())
    turns = np.einsum("nji,njk->nik", moved[:, :3, :3], new[:, :3, :3])
    cosines = (np.trace(turns, axis1=1, axis2=2) - 1.0) / 2.0
    return PoseErrors(
        photos=len(names),
        rotation_degrees=float(np.median(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))))),
        centre_share=float(np.median(np.linalg.norm(moved[:, :3, 3] - centres, axis=1)) / spread),
    )
