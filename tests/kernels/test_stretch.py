"""Stretched coordinates: against numbers by hand, their inverse and finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels.stretch import from_unit, to_unit

BOX = torch.tensor([[-4.0, -2.0, 10.0], [4.0, 6.0, 26.0]], dtype=torch.float64)
"""Middles 0, 2 and 18; half sides 4, 4 and 8: stretched by 4, the even part reaches 1, 1 and 2."""


def inside(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, generator=generator, dtype=torch.float64)


def test_places_are_those_of_the_contraction():
    points = torch.tensor(
        [[0.0, 2, 18], [1, 3, 20], [-0.5, 1.5, 17], [2, 0, 22], [4, 6, 26], [-4, -2, 10]]
    ).double()
    contracted = np.array([0, 1, -0.5, 1.5, 1.75, -1.75])  # (2 - 1 / 2), 2 - 1 / 4
    expected = np.tile((contracted / 1.75 + 1)[:, None] / 2, 3)
    expected[3, 1] = 1 - expected[3, 1]  # 0 is two lengths below the middle
    np.testing.assert_allclose(to_unit(points, BOX, 4), expected, atol=1e-15)


@given(
    stretch=st.floats(1, 200),
    seed=st.integers(0, 99),
    low=st.floats(-50, 50),
    side=st.floats(0.01, 1000),
)
def test_the_two_maps_undo_each_other(stretch, seed, low, side):
    box = torch.tensor([[low] * 3, [low + side, low + 2 * side, low + 3 * side]]).double()
    unit = inside(50, seed)
    points = from_unit(unit, box, stretch)
    assert ((points >= box[0] - 1e-9) & (points <= box[1] + 1e-9)).all()
    torch.testing.assert_close(to_unit(points, box, stretch), unit, rtol=0, atol=1e-9)
    # In float32 the coordinates are as good, though the points far out are not.
    points = from_unit(unit.float(), box.float(), stretch)
    again = to_unit(points, box.float(), stretch).double()
    # A point in float32 is known to 1e-7 of the largest coordinate, in the even part least well.
    known = 5e-7 * stretch * (box.abs().max() / side).item()
    torch.testing.assert_close(again, unit, rtol=0, atol=2e-6 + known)


@pytest.mark.parametrize("stretch", [1, 1.5, 4, 16])
def test_gradients_are_those_of_finite_differences(stretch):
    points = from_unit(inside(200) * 0.98 + 0.01, BOX, stretch).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: to_unit(x, BOX, stretch), points)
    unit = (inside(200) * 0.98 + 0.01).requires_grad_()
    assert torch.autograd.gradcheck(lambda u: from_unit(u, BOX, stretch), unit)


@pytest.mark.parametrize("stretch", [1, 4])
def test_gradients_at_the_middle_are_numbers_and_none_lead_outside(stretch):
    points = torch.tensor([[0.0, 2, 18], [9, -3, 40]], dtype=torch.float64, requires_grad=True)
    to_unit(points, BOX, stretch).sum().backward()
    assert points.grad is not None
    half = torch.tensor([4.0, 4, 8], dtype=torch.float64)
    per_length = stretch / half * 0.5 / (2 - 1 / stretch)
    torch.testing.assert_close(points.grad, torch.stack([per_length, torch.zeros(3).double()]))


def test_a_stretch_of_1_is_exactly_even():
    points = inside(1000).float() * 30 - 10
    box = BOX.float()
    expected = ((points - box[0]) / (box[1] - box[0])).clamp(0, 1)
    assert torch.equal(to_unit(points, box, 1), expected)
    assert torch.equal(from_unit(torch.eye(3), box, 1)[0], torch.tensor([4.0, -2, 10]))


@pytest.mark.parametrize("stretch", [1, 4, 16])
def test_what_lies_outside_comes_to_the_faces(stretch):
    points = torch.tensor([[-5.0, 7, 18], [1e6, -1e6, 26.1]], dtype=torch.float64)
    found = to_unit(points, BOX, stretch)
    np.testing.assert_allclose(found, [[0, 1, 0.5], [1, 0, 1]], atol=1e-15)
    unit = torch.tensor([[-0.1, 1.1, 0.5]], dtype=torch.float64)
    np.testing.assert_allclose(from_unit(unit, BOX, stretch), [[-4, 6, 18]], rtol=1e-12)


@pytest.mark.parametrize("stretch", [0.5, 0.0, -2.0, math.nan, math.inf])
def test_a_stretch_that_does_not_fit_is_refused(stretch):
    for convert in (to_unit, from_unit):
        with pytest.raises(ValueError, match="a stretch of at least 1"):
            convert(inside(2), BOX, stretch)
