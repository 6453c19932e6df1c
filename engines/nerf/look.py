"""Along rays through a field: where samples lie, what they are, what is seen of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engines.nerf.fields import Field
from engines.nerf.hierarchy import even_samples, finer_samples
from engines.nerf.radiance import Radiance
from engines.nerf.rays import Rays
from kernels.composite import Composited, composite
from kernels.raymarch import Samples, march
from kernels.thinning import thin

MOST_SAMPLES = 1_024
"""Samples a ray may have."""
RAY_SAMPLES = 24
"""Samples of a ray that a training step looks at; more are thinned out."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Level:
    """One set of samples along rays and what was found there."""

    name: str
    samples: Samples
    """May be fewer than were marched: what no light reaches is left out."""
    places: Tensor
    """[m, 3] their middles in the unit cube."""
    sigma: Tensor
    """[m] density, per normalised unit."""
    colours: Tensor
    """[m, 3] sRGB."""
    seen: Composited
    """Without a background."""


def places_of(radiance: Radiance, rays: Rays, samples: Samples) -> Tensor:
    """[m, 3] middles of `samples` in the unit cube."""
    middles = (samples.t_start + samples.t_end) / 2
    points = rays.origins[samples.rays] + rays.directions[samples.rays] * middles[:, None]
    return radiance.space.to_unit(points)


def march_through(radiance: Radiance, rays: Rays, jitter: Tensor | None = None) -> Samples:
    """Samples in the occupied cells along `rays`; moved by `jitter` [n] of a sample's length."""
    assert radiance.occupancy is not None, "only for fields that keep track of occupied space"
    return march(
        rays.origins,
        rays.directions,
        radiance.space.box,
        radiance.occupancy.cells,
        step=radiance.stride,
        growth=radiance.growth,
        stretch=radiance.space.stretch,
        jitter=jitter,
        max_samples=MOST_SAMPLES,
        near=radiance.near,
    )


def samples_of(
    radiance: Radiance,
    rays: Rays,
    jitter: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Samples:
    """The samples along `rays` that are worth looking at, many where the field is dense.

    With a `generator` they are drawn, otherwise even.
    """
    assert radiance.occupancy is not None, "only for fields that keep track of occupied space"
    draws = torch.zeros_like(rays.origins[:, 0])
    if generator is not None:
        draws = torch.rand(len(rays), generator=generator).to(draws.device)
    return thin(
        rays.origins,
        rays.directions,
        march_through(radiance, rays, jitter),
        radiance.space.box,
        radiance.occupancy.density,
        draws=draws,
        count=RAY_SAMPLES,
        stretch=radiance.space.stretch,
    )


def look_at(
    radiance: Radiance,
    field: Field,
    rays: Rays,
    samples: Samples,
    codes: Tensor | None,
    *,
    name: str,
) -> Level:
    """What `field` is at `samples`, differentiable; `codes` [n, e] is the light of each ray."""
    places = places_of(radiance, rays, samples)
    sigma, features = field.density(places)
    colours = field.colour(features, rays.directions, samples.rays, codes)
    if torch.is_grad_enabled():
        away = (samples.t_start + samples.t_end) / 2 / radiance.away
        share = (away * away).clamp(max=1.0)
        sigma = share * sigma + (1 - share) * sigma.detach()
        colours = share[:, None] * colours + (1 - share[:, None]) * colours.detach()
    seen = composite(sigma, colours, samples.t_start, samples.t_end, samples.offsets)
    return Level(name=name, samples=samples, places=places, sigma=sigma, colours=colours, seen=seen)


def levels_of(
    radiance: Radiance,
    rays: Rays,
    codes: Tensor | None,
    *,
    jitter: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> list[Level]:
    """Everything that is looked at along `rays`, differentiable; the last level is the picture.

    `jitter` [n] moves the samples by a share of their length, and `generator` draws the fine
    ones of a field that has such; without both, samples are even.
    """
    field = radiance.field
    if field.coarse is None:
        samples = samples_of(radiance, rays, jitter, generator)
        return [look_at(radiance, field, rays, samples, codes, name="samples")]
    even = even_samples(radiance, rays, radiance.coarse_samples, generator)
    coarse = look_at(radiance, field.coarse, rays, even, codes, name="coarse")
    fine = finer_samples(
        even, coarse.seen.weights.detach(), radiance.fine_samples, generator=generator
    )
    return [coarse, look_at(radiance, field, rays, fine, codes, name="fine")]
