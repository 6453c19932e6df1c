"""Samples along rays: even ones, finer ones where they matter, and those of occupied space."""

import pytest
import torch

from engines.nerf import render
from engines.nerf.backdrop import Backdrop
from engines.nerf.config import NerfConfig
from engines.nerf.fields import fresh_field
from engines.nerf.hierarchy import even_samples, finer_samples
from engines.nerf.look import RAY_SAMPLES, levels_of, samples_of
from engines.nerf.occupancy import Occupancy
from engines.nerf.radiance import Radiance
from engines.nerf.rays import Rays
from engines.nerf.render import draw
from engines.nerf.space import Space


def radiance(kind: str, *, stretch: float = 1.0) -> Radiance:
    space = Space(torch.tensor([[-1.0, -1, -1], [1.0, 1, 1]]), stretch)
    config = NerfConfig(field=kind, hidden=16, finest=16, levels=2, table_size=10)  # pyright: ignore[reportArgumentType]
    field = fresh_field(config, torch.Generator().manual_seed(0))
    occupancy = Occupancy(space, (), 16, stride=0.05) if field.occupancy else None
    return Radiance(
        space=space,
        field=field,
        occupancy=occupancy,
        backdrop=Backdrop("white", torch.device("cpu")),
        codes=None,
        stride=0.05,
        growth=0.0 if stretch == 1 else 1 / 32,
        near=0.1,
        away=2.0,
        coarse_samples=8,
        fine_samples=8,
    )


def rays(count: int = 6) -> Rays:
    """From the left to the right through the space; the last misses it."""
    origins = torch.zeros(count, 3)
    origins[:, 0], origins[:, 1] = -2.0, torch.linspace(-0.9, 0.9, count)
    origins[-1, 1] = 5.0
    return Rays(origins, torch.tensor([[1.0, 0.0, 0.0]]).expand(count, 3).contiguous())


@pytest.mark.parametrize("stretch", [1.0, 4.0])
def test_even_samples_fill_the_way_through_the_space(stretch):
    found = even_samples(radiance("classic", stretch=stretch), rays(), 8, None)
    assert found.offsets.diff().tolist() == [8] * 5 + [0]
    start, end = found.t_start.view(-1, 8), found.t_end.view(-1, 8)
    torch.testing.assert_close(start[:, 0], torch.ones(5))
    torch.testing.assert_close(end[:, -1], torch.full((5,), 3.0))
    torch.testing.assert_close(start[:, 1:], end[:, :-1])
    lengths = end - start
    if stretch == 1:
        torch.testing.assert_close(lengths, torch.full_like(lengths, 0.25))
    else:
        assert bool((lengths.diff(dim=1) > 0).all()), "longer with distance"


def test_drawn_samples_are_jittered_but_still_fill_the_way():
    drawn = even_samples(radiance("classic"), rays(), 8, torch.Generator().manual_seed(1))
    start, end = drawn.t_start.view(-1, 8), drawn.t_end.view(-1, 8)
    torch.testing.assert_close(start[:, 1:], end[:, :-1])
    torch.testing.assert_close(end[:, -1], torch.full((5,), 3.0))
    assert float((end - start).std()) > 0.01


def test_finer_samples_lie_where_the_weights_are():
    even = even_samples(radiance("classic"), rays(2), 8, None)
    weights = torch.zeros(8)
    weights[5] = 1.0
    found = finer_samples(even, weights, 16, generator=None)
    assert found.offsets.tolist() == [0, 24, 24]
    middles = (found.t_start + found.t_end) / 2
    inside = (middles > even.t_start[5]) & (middles < even.t_end[5])
    assert int(inside.sum()) >= 15
    assert float((found.t_end - found.t_start).sum()) == pytest.approx(2.0, rel=1e-5)


def test_samples_keep_to_occupied_space():
    scene = radiance("hash")
    assert scene.occupancy is not None
    scene.occupancy.cells[:] = False
    scene.occupancy.cells[4:8] = True  # x from -0.5 to 0
    found = samples_of(scene, rays())
    assert found.offsets.diff()[-1] == 0
    assert bool((found.t_start > 1.44).all())
    assert bool((found.t_end < 2.06).all())
    assert int(found.offsets.diff().max()) <= RAY_SAMPLES + 1


def test_the_classic_field_is_looked_at_twice_and_others_once():
    names = {
        kind: [level.name for level in levels_of(radiance(kind), rays(), None)]
        for kind in ("classic", "hash", "voxels")
    }
    assert names == {"classic": ["coarse", "fine"], "hash": ["samples"], "voxels": ["samples"]}


@pytest.mark.parametrize("most", [2, 16, 64])
@pytest.mark.parametrize("kind", ["hash", "voxels", "classic"])
def test_a_picture_is_what_learning_sees(kind, most, monkeypatch):
    """Following rays part by part or at once, without faint samples, hardly changes the colour."""
    monkeypatch.setattr(render, "FIRST_LOOK", most)
    scene = radiance(kind)
    if scene.occupancy is not None:
        scene.occupancy.update(
            lambda places: scene.field.density(places)[0],
            torch.Generator().manual_seed(0),
            everywhere=True,
        )
    with torch.no_grad():
        seen = levels_of(scene, rays(), None)[-1].seen
    drawn = draw(scene, rays())
    expected = seen.colour + (1 - seen.accumulation)[:, None]
    torch.testing.assert_close(drawn.colour, expected.clamp(0, 1), rtol=0, atol=0.02)
    assert drawn.accumulation[-1] == 0
    torch.testing.assert_close(drawn.colour[-1], torch.ones(3))


def test_what_is_close_to_a_lens_learns_less():
    scene = radiance("voxels")
    levels_of(scene, rays(2), None)[-1].seen.colour.sum().backward()
    near = scene.field.parameters["colour"].grad
    scene.field.parameters["colour"].grad = None
    scene.away = 0.01
    levels_of(scene, rays(2), None)[-1].seen.colour.sum().backward()
    assert near is not None
    far = scene.field.parameters["colour"].grad
    assert far is not None
    assert float(near.abs().sum()) < 0.9 * float(far.abs().sum())
