"""The drawing order of tensors on their device; unverified on a GPU, checked on the CPU."""

import numpy as np
import torch
from torch import Tensor


def depth_order(depths: Tensor, *, far_first: bool = True) -> Tensor:
    """[n] int64 indices; see `kernels.depthsort.depth_order`."""
    keys = -depths if far_first else depths
    return torch.argsort(keys, stable=True)  # torch puts NaN last


def depth_order_of_view(
    means: Tensor, world_to_camera: np.ndarray, *, far_first: bool = True
) -> Tensor:
    """[n] int64 indices; see `kernels.depthsort.depth_order_of_view`."""
    row = torch.as_tensor(world_to_camera[2], dtype=means.dtype, device=means.device)
    return depth_order(means @ row[:3] + row[3], far_first=far_first)
