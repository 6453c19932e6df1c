"""Where to look along a ray: steps through a box that leave out what is known to be empty."""

import math
from types import ModuleType

import torch
from torch import Tensor

from kernels.raymarch import cpu, cuda
from kernels.raymarch.types import STEPS_LIMIT, Samples
from kernels.stretch import check_stretch

__all__ = ["STEPS_LIMIT", "Samples", "march", "places", "ray_box", "warm_up"]


def ray_box(
    origins: Tensor, directions: Tensor, box: Tensor, *, near: float = 0.0, far: float = torch.inf
) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave a box, its faces being part of it.

    Args:
        origins: [n, 3] float32.
        directions: [n, 3] float32 of any length above 0; t counts in such lengths.
        box: [2, 3] float32, its least and its greatest corner.
        near, far: where rays begin and end, in t.

    Returns t at entry [n] and at exit [n], within near and far. Both are 0 for rays that miss
    the box or only touch it, and for those with NaN. Raises ValueError for shapes or types that
    do not fit.
    """
    _check(origins, directions, box)
    with torch.no_grad():
        return _twin(origins).ray_box(origins, directions, box, near=near, far=far)


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
    """Cut rays into steps and keep those whose middle lies in an occupied cell.

    A ray's steps begin where it enters the box (see `ray_box`), or `jitter` of a step later,
    and the last is the last whose middle lies before it leaves. Empty cells are passed in one
    go, and whole blocks of them (Müller et al. 2022, appendix E.1).

    Steps are of one length or, for `growth` above 0, about max(step, growth * t) long. With s the
    real-valued number of a step counted from t = 0, t(s) = s * step up to s = 1 / growth, and
    t(s) = step / growth * exp(growth * s - 1) beyond. The ray enters the box at s0; its step k is
    from t(s0 + k + jitter) to t(s0 + k + 1 + jitter). The middle that is looked at is halfway in
    t, not in s.

    Args:
        origins, directions: [n, 3] float32, as for `ray_box`.
        box: [2, 3] float32, its least and its greatest corner.
        occupancy: [rx, ry, rz] bool, whether each cell of the box is worth looking at.
        step: length of the shortest samples in t, above 0. A ray is followed for `STEPS_LIMIT`
            steps at most.
        jitter: [n] float32 in [0, 1), by which share of a step the ray's steps are moved; all 0
            if None.
        max_samples: samples that a ray may have, at least 1; what lies farther is left out.
        near, far: where rays begin and end, in t.
        stretch: at least 1: the cells are even in the coordinates of `kernels.stretch.to_unit`,
            so that outside the middle 1 / stretch of the box they are the larger the farther out.
        growth: by how much longer samples get per length of t, at least 0.

    Nothing is differentiable. Rays that miss the box, or with NaN, have no samples. Raises
    ValueError for shapes, types or numbers that do not fit.
    """
    _check(origins, directions, box)
    if occupancy.ndim != 3 or occupancy.dtype != torch.bool or not occupancy.numel():
        raise ValueError(
            f"expected bool occupancy [rx, ry, rz], got {occupancy.dtype} {list(occupancy.shape)}"
        )
    if not 0 < step < torch.inf or max_samples < 1:
        raise ValueError(
            f"expected a step above 0 and at least 1 sample, got {step} and {max_samples}"
        )
    check_stretch(stretch)
    if not 0 <= growth < math.inf:
        raise ValueError(f"expected a growth of at least 0, got {growth}")
    if jitter is None:
        jitter = torch.zeros_like(origins[:, 0])
    if jitter.shape != (len(origins),) or jitter.dtype != origins.dtype:
        raise ValueError(
            f"expected {origins.dtype} jitter [{len(origins)}], got {jitter.dtype} "
            f"{list(jitter.shape)}"
        )
    with torch.no_grad():
        return _twin(origins).march(
            origins,
            directions,
            box,
            occupancy,
            step=step,
            jitter=jitter,
            max_samples=max_samples,
            near=near,
            far=far,
            stretch=stretch,
            growth=growth,
        )


def places(
    origins: Tensor, directions: Tensor, samples: Samples, box: Tensor, *, stretch: float = 1.0
) -> Tensor:
    """[m, 3] the middles of `samples` in the unit cube; see `kernels.stretch.to_unit`.

    Args:
        origins, directions: [n, 3] float32, those of the rays that the samples name.
        samples: of these rays; their offsets are not read.
        box: [2, 3] float32.
        stretch: of the grid's cells.

    Nothing is differentiable. Raises ValueError for shapes or numbers that do not fit.
    """
    _check(origins, directions, box)
    check_stretch(stretch)
    with torch.no_grad():
        return _twin(origins).places(origins, directions, samples, box, stretch=stretch)


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    box = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    rays = torch.zeros(2, 3), torch.ones(2, 3)
    for stretch in (1.0, 2.0):
        cells = torch.ones(2, 2, 2, dtype=torch.bool)
        samples = cpu.march(*rays, box, cells, step=0.1, stretch=stretch)
        cpu.places(*rays, samples, box, stretch=stretch)


def _check(origins: Tensor, directions: Tensor, box: Tensor) -> None:
    if origins.ndim != 2 or origins.shape[1] != 3 or directions.shape != origins.shape:
        raise ValueError(
            f"expected origins and directions [n, 3], got {list(origins.shape)} and "
            f"{list(directions.shape)}"
        )
    if box.shape != (2, 3):
        raise ValueError(f"expected a box [2, 3], got {list(box.shape)}")
    if not bool((box[1] > box[0]).all()):
        raise ValueError(f"the box from {box[0].tolist()} to {box[1].tolist()} has no inside")
    if {directions.dtype, box.dtype} != {origins.dtype}:
        raise ValueError(
            f"expected one type, got {origins.dtype}, {directions.dtype} and {box.dtype}"
        )


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
