"""Marching on an NVIDIA GPU with nerfacc's traversal of grids.

Written against nerfacc 0.5.3, which adds up its steps one by one, so that samples may differ
from the other twins' by rounding. It is imported inside the function, because its import may start
a compiler.

Stretched cells and growing samples are left to the reference, which looks at every step of every
ray, some rays after the other. nerfacc knows no stretched cells, and its cone angle is another
growth: it makes a step growth * t long from where the step begins, so that lengths grow by
1 + growth each and not by exp(growth), and keeps one length while it passes an empty cell.
"""

import torch
from torch import Tensor

from kernels.raymarch import reference
from kernels.raymarch.types import Samples

RAYS_AT_ONCE = 1 << 14
"""Of which every step is held at a time: some hundred megabytes."""


def ray_box(
    origins: Tensor, directions: Tensor, box: Tensor, *, near: float = 0.0, far: float = torch.inf
) -> tuple[Tensor, Tensor]:
    """Entry [n] and exit [n]; see `kernels.raymarch.ray_box`."""
    return reference.ray_box(origins, directions, box, near=near, far=far)


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
    if stretch != 1 or growth or not len(origins):  # of no rays nerfacc makes an error
        parts = [
            reference.march(
                some_origins,
                some_directions,
                box,
                occupancy,
                step=step,
                jitter=some_jitter,
                max_samples=max_samples,
                near=near,
                far=far,
                stretch=stretch,
                growth=growth,
            )
            for some_origins, some_directions, some_jitter in zip(
                *(part.split(RAYS_AT_ONCE) for part in (origins, directions, jitter)), strict=True
            )
        ]
        return parts[0] if len(parts) == 1 else _joined(parts)
    import nerfacc

    enter, leave = reference.ray_box(origins, directions, box, near=near, far=far)
    hit = leave > enter
    edges, middles, _ = nerfacc.traverse_grids(
        torch.where(hit[:, None], origins, 0.0),
        torch.where(hit[:, None], directions, 1.0),
        occupancy[None],
        box.reshape(1, 6),
        near_planes=enter + jitter * step,
        far_planes=leave,
        step_size=step,
        traverse_steps_limit=max_samples,
        t_sorted=torch.stack([enter, leave], dim=1),
        t_indices=torch.tensor([0, 1], device=origins.device).expand(len(origins), 2),
        hits=hit[:, None],
    )
    rays = middles.ray_indices
    assert rays is not None
    counts = torch.bincount(rays, minlength=len(origins))
    return Samples(
        offsets=torch.nn.functional.pad(counts.cumsum(dim=0), (1, 0)),
        rays=rays,
        t_start=edges.vals[edges.is_left],
        t_end=edges.vals[edges.is_right],
    )


def places(
    origins: Tensor, directions: Tensor, samples: Samples, box: Tensor, *, stretch: float = 1.0
) -> Tensor:
    """[m, 3] middles in the unit cube; see `kernels.raymarch.places`."""
    return reference.places(origins, directions, samples, box, stretch=stretch)


def _joined(parts: list[Samples]) -> Samples:
    """The samples of all rays, those of `parts` one after the other."""
    counts = torch.cat([part.offsets.diff() for part in parts])
    firsts = [RAYS_AT_ONCE * i for i in range(len(parts))]
    return Samples(
        offsets=torch.nn.functional.pad(counts.cumsum(dim=0), (1, 0)),
        rays=torch.cat([part.rays + first for part, first in zip(parts, firsts, strict=True)]),
        t_start=torch.cat([part.t_start for part in parts]),
        t_end=torch.cat([part.t_end for part in parts]),
    )
