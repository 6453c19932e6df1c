"""Where Gaussians begin: at the points of the data set, or at random ones."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from assets.frame import Normalisation
from assets.gaussians import SH_C0
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.region import random_points
from engines.splats.config import SplatConfig

FEW_POINTS = 100
"""A data set with fewer points than this starts from random ones."""


def start_points(
    dataset: PosedPhotos, frame: Normalisation, config: SplatConfig
) -> tuple[PointCloud, str]:
    """Where Gaussians start (normalised `frame`), and a word on where that is from."""
    generator = np.random.default_rng(config.seed)
    points = dataset.points
    if points is not None:
        good = np.isfinite(points.positions).all(axis=1)
        points = PointCloud(points.positions[good], points.colours[good])
    if points is None or len(points) < FEW_POINTS:
        points = random_points(dataset, config.start_count, generator)
        origin = "random points where the cameras look"
    else:
        origin = "points of the data set"
    if len(points) > config.max_gaussians:
        chosen = generator.choice(len(points), config.max_gaussians, replace=False)
        points = PointCloud(points.positions[chosen], points.colours[chosen])
    return replace(points, positions=frame.to_normalised(points.positions)), origin


def start_from_points(
    points: PointCloud, *, sh_degree: int, opacity: float, scale_factor: float = 1.0
) -> dict[str, Tensor]:
    """Round Gaussians at `points` [n] (normalised frame), as wide as the three nearest
    neighbours are far (root mean square), of the points' colours."""
    positions = np.ascontiguousarray(points.positions, dtype=np.float32)
    n = len(positions)
    spacing = np.clip(neighbour_distance(positions), 1e-6, None) * scale_factor
    quats = torch.zeros(n, 4)
    quats[:, 0] = 1.0
    colours = torch.from_numpy(np.ascontiguousarray(points.colours, dtype=np.float32))
    return {
        "means": torch.from_numpy(positions.copy()),
        "quats": quats,
        "log_scales": torch.from_numpy(np.log(spacing).astype(np.float32))[:, None].repeat(1, 3),
        "logit_opacities": torch.logit(torch.full((n,), opacity)),
        "sh0": ((colours - 0.5) / SH_C0)[:, None, :].contiguous(),
        "sh_rest": torch.zeros(n, (sh_degree + 1) ** 2 - 1, 3),
    }


def neighbour_distance(positions: np.ndarray, neighbours: int = 3) -> np.ndarray:
    """[n] root mean square distance from each of `positions` [n, 3] to its nearest ones."""
    from scipy.spatial import KDTree  # slow to import, needed once a run

    n = len(positions)
    if n < 2:
        return np.full(n, 0.1, dtype=np.float32)
    k = min(neighbours, n - 1)
    distances, _ = KDTree(positions).query(positions, k=k + 1)
    return np.sqrt(np.mean(np.square(distances[:, 1:]), axis=1))
