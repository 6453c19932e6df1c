"""Along rays through a field: where samples lie, what they are, what is seen of them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engines.nerf.fields import Field
from engines.nerf.hierarchy import even_samples, finer_samples
from engines.nerf.radiance import Radiance
from engines.nerf.rays import Rays
from kernels.composite import Composited, composite
from kernels.raymarch import Samples, march, places
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
    space = radiance.space
    return places(rays.origins, rays.directions, samples, space.box, stretch=space.stretch)


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
    *,
    count: int = RAY_SAMPLES,
) -> Samples:
    """The samples along `rays` that are worth looking at, many where the field is dense.

    With a `generator` they are drawn, otherwise even. `count` is how many a ray may have.
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
        count=count,
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
    where = places_of(radiance, rays, samples)
    sigma, features = field.density(where)
    colours = field.colour(features, rays.directions, samples.rays, codes)
    if torch.is_grad_enabled():
        away = (samples.t_start + samples.t_end) / (2 * radiance.away)
        share = (away * away).clamp(max=1.0)
        sigma, colours = _quieter(sigma, share), _quieter(colours, share[:, None])
    seen = composite(sigma, colours, samples.t_start, samples.t_end, samples.offsets)
    return Level(name=name, samples=samples, places=where, sigma=sigma, colours=colours, seen=seen)


class _Quieter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Tensor) -> Tensor:
        ctx.save_for_backward(share)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # pyright: ignore
        (share,) = ctx.saved_tensors
        return grads[0] * share, None


def _quieter(x: Tensor, share: Tensor) -> Tensor:
    """x, of whose gradient only `share` gets through (Philip and Deschaintre 2023).

    Close to an eye many samples of few photos lie side by side; they would become fog before it.
    """
    return _Quieter.apply(x, share)  # pyright: ignore[reportReturnType]


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
