"""Where to look at first: what photos are about, without all that is far behind it."""

import numpy as np

from assets.pointcloud import PointCloud

CAMERA_SHARE = 0.35
"""How much of the way out to the cameras is in view at the start."""
NEAR_POINTS = 0.7
"""Share of a data set's points that is in view at the start."""


def heart(
    centres: np.ndarray, cloud: PointCloud | None, *, reach: float = CAMERA_SHARE
) -> np.ndarray:
    """[n, 3] what the photos are about: the nearest points of a data set, and the cameras.

    `reach` says how much of the way out to the cameras is in it.

    Structure from motion also sees what is far behind; a view of all that shows little.
    """
    if cloud is None or len(cloud) == 0:
        return centres
    points = cloud.positions
    away = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    near = points[away <= np.quantile(away, NEAR_POINTS)]
    return np.concatenate([near, near.mean(axis=0) + reach * (centres - near.mean(axis=0))])
