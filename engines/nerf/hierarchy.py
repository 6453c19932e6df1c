"""Coarse, then fine: samples along rays where nothing is known about space beforehand.

Mildenhall et al. 2020, "NeRF", section 5.2 and equation 5. Far away, where the space is
stretched, samples are even in the logarithm of distance.
"""

import torch
from torch import Tensor

from engines.nerf.radiance import Radiance
from engines.nerf.rays import Rays
from kernels.raymarch import Samples, ray_box

EPSILON = 1e-5
"""Added to the weights, so that no stretch of a ray is never looked at."""


def even_samples(
    radiance: Radiance, rays: Rays, count: int, generator: torch.Generator | None
) -> Samples:
    """`count` stratified samples along each ray through the space; none where it misses that."""
    enter, leave = ray_box(rays.origins, rays.directions, radiance.space.box, near=radiance.near)
    hit = (leave > enter).nonzero().squeeze(1)
    enter, leave = enter[hit, None], leave[hit, None]
    edges = torch.linspace(0, 1, count + 1, device=enter.device).expand(len(hit), -1)
    if generator is not None:
        inside = torch.rand(len(hit), count - 1, generator=generator).to(enter.device)
        edges = edges.clone()
        edges[:, 1:-1] += (inside - 0.5) / count
    # Even where the space is, and by distance in its stretched surroundings.
    bend = float((radiance.space.inner[1] - radiance.space.inner[0]).max())
    if radiance.space.stretch > 1:
        first, last = torch.log1p(enter / bend), torch.log1p(leave / bend)
        t = torch.expm1(first + edges * (last - first)) * bend
    else:
        t = enter + edges * (leave - enter)
    return _packed(t, hit, len(rays))


def finer_samples(
    samples: Samples, weights: Tensor, count: int, *, generator: torch.Generator | None
) -> Samples:
    """`samples` cut at `count` more places of each ray, mostly where `weights` [m] are large.

    All rays that have samples must have equally many.
    """
    counts = samples.offsets.diff()
    hit = (counts > 0).nonzero().squeeze(1)
    if not len(hit) or not count:
        return samples
    each = int(counts[hit[0]])
    edges = torch.cat([samples.t_start.view(-1, each), samples.t_end.view(-1, each)[:, -1:]], 1)
    shares = weights.view(-1, each) + EPSILON
    below = torch.nn.functional.pad((shares / shares.sum(1, keepdim=True)).cumsum(1), (1, 0))
    steps = (torch.arange(count, device=edges.device) + 0.5).expand(len(hit), -1)
    if generator is not None:
        steps = steps + torch.rand(len(hit), count, generator=generator).to(edges.device) - 0.5
    wanted = (steps / count).contiguous()
    above = torch.searchsorted(below, wanted, right=True).clamp(1, each)
    low, high = below.gather(1, above - 1), below.gather(1, above)
    inside = (wanted - low) / (high - low).clamp_min(1e-12)
    start, end = edges.gather(1, above - 1), edges.gather(1, above)
    new = start + inside.clamp(0, 1) * (end - start)
    t = torch.cat([edges, new], dim=1).sort(dim=1).values
    return _packed(t, hit, len(counts))


def _packed(edges: Tensor, hit: Tensor, rays: int) -> Samples:
    """Samples between neighbouring `edges` [h, k] of the rays numbered `hit` [h]."""
    each = edges.shape[1] - 1
    counts = torch.zeros(rays, dtype=torch.int64, device=edges.device)
    counts[hit] = each
    return Samples(
        offsets=torch.nn.functional.pad(counts.cumsum(0), (1, 0)),
        rays=hit.repeat_interleave(each),
        t_start=edges[:, :-1].reshape(-1).contiguous(),
        t_end=edges[:, 1:].reshape(-1).contiguous(),
    )
