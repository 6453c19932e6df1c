"""Where points of an unbounded scene lie in a grid whose cells grow with distance from its middle.

Along each axis of a box the middle 1/stretch is even, and the rest is drawn in by the contraction
of Barron et al. 2022, "Mip-NeRF 360", equation 10. It is taken axis by axis, unlike there, so that
cells stay upright boxes, and scaled so that the box becomes the unit cube. A stretch of 1 is the
even grid.
"""

import math

import torch
from torch import Tensor


def to_unit(points: Tensor, box: Tensor, stretch: float) -> Tensor:
    """Stretched coordinates of points: the box onto the unit cube, axis by axis.

    With c the middle of an axis, h half its side and y = (x - c) / (h / stretch), which is at most
    `stretch` within the box: u = (f(y) / f(stretch) + 1) / 2, where f(y) = y for |y| <= 1 and
    sign(y) (2 - 1 / |y|) beyond. For a stretch of 1 this is (x - low) / (high - low).

    Args:
        points: [n, 3] floating point.
        box: [2, 3] of the same type, its least and its greatest corner.
        stretch: at least 1: how many times the box is as long as what is even of it.

    Returns [n, 3] in [0, 1]; points outside the box come to its faces. Differentiable by `points`,
    with no gradient outside. Raises ValueError for a stretch that does not fit.
    """
    check_stretch(stretch)
    if stretch == 1:
        return ((points - box[0]) / (box[1] - box[0])).clamp(0, 1)
    centre, per_length = inner_frame(box, stretch)
    y = (points - centre) * per_length
    even = y.abs() <= 1
    far = torch.where(even, 1, y)  # so that no gradient divides by 0
    drawn_in = torch.where(even, y, torch.sign(far) * 2 - 1 / far)
    return (drawn_in * half_extent(stretch) + 0.5).clamp(0, 1)


def from_unit(unit: Tensor, box: Tensor, stretch: float) -> Tensor:
    """Points [n, 3] whose stretched coordinates are `unit` [n, 3]: the inverse of `to_unit`.

    Coordinates outside [0, 1] are taken for the nearest within. Differentiable by `unit`. Raises
    ValueError for a stretch that does not fit.
    """
    check_stretch(stretch)
    unit = unit.clamp(0, 1)
    if stretch == 1:
        return torch.lerp(box[0], box[1], unit)
    centre, per_length = inner_frame(box, stretch)
    drawn_in = (unit - 0.5) / half_extent(stretch)
    even = drawn_in.abs() <= 1
    far = torch.where(even, 1, drawn_in)
    return centre + torch.where(even, drawn_in, 1 / (torch.sign(far) * 2 - far)) / per_length


def check_stretch(stretch: float) -> None:
    """Raise ValueError unless `stretch` is a number of at least 1."""
    if not 1 <= stretch < math.inf:
        raise ValueError(f"expected a stretch of at least 1, got {stretch}")


def inner_frame(box: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
    """Middle of the box [3], and 1 / half the sides of its even part [3]."""
    return (box[0] + box[1]) / 2, stretch / ((box[1] - box[0]) / 2)


def half_extent(stretch: float) -> float:
    """Stretched coordinate per contracted one, beyond the middle: 1 / (2 f(stretch))."""
    return 0.5 / (2 - 1 / stretch)
