"""Whole pictures of a field without gradients, quickly: who is stopped is not followed any more."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from assets.camera import Camera
from engines.nerf.look import RAY_SAMPLES, levels_of, places_of, samples_of
from engines.nerf.radiance import Radiance
from engines.nerf.rays import Rays, along_axis, rays_of
from kernels.composite import composite
from kernels.raymarch import Samples

RAYS_AT_ONCE = 1 << 13
FULL_RAYS_AT_ONCE = 1 << 10
"""Of those, how many are looked at together where a field is looked at all along its rays."""
FIRST_LOOK = 16
"""Samples of a ray that are looked at first; then twice as many, and so on."""
STOPPED = 3e-3
"""A ray that has less light left than this is not followed."""
FAINT = 1e-3
"""Samples that add less than this to a pixel have no colour looked up."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """What n rays see; without gradients."""

    colour: Tensor
    """[n, 3] sRGB, with the background behind if it was asked for."""
    distance: Tensor
    """[n] expected distance from the eye, normalised; 0 where there is nothing."""
    accumulation: Tensor
    """[n] how much of the light is stopped."""


@torch.no_grad()
def draw(
    radiance: Radiance,
    rays: Rays,
    code: Tensor | None = None,
    *,
    backdrop: bool = True,
    count: int = RAY_SAMPLES,
) -> Drawn:
    """What `rays` see in the light of `code` [e], whose mean over all photos is taken if None.

    Without `backdrop` there is nothing behind the field: black. `count` is how many samples of
    a ray are looked at where space is known.
    """
    if code is None:
        code = radiance.code_of(None)
    codes = None if code is None else code.expand(len(rays), -1)
    if radiance.field.coarse is not None:
        colour, distance, accumulation = _look_everywhere(radiance, rays, codes)
    else:
        colour, distance, accumulation = _follow(radiance, rays, codes, count)
    accumulation = accumulation.clamp(max=1.0)  # sums of weights may exceed it by rounding
    if backdrop:
        behind = radiance.backdrop.colours(rays.directions)
        colour = colour + (1 - accumulation)[:, None] * behind
    return Drawn(colour=colour.clamp(0, 1), distance=distance, accumulation=accumulation)


def draw_rows(
    radiance: Radiance, camera: Camera, *, code: Tensor | None = None, every: int = 1
) -> Iterator[tuple[slice, Drawn]]:
    """The picture of `camera` (normalised frame), some rows after the other from the top.

    Of rows and columns only each `every`th is drawn.
    """
    height, width = -(-camera.height // every), -(-camera.width // every)
    rows = max(1, RAYS_AT_ONCE // width)
    for first in range(0, height, rows):
        some = slice(first, min(first + rows, height))
        yield some, draw(radiance, rays_of(camera, radiance.device, some, every=every), code)


@dataclass(frozen=True, eq=False, kw_only=True)
class Picture:
    """What a camera sees."""

    colour: Tensor
    """[h, w, 3] sRGB with the background behind."""
    depth: Tensor
    """[h, w] expected distance along the camera's z, normalised; 0 where there is nothing."""
    accumulation: Tensor
    """[h, w]."""


def picture_of(
    radiance: Radiance, camera: Camera, *, code: Tensor | None = None, every: int = 1
) -> Picture:
    """All of the picture of `camera` (normalised frame), or each `every`th row and column."""
    parts = [drawn for _, drawn in draw_rows(radiance, camera, code=code, every=every)]
    shape = -(-camera.height // every), -(-camera.width // every)
    distance = torch.cat([part.distance for part in parts])
    along = along_axis(camera, rays_of(camera, radiance.device, every=every))
    return Picture(
        colour=torch.cat([part.colour for part in parts]).view(*shape, 3),
        depth=(distance * along).view(shape),
        accumulation=torch.cat([part.accumulation for part in parts]).view(shape),
    )


def _look_everywhere(
    radiance: Radiance, rays: Rays, codes: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Colour [n, 3], distance [n] and accumulation [n] of a field without occupied space."""
    parts = []
    for first in range(0, len(rays), FULL_RAYS_AT_ONCE):
        some = slice(first, first + FULL_RAYS_AT_ONCE)
        lit = None if codes is None else codes[some]
        seen = levels_of(radiance, rays.part(some), lit)[-1].seen
        parts.append((seen.colour, seen.depth, seen.accumulation))
    colour, distance, accumulation = (torch.cat(part) for part in zip(*parts, strict=True))
    return colour, distance, accumulation


def _follow(
    radiance: Radiance, rays: Rays, codes: Tensor | None, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Colour [n, 3], distance [n] and accumulation [n] of what occupied space holds."""
    field, samples = radiance.field, samples_of(radiance, rays, count=count)
    colour = rays.origins.new_zeros(len(rays), 3)
    if not len(samples.rays):
        return colour, colour[:, 0], colour[:, 0]
    if int(samples.offsets.diff().max()) <= FIRST_LOOK:
        sigma, known = field.density(places_of(radiance, rays, samples))
        looked = slice(None)
    else:
        sigma, known, looked = _look_in_turns(radiance, rays, samples)
    nothing = sigma.new_empty(len(sigma), 0)
    seen = composite(sigma, nothing, samples.t_start, samples.t_end, samples.offsets)
    weights, ray = seen.weights[looked], samples.rays[looked]
    bright = (weights > FAINT).nonzero().squeeze(1)
    found = field.colour(known[bright], rays.directions, ray[bright], codes)
    colour.index_add_(0, ray[bright], found * weights[bright, None])
    return colour, seen.depth, seen.accumulation


def _look_in_turns(
    radiance: Radiance, rays: Rays, samples: Samples
) -> tuple[Tensor, Tensor, Tensor]:
    """Density [m] of all `samples` that light reaches, else 0; features and indices of these."""
    sigma = torch.zeros_like(samples.t_start)
    looked, features = [], []
    for index in _turns(samples, sigma):
        some = _chosen(samples, index)
        sigma[index], more = radiance.field.density(places_of(radiance, rays, some))
        looked.append(index)
        features.append(more)
    return sigma, torch.cat(features), torch.cat(looked)


def _turns(samples: Samples, sigma: Tensor) -> Iterator[Tensor]:
    """Indices of the samples to look at next, ray by ray; `sigma` is filled in between."""
    offsets, counts = samples.offsets[:-1], samples.offsets.diff()
    left = torch.full((len(counts),), -math.log(STOPPED), device=counts.device)
    alive = (counts > 0).nonzero().squeeze(1)
    first, many = 0, FIRST_LOOK
    while len(alive):
        here = (counts[alive] - first).clamp(max=many)
        before = here.cumsum(0) - here
        index = torch.arange(int(here.sum()), device=here.device)
        index += (offsets[alive] + first - before).repeat_interleave(here)
        yield index
        thickness = sigma[index] * (samples.t_end[index] - samples.t_start[index])
        left.index_add_(0, samples.rays[index], -thickness)
        first, many = first + many, 2 * many
        alive = alive[(left[alive] > 0) & (counts[alive] > first)]


def _chosen(samples: Samples, index: Tensor) -> Samples:
    """Some of the samples, no longer ray by ray: the offsets mean nothing any more."""
    return Samples(
        offsets=samples.offsets,
        rays=samples.rays[index],
        t_start=samples.t_start[index],
        t_end=samples.t_end[index],
    )
