"""The definition of marching, in short readable torch: every step of every ray is looked at.

Müller et al. 2022, appendix E.1, with steps of one length or, as there, such that grow with
distance; the box by the slab method of Kay and Kajiya 1986, "Ray tracing complex scenes".
"""

import torch
from torch import Tensor

from kernels.raymarch.pace import plan_pace
from kernels.raymarch.types import Samples
from kernels.stretch import to_unit


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
    stretch: float = 1.0,
    growth: float = 0.0,
) -> Samples:
    """See `kernels.raymarch.march`."""
    if jitter is None:
        jitter = torch.zeros_like(origins[:, 0])
    enter, leave = ray_box(origins, directions, box, near=near, far=far)
    pace = plan_pace(enter, leave, jitter, step=step, growth=growth)

    def edges(numbers: Tensor) -> Tensor:
        even = enter[:, None] + (numbers + jitter[:, None]) * step
        beyond = (numbers - pace.bend[:, None]).clamp(0, len(pace.factors) - 1)
        return torch.where(beyond_bend(numbers), pace.base[:, None] * pace.factors[beyond], even)

    def beyond_bend(numbers: Tensor) -> Tensor:
        return numbers >= pace.bend[:, None]

    numbers = torch.arange(pace.most, device=origins.device)
    starts, ends = edges(numbers), edges(numbers + 1)
    even = enter[:, None] + (numbers + (jitter[:, None] + 0.5)) * step
    middles = torch.where(beyond_bend(numbers + 1), 0.5 * (starts + ends), even)
    points = origins[:, None] + directions[:, None] * middles[..., None]
    cells = _cells(points, box, torch.tensor(occupancy.shape, device=box.device), stretch)
    kept = (middles < leave[:, None]) & occupancy[cells[..., 0], cells[..., 1], cells[..., 2]]
    kept = kept & (kept.cumsum(dim=1) <= max_samples)
    return Samples(
        offsets=torch.nn.functional.pad(kept.sum(dim=1).cumsum(dim=0), (1, 0)),
        rays=kept.nonzero()[:, 0],
        t_start=starts[kept],
        t_end=ends[kept],
    )


def _cells(points: Tensor, box: Tensor, size: Tensor, stretch: float) -> Tensor:
    """The cells [..., 3] of a grid of `size` [3] that points [..., 3] lie in, or the nearest."""
    if stretch == 1:
        cells = (points - box[0]) * (size / (box[1] - box[0]))
    else:
        cells = to_unit(points, box, stretch) * size
    return torch.minimum(cells.nan_to_num().long().clamp(min=0), size - 1)


def places(
    origins: Tensor, directions: Tensor, samples: Samples, box: Tensor, *, stretch: float = 1.0
) -> Tensor:
    """[m, 3] middles in the unit cube; see `kernels.raymarch.places`."""
    middles = (samples.t_start + samples.t_end) / 2
    points = origins[samples.rays] + directions[samples.rays] * middles[:, None]
    return to_unit(points, box, stretch)
