"""Few samples a ray, where they matter: short ones where the field is dense, long ones elsewhere.

What is remembered of the density in a grid tells, for next to nothing, where a ray will be stopped.
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
    """The rays' samples cut anew into about `count` pieces each, by the weight they should have.

    With m the samples of a ray, d_i their known optical thickness and L_i = exp(-0.5 sum_{j<i} d_j)
    the light that might be left, sample i is worth c_i pieces, the lesser of 16 and
    count * (0.8 w_i / sum w + 0.2 L_i / sum L), where w_i = L_i (1 - exp(-d_i)). That the known
    densities count half at stopping light keeps samples behind what may turn out to be thin. The
    line of all c_i, scaled so that it is a whole number long, is cut at all whole numbers; with a
    draw u > 0, at u - 1 more than each. A piece that spans samples with a gap between them is as
    long as its parts together, about the middle of these. So the pieces of a ray are as long
    together as its samples, and follow one another; this is the hierarchical sampling of
    Mildenhall et al. 2020, section 5.2, with a grid in the place of the coarse network.

    Args:
        origins, directions: [n, 3] float32.
        samples: of these rays, from `kernels.raymarch.march`.
        box: [2, 3] float32 that the grid fills.
        densities: [rx, ry, rz] float32, at least 0.
        draws: [n] float32 in [0, 1), one random number a ray, or 0 for cuts that are always alike.
        count: pieces that a ray may have, or one more with a draw; at least 1.
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
