"""Marching on the CPU: the numba walk, once to count and once to write."""

import numpy as np
import torch
from torch import Tensor

from kernels.raymarch.axes import stretched_faces
from kernels.raymarch.middles import fill_places
from kernels.raymarch.pace import plan_pace
from kernels.raymarch.types import Samples
from kernels.raymarch.walk import SHIFT, count_samples, cross_box, find_blocks, write_samples
from kernels.stretch import half_extent, inner_frame
from kernels.threads import balanced_region, parallel_region

PARTS = 4
"""Pieces of work that a thread takes at a time."""


def _array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers, copied only where it is not contiguous."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"expected float32, got {tensor.dtype}")
    return tensor.detach().contiguous().numpy()


def ray_box(
    origins: Tensor, directions: Tensor, box: Tensor, *, near: float = 0.0, far: float = torch.inf
) -> tuple[Tensor, Tensor]:
    """Entry [n] and exit [n]; see `kernels.raymarch.ray_box`."""
    enter, leave = torch.empty(len(origins)), torch.empty(len(origins))
    with parallel_region():
        cross_box(
            _array(origins),
            _array(directions),
            _array(box),
            np.float32(near),
            np.float32(far),
            enter.numpy(),
            leave.numpy(),
        )
    return enter, leave


def march(
    origins: Tensor,
    directions: Tensor,
    box: Tensor,
    occupancy: Tensor,
    *,
    step: float,
    jitter: Tensor | None = None,
    max_samples: int = 1024,
    near: float = 0.0,
    far: float = torch.inf,
    stretch: float = 1.0,
    growth: float = 0.0,
) -> Samples:
    """See `kernels.raymarch.march`."""
    if jitter is None:
        jitter = torch.zeros_like(origins[:, 0])
    enter, leave = ray_box(origins, directions, box, near=near, far=far)
    cells = occupancy.contiguous().numpy()
    blocks = np.empty([-(-size >> SHIFT) for size in cells.shape], np.uint8)
    pace = plan_pace(enter, leave, jitter, step=step, growth=growth)
    scene = _array(origins), _array(directions), _array(box), cells, blocks
    scene = (*scene, *_stretched(box, cells.shape, stretch))
    course = enter.numpy(), leave.numpy(), _array(jitter), np.float32(step)
    growing = pace.bend.numpy(), _array(pace.base), _array(pace.factors), np.float32(growth)
    offsets, firsts = np.zeros(len(origins) + 1, np.int64), np.zeros(len(origins), np.int64)
    with parallel_region():
        find_blocks(cells.view(np.uint8), blocks)
    with balanced_region(PARTS):
        count_samples(*scene, *course, *growing, max_samples, offsets[1:], firsts)
    np.cumsum(offsets, out=offsets)
    rays = torch.empty(int(offsets[-1]), dtype=torch.int64)
    t_start, t_end = torch.empty(len(rays)), torch.empty(len(rays))
    with balanced_region(PARTS):
        write_samples(
            *scene, *course, *growing, offsets, firsts, rays.numpy(), t_start.numpy(), t_end.numpy()
        )
    return Samples(offsets=torch.from_numpy(offsets), rays=rays, t_start=t_start, t_end=t_end)


def places(
    origins: Tensor, directions: Tensor, samples: Samples, box: Tensor, *, stretch: float = 1.0
) -> Tensor:
    """[m, 3] middles in the unit cube; see `kernels.raymarch.places`."""
    centre, per_length = inner_frame(box, stretch)
    found = torch.empty(len(samples.rays), 3)
    with parallel_region():
        fill_places(
            _array(origins),
            _array(directions),
            samples.rays.contiguous().numpy(),
            _array(samples.t_start),
            _array(samples.t_end),
            _array(centre),
            _array(per_length),
            np.float32(half_extent(stretch)),
            stretch > 1,
            found.numpy(),
        )
    return found


def _stretched(
    box: Tensor, shape: tuple[int, ...], stretch: float
) -> tuple[np.ndarray, np.ndarray, np.float32]:
    """Faces [3, 2, m], none where they are even; the even part's frame [2, 3]; half its extent."""
    frame, half = torch.stack(inner_frame(box, stretch)), np.float32(half_extent(stretch))
    if stretch == 1:
        return np.empty(0, np.float32), _array(frame), half
    return stretched_faces(box, shape, stretch, 1 << SHIFT), _array(frame), half
