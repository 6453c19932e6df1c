"""The ways in which a radiance field can be looked at; each paints rays."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from assets.camera import Camera
from engines.nerf.radiance import Radiance
from engines.nerf.rays import Rays, along_axis
from engines.nerf.render import Drawn, draw
from kernels.raymarch import march, ray_box

VIEW_SAMPLES = 12
"""Samples of a ray in a view that a person waits for; half of those that pictures are judged by."""
SEEN = 1e-3
"""Where less of the light is stopped there is no depth."""
LIGHT = (0.45, 0.8, 0.6)
"""How bright faces of occupied cells are along x, y and z."""
HEAT = ((0.05, 0.04, 0.12), (0.36, 0.15, 0.45), (0.93, 0.42, 0.25), (1.0, 0.92, 0.65))
"""Colours of density in a slice, from thin to dense."""
THIN, DENSE = 0.03, 30.0
"""Optical thickness of a sixteenth of the inner box where these colours begin and end."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Painted:
    """What n rays look like in some mode."""

    colour: Tensor
    """[n, 3] sRGB times alpha."""
    depth: Tensor
    """[n] along the camera's z, normalised; 0 where there is nothing."""
    alpha: Tensor
    """[n]."""


Painter = Callable[[Rays], Painted]


@dataclass(frozen=True)
class Cut:
    """Which plane the slice of density lies in."""

    axis: int | None = None
    """What it is at right angles to: 0 for x, 1 for y, 2 for z, None for the one that faces
    the camera most."""
    share: float = 0.5
    """How far from the low side of the inner box it is, 1 at the high side."""

    def place(self, camera: Camera, box: Tensor) -> tuple[int, float]:
        """Axis and coordinate of the plane in a `box` [2, 3] that is seen by `camera`."""
        axis = int(abs(camera.forward).argmax()) if self.axis is None else self.axis
        return axis, float(torch.lerp(box[0, axis], box[1, axis], self.share))


def painter_of(
    radiance: Radiance, camera: Camera, mode: str, code: Tensor | None, cut: Cut | None = None
) -> Painter:
    """What paints rays of `camera` (normalised frame) in `mode`; `cut` is for slices."""
    plane = cut or Cut()

    def depth_of(rays: Rays, distance: Tensor) -> Tensor:
        return distance * along_axis(camera, rays)

    def seen(rays: Rays) -> tuple[Drawn, Tensor]:
        drawn = draw(radiance, rays, code, backdrop=False, count=VIEW_SAMPLES)
        return drawn, depth_of(rays, torch.where(drawn.accumulation > SEEN, drawn.distance, 0.0))

    def colour(rays: Rays) -> Painted:
        drawn, depth = seen(rays)
        if radiance.backdrop.kind != "learned":
            return Painted(colour=drawn.colour, depth=depth, alpha=drawn.accumulation)
        left = (1 - drawn.accumulation)[:, None]
        behind = drawn.colour + left * radiance.backdrop.colours(rays.directions)
        far = depth_of(rays, ray_box(rays.origins, rays.directions, radiance.space.box)[1])
        depth = torch.where(drawn.accumulation > SEEN, depth, far)
        return Painted(colour=behind.clamp(0, 1), depth=depth, alpha=torch.ones_like(depth))

    def distance(rays: Rays) -> Painted:
        drawn, depth = seen(rays)
        near = radiance.away / (radiance.away + drawn.distance)
        grey = (near * drawn.accumulation)[:, None].expand(-1, 3)
        return Painted(colour=grey, depth=depth, alpha=drawn.accumulation)

    def accumulation(rays: Rays) -> Painted:
        drawn, depth = seen(rays)
        grey = (drawn.accumulation**2)[:, None].expand(-1, 3)
        return Painted(colour=grey, depth=depth, alpha=drawn.accumulation)

    def normals(rays: Rays) -> Painted:
        drawn, depth = seen(rays)
        points = rays.origins + rays.directions * drawn.distance[:, None]
        found = normals_at(radiance, points)
        shade = (found * 0.5 + 0.5) * drawn.accumulation[:, None]
        return Painted(colour=shade, depth=depth, alpha=drawn.accumulation)

    def occupancy(rays: Rays) -> Painted:
        distance, colours, hit = _first_cells(radiance, rays)
        return Painted(colour=colours, depth=depth_of(rays, distance), alpha=hit.float())

    def density(rays: Rays) -> Painted:
        distance, colours, hit = _slice(radiance, camera, rays, plane)
        return Painted(colour=colours, depth=depth_of(rays, distance), alpha=hit.float())

    painters: dict[str, Painter] = {
        "colour": colour,
        "depth": distance,
        "normals": normals,
        "accumulation": accumulation,
        "occupancy": occupancy,
        "slice": density,
    }
    paint = painters[mode]

    def painted(rays: Rays) -> Painted:
        with torch.no_grad():
            return paint(rays)

    return painted


def normals_at(radiance: Radiance, points: Tensor) -> Tensor:
    """[n, 3] unit vectors down the gradient of density at `points` [n, 3]; 0 where it is flat."""
    with torch.enable_grad():
        places = points.detach().requires_grad_()
        sigma = radiance.field.density(radiance.space.to_unit(places))[0]
        # The logarithm has the same direction and does not run out of float32.
        (slope,) = torch.autograd.grad(torch.log(sigma + 1e-6).sum(), places)
    return -torch.nn.functional.normalize(slope.nan_to_num(), dim=1)


def _first_cells(radiance: Radiance, rays: Rays) -> tuple[Tensor, Tensor, Tensor]:
    """Distance, colour and whether there is any, of the first occupied cell on each ray."""
    occupancy, space = radiance.occupancy, radiance.space
    assert occupancy is not None
    samples = march(
        rays.origins,
        rays.directions,
        space.box,
        occupancy.cells,
        step=radiance.stride / 2,
        growth=radiance.growth / 2,
        stretch=space.stretch,
        max_samples=1,
        near=radiance.near,
    )
    hit = samples.offsets.diff() > 0
    distance = rays.origins.new_zeros(len(rays))
    distance[samples.rays] = samples.t_start
    points = rays.origins + rays.directions * distance[:, None]
    place = space.to_unit(points) * occupancy.resolution
    cell, inside = place.floor(), place - place.floor()
    # The face through which the ray came is the one that is nearest.
    side = torch.minimum(inside, 1 - inside).argmin(dim=1)
    light = torch.tensor(LIGHT, device=place.device)[side]
    tint = 0.8 + 0.2 * (cell.sum(dim=1) % 2)
    middle = radiance.density_known(points)
    heat = _heat(middle * radiance.space.unit_length)
    return distance, heat * (light * tint * hit)[:, None], hit


def _slice(
    radiance: Radiance, camera: Camera, rays: Rays, cut: Cut
) -> tuple[Tensor, Tensor, Tensor]:
    """Density on the plane of `cut`, in the inner box."""
    box = radiance.space.inner
    axis, place = cut.place(camera, box)
    along = rays.directions[:, axis]
    safe = torch.where(along.abs() < 1e-9, 1e-9, along)
    distance = (place - rays.origins[:, axis]) / safe
    points = rays.origins + rays.directions * distance[:, None]
    slack = 1e-4 * (box[1] - box[0])
    hit = ((points >= box[0] - slack) & (points <= box[1] + slack)).all(dim=1) & (distance > 0)
    colours = rays.origins.new_zeros(len(rays), 3)
    colours[hit] = _heat(radiance.density(points[hit]) * radiance.space.unit_length)
    return torch.where(hit, distance, 0.0), colours, hit


def _heat(thickness: Tensor) -> Tensor:
    """[n, 3] colours of optical thicknesses [n], in proportion to their logarithms."""
    stops = torch.tensor(HEAT, device=thickness.device)
    low, high = torch.tensor((THIN, DENSE)).log().tolist()
    place = ((thickness.clamp_min(1e-9).log() - low) / (high - low)).clamp(0, 1)
    place = place * (len(HEAT) - 1)
    below = place.long().clamp(max=len(HEAT) - 2)
    return torch.lerp(stops[below], stops[below + 1], (place - below)[:, None])
