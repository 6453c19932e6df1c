"""Fewer samples for learning: many where the field is dense, few where it is thin.

What is remembered of the density in a grid tells, for next to nothing, which samples will matter
in the picture. Drawing only some of the others makes a step much cheaper, and one that stands for
others counts with more length, so that the optical thickness stays right on average.
"""

from types import ModuleType

import torch
from torch import Tensor

from kernels.raymarch import Samples
from kernels.stretch import check_stretch
from kernels.thinning import cpu, cuda

__all__ = ["thin", "warm_up"]


def thin(
    origins: Tensor,
    directions: Tensor,
    samples: Samples,
    box: Tensor,
    densities: Tensor,
    *,
    draws: Tensor,
    count: int,
    stretch: float = 1.0,
) -> Samples:
    """About `count` samples of each ray, drawn by the weight they are known to have.

    With w_i the weights of volume rendering (see `kernels.composite`) for the densities of the
    cells that the samples' middles lie in, and m the samples of the ray, sample i is wanted
    c_i = count * (0.9 w_i / sum w + 0.1 / m) times. It is kept if an integer lies between the
    running sums of c before and after it, a draw added (systematic resampling). One that is kept
    with c_i < 1 becomes 1 / c_i times as long about its middle, so that neighbours may overlap.
    Rays with at most `count` samples keep all.

    Args:
        origins, directions: [n, 3] float32.
        samples: of these rays, from `kernels.raymarch.march`.
        box: [2, 3] float32 that the grid fills.
        densities: [rx, ry, rz] float32, at least 0.
        draws: [n] float32 in [0, 1), one random number a ray.
        count: samples that a ray should have, at least 1.
        stretch: of the grid's cells; see `kernels.stretch`.

    Nothing is differentiable. The samples are the same for any number of threads. Raises
    ValueError for shapes, types or numbers that do not fit.
    """
    check_stretch(stretch)
    if densities.ndim != 3 or densities.dtype != origins.dtype or not densities.numel():
        raise ValueError(
            f"expected {origins.dtype} densities [rx, ry, rz], got {densities.dtype} "
            f"{list(densities.shape)}"
        )
    n = len(samples.offsets) - 1
    if origins.shape != (n, 3) or directions.shape != (n, 3) or draws.shape != (n,):
        raise ValueError(
            f"expected origins and directions [{n}, 3] and draws [{n}], got "
            f"{list(origins.shape)}, {list(directions.shape)} and {list(draws.shape)}"
        )
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1")
    twin = _twin(origins)
    with torch.no_grad():
        return twin.thin(
            origins,
            directions,
            samples,
            box,
            densities,
            draws=draws,
            count=count,
            stretch=stretch,
        )


def warm_up() -> None:
    """Compile the CPU kernels, or load them from numba's cache."""
    samples = Samples(
        offsets=torch.tensor([0, 2]),
        rays=torch.zeros(2, dtype=torch.int64),
        t_start=torch.tensor([0.0, 0.5]),
        t_end=torch.tensor([0.5, 1.0]),
    )
    rays = torch.zeros(1, 3), torch.ones(1, 3)
    box = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    cpu.thin(*rays, samples, box, torch.ones(2, 2, 2), draws=torch.zeros(1), count=1)


def _twin(tensor: Tensor) -> ModuleType:
    return cuda if tensor.is_cuda else cpu
