"""Three ways to hold a radiance field: each can be asked, learnt, written down and made again."""

import pytest
import torch

from engines.nerf.config import NerfConfig
from engines.nerf.fields import KINDS, fresh_field, rebuilt_field
from engines.nerf.fields.classic import encoded
from engines.nerf.fields.voxels import FINER, NOTHING, PRIOR_EVERY, VoxelField, corners_of
from engines.nerf.occupancy import Occupancy
from engines.nerf.space import Space
from kernels.voxelgrid import trilinear

SMALL = {"finest": 16, "levels": 3, "table_size": 10, "hidden": 16}


def fresh(kind: str, **settings):
    config = NerfConfig(field=kind, **(SMALL | settings))  # pyright: ignore[reportArgumentType]
    return fresh_field(config, torch.Generator().manual_seed(0))


def asked(field, codes=None, *, n: int = 50):
    """Density and colour at some places, seen along three rays."""
    random = torch.Generator().manual_seed(3)
    places = torch.rand(n, 3, generator=random)
    directions = torch.nn.functional.normalize(torch.randn(3, 3, generator=random))
    sigma, features = field.density(places)
    colours = field.colour(features, directions, torch.arange(n) % 3, codes)
    return sigma, colours


@pytest.mark.parametrize("kind", KINDS)
def test_density_and_colour_are_what_they_may_be(kind):
    sigma, colours = asked(fresh(kind))
    assert sigma.shape == (50,)
    assert colours.shape == (50, 3)
    assert bool((sigma > 0).all()), "a field that knows nothing lets nothing be ruled out"
    assert bool(((colours >= 0) & (colours <= 1)).all())


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_learnt(kind):
    field = fresh(kind, appearance=2)
    sigma, colours = asked(field, torch.ones(3, 2))
    loss = sigma.mean() + (colours**2).mean()
    if field.coarse is not None:
        coarse = asked(field.coarse, torch.ones(3, 2))
        loss = loss + coarse[0].mean() + (coarse[1] ** 2).mean()
    loss.backward()
    for name, parameter in field.parameters.items():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_light_of_a_photo_changes_the_colour_alone(kind):
    field = fresh(kind, appearance=2)
    with torch.no_grad():
        if kind == "voxels":
            field.parameters["light"] += 1.0
        plain, lit = asked(field, torch.zeros(3, 2)), asked(field, torch.full((3, 2), 5.0))
    assert torch.equal(plain[0], lit[0])
    assert not torch.allclose(plain[1], lit[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_was_written_down_is_the_same(kind):
    field = fresh(kind, rate=0.25)
    parameters = {name: p.detach().clone() for name, p in field.parameters.items()}
    again = rebuilt_field(kind, parameters, field.other(), field.about())
    assert again.kind == kind
    assert again.rates == field.rates
    for found, wanted in zip(asked(again), asked(field), strict=True):
        assert torch.equal(found, wanted)


def test_the_encoding_is_sines_and_cosines_of_doubling_frequency():
    x = torch.tensor([[0.25, -0.5, 1.0]])
    found = encoded(x, 2)
    assert found.shape == (1, 15)
    angles = torch.pi * torch.tensor([0.25, -0.5, 1.0, 0.5, -1.0, 2.0])
    torch.testing.assert_close(found[0, :3], x[0])
    torch.testing.assert_close(found[0, 3:9], angles.sin())
    torch.testing.assert_close(found[0, 9:], angles.cos())


def test_the_coarse_network_shares_parameters_but_not_answers():
    field = fresh("classic")
    coarse = field.coarse
    assert coarse is not None
    assert coarse.coarse is None
    assert coarse.parameters is field.parameters
    assert not torch.allclose(asked(field)[0], asked(coarse)[0])


@pytest.mark.parametrize("resolution", [5, 8, 12, 19])
def test_corners_are_those_of_cells_that_touch_something(resolution):
    random = torch.Generator().manual_seed(4)
    occupied = torch.rand(8, 8, 8, generator=random) < 0.03
    kept = corners_of(occupied, resolution)
    assert not bool(kept.all())
    cells = occupied.nonzero()[:, None].float()
    places = (cells + torch.rand(len(cells), 200, 3, generator=random)) / 8
    first = (places.flatten(0, 1) * resolution).long()
    for corner in torch.cartesian_prod(*[torch.arange(2)] * 3):
        x, y, z = (first + corner).unbind(dim=1)
        assert bool(kept[x, y, z].all()), "all that is occupied lies between kept corners"


def test_voxels_become_finer_and_stay_what_they_are_where_space_is_occupied():
    config = NerfConfig(field="voxels", finest=128)
    field = fresh_field(config, torch.Generator().manual_seed(0))
    assert isinstance(field, VoxelField)
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in field.parameters.values():
            parameter += torch.randn(parameter.shape, generator=random)
    space = Space(torch.tensor([[0.0, 0, 0], [1.0, 1, 1]]), 1.0)
    occupancy = Occupancy(space, (), field.occupancy, stride=0.1)
    occupancy.cells.zero_()[32:64, 32:64, 32:64] = True
    before, corners = dict(field.parameters), field.corners
    assert field.refine(1, config, occupancy) == ""
    told = field.refine(list(FINER)[-1], config, occupancy)
    assert "128 cells" in told
    assert field.resolution == 128
    assert len(field.parameters["density"]) < 0.05 * 129**3
    # A corner of the old grid is one of the new, which has twice as many cells.
    places = torch.cartesian_prod(*[torch.arange(17, 31)] * 3) / 64
    for name, width in (("density", 1), ("colour", 27)):
        now = trilinear(places, field.parameters[name], field.corners)
        assert now.shape[1] == width
        torch.testing.assert_close(now, trilinear(places, before[name], corners))
        assert field.parameters[name].requires_grad
    empty = field.density(torch.tensor([[0.9, 0.9, 0.9]]))[0].detach()
    assert float(empty) == pytest.approx(torch.tensor(NOTHING).exp().item())


def test_voxels_that_no_photo_sees_are_not_kept():
    config = NerfConfig(field="voxels", finest=128)
    field = fresh_field(config, torch.Generator().manual_seed(0))
    assert isinstance(field, VoxelField)
    assert field.light is not None
    space = Space(torch.tensor([[0.0, 0, 0], [1.0, 1, 1]]), 1.0)
    occupancy = Occupancy(space, (), field.occupancy, stride=0.1)
    cell = (torch.arange(field.occupancy) + 0.5) / field.occupancy
    wall = torch.cartesian_prod(torch.tensor([0.5]), cell, cell)
    field.notice(wall, torch.full((len(wall),), 0.2))
    behind = wall + torch.tensor([0.25, 0.0, 0.0])
    field.notice(behind, torch.full((len(wall),), 0.01))
    first, last = list(FINER)
    field.refine(first, config, occupancy)
    assert field.light is not None, "the last grid is chosen by it too"
    field.refine(last, config, occupancy)
    assert field.light is None
    rows = (field.corners >= 0).any(dim=(1, 2)).nonzero().squeeze(1).tolist()
    assert rows == [63, 64, 65, 66], "the wall, a cell to either side, and nothing else"


def test_rough_voxels_cost_more_than_smooth_ones():
    config = NerfConfig(field="voxels", smoothness=1.0, finest=16)
    field = fresh_field(config, torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(6)

    def cost() -> float:
        prior = field.prior(PRIOR_EVERY, config, torch.Generator().manual_seed(7))
        assert prior is not None
        return float(prior.detach())

    smooth = cost()
    with torch.no_grad():
        field.parameters["density"] += torch.randn(
            field.parameters["density"].shape, generator=random
        )
    assert cost() > smooth + 0.01
    off = NerfConfig(field="voxels", smoothness=0.0)
    assert field.prior(PRIOR_EVERY, off, torch.Generator()) is None
    assert field.prior(1, config, torch.Generator()) is None, "not in every step"
