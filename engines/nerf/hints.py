"""What the points of a data set tell about a field before it has seen many rays.

Points that photos have in common lie on surfaces and have their colour. Where they are, a field is
drawn to be dense and of that colour for its first steps, and elsewhere to be thin; what it makes of
it afterwards is up to the photos. Deng et al. 2022, "Depth-supervised NeRF", use points likewise.
"""

import math

import numpy as np
import torch
from torch import Tensor

from engines.nerf.fields import Field
from engines.nerf.radiance import Radiance
from engines.scene import Scene

STEPS = 150
"""Steps in which hints are given, ever more quietly."""
MANY = 2_048
"""Points looked at in a step, and as many places without any."""
DENSE, THIN = math.log(100.0), math.log(0.2)
"""Logarithms of density, per normalised unit, at points and elsewhere."""
DENSITY_WEIGHT, COLOUR_WEIGHT = 1e-2, 0.3
AROUND = 64
"""Cells along each axis; those with a point in them are not elsewhere."""
FEWEST = 100
"""Fewer points say nothing."""


class Hints:
    """Points in the unit cube with their colours, and cells of `AROUND` without any."""

    def __init__(
        self, places: Tensor, colours: Tensor, elsewhere: Tensor, code: Tensor | None
    ) -> None:
        self._places, self._colours, self._elsewhere = places, colours, elsewhere
        self._code = None if code is None else code.expand(MANY, -1)

    def loss(self, field: Field, step: int, generator: torch.Generator) -> Tensor | None:
        """A loss for training step `step`, None once the hints are over."""
        if step > STEPS:
            return None
        device = self._places.device

        def some(count: int) -> Tensor:
            return torch.randint(count, (MANY,), generator=generator).to(device)

        point, cell = some(len(self._places)), some(len(self._elsewhere))
        inside = torch.rand(MANY, 3, generator=generator).to(device)
        away = (self._elsewhere[cell] + inside) / AROUND
        sigma, features = field.density(torch.cat([self._places[point], away]))
        directions = torch.randn(MANY, 3, generator=generator).to(device)
        colours = field.colour(
            features[:MANY],
            torch.nn.functional.normalize(directions, dim=1),
            torch.arange(MANY, device=device),
            self._code,
        )
        kept = sigma.clamp_min(1e-9).log()
        off = (kept[:MANY] - DENSE) ** 2 + (kept[MANY:] - THIN) ** 2
        wrong = (colours - self._colours[point]) ** 2
        share = 1 - (step - 1) / STEPS
        return share * (DENSITY_WEIGHT * off.mean() + COLOUR_WEIGHT * wrong.mean())


def hints_of(scene: Scene, radiance: Radiance) -> Hints | None:
    """What the points of the scene say; None where there are too few."""
    points = scene.dataset.points
    if points is None or radiance.occupancy is None:
        return None
    finite = np.isfinite(points.positions).all(axis=1)
    positions = scene.frame.to_normalised(points.positions[finite].astype(np.float64))
    positions = torch.from_numpy(positions.astype(np.float32)).to(scene.device)
    box = radiance.space.box
    inside = ((positions > box[0]) & (positions < box[1])).all(dim=1)
    if int(inside.sum()) < FEWEST:
        return None
    places = radiance.space.to_unit(positions[inside])
    colours = torch.from_numpy(points.colours[finite]).float().to(scene.device)[inside]
    seen = torch.nn.functional.interpolate(
        radiance.occupancy.seen[None, None].float(), (AROUND,) * 3
    )
    cell = (places * AROUND).long().clamp(0, AROUND - 1)
    seen[0, 0, cell[:, 0], cell[:, 1], cell[:, 2]] = 0
    elsewhere = (seen[0, 0] > 0).nonzero().float()
    code = None if radiance.codes is None else torch.zeros_like(radiance.codes[:1])
    return Hints(places, colours, elsewhere, code) if len(elsewhere) else None
