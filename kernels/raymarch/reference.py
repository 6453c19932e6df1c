"""The definition of marching, in short readable torch: every step of every ray is looked at.

Müller et al. 2022, appendix E.1, with steps of one length; the box by the slab method of Kay and
Kajiya 1986, "Ray tracing complex scenes".
"""

import torch
from torch import Tensor

from kernels.raymarch.types import STEPS_LIMIT, Samples


def ray_box(
    origins: Tensor, directions: Tensor, box: Tensor, *, near: float = 0.0, far: float = torch.inf
) -> tuple[Tensor, Tensor]:
    """Entry [n] and exit [n]; see `kernels.raymarch.ray_box`."""
    infinite = torch.full_like(origins, torch.inf)
    low, high = (box[0] - origins) / directions, (box[1] - origins) / directions
    # Along the faces, a ray is between them always or never.
    along, between = directions == 0, (origins >= box[0]) & (origins <= box[1])
    first = torch.where(along, torch.where(between, -infinite, infinite), torch.minimum(low, high))
    last = torch.where(along, torch.where(between, infinite, -infinite), torch.maximum(low, high))
    enter, leave = first.amax(dim=1).clamp(min=near), last.amin(dim=1).clamp(max=far)
    hit = (leave > enter) & torch.isfinite(leave)
    return torch.where(hit, enter, 0.0), torch.where(hit, leave, 0.0)


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
) -> Samples:
    """See `kernels.raymarch.march`."""
    if jitter is None:
        jitter = torch.zeros_like(origins[:, 0])
    enter, leave = ray_box(origins, directions, box, near=near, far=far)
    most = float(((leave - enter) / step).max()) if len(origins) else 0.0
    numbers = torch.arange(min(int(most) + 1, STEPS_LIMIT), device=origins.device)
    middles = enter[:, None] + (numbers + (jitter[:, None] + 0.5)) * step
    points = origins[:, None] + directions[:, None] * middles[..., None]
    size = torch.tensor(occupancy.shape, device=origins.device)
    cells = ((points - box[0]) * (size / (box[1] - box[0]))).nan_to_num()
    cells = torch.minimum(cells.long().clamp(min=0), size - 1)
    kept = (middles < leave[:, None]) & occupancy[cells[..., 0], cells[..., 1], cells[..., 2]]
    kept = kept & (kept.cumsum(dim=1) <= max_samples)
    rays, number = kept.nonzero(as_tuple=True)
    return Samples(
        offsets=torch.nn.functional.pad(kept.sum(dim=1).cumsum(dim=0), (1, 0)),
        rays=rays,
        t_start=enter[rays] + (number + jitter[rays]) * step,
        t_end=enter[rays] + ((number + 1) + jitter[rays]) * step,
    )
