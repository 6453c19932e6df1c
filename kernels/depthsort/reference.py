"""The definition of the drawing order, in one line of numpy."""

import numpy as np


def depth_order(depths: np.ndarray, *, far_first: bool = True) -> np.ndarray:
    """[n] uint32 indices; see `kernels.depthsort.depth_order`."""
    keys = -depths if far_first else depths
    return np.argsort(keys, kind="stable").astype(np.uint32)  # numpy puts NaN last


def depth_order_of_view(
    means: np.ndarray, world_to_camera: np.ndarray, *, far_first: bool = True
) -> np.ndarray:
    """[n] uint32 indices; see `kernels.depthsort.depth_order_of_view`."""
    row = np.asarray(world_to_camera, dtype=np.float32)[2]
    return depth_order(means @ row[:3] + row[3], far_first=far_first)
