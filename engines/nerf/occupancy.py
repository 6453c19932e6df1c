"""Which cells of space are worth looking at (Mueller et al. 2022, appendix E.1 and E.2)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera
from engines.nerf.space import Space
from kernels.densitygrid import occupied, remember

DECAY = 0.9
"""What is remembered of a density from one look at its cell to the next."""
THICKNESS = 0.03
"""A cell counts from this optical thickness of a sample on, or from `OF_MEAN` if that is less."""
OF_MEAN = 0.5
"""Share of the mean thickness: what all cells have at first is not taken for emptiness."""
NEEDED_VIEWS = 3
"""What fewer photos see has no depth: it would become a picture hung up before the lens."""
CELLS_AT_ONCE = 1 << 18
SUBSET = 32
"""Of so many cells that may be seen, an update looks at one."""

Density = Callable[[Tensor], Tensor]
"""From places [n, 3] of the unit cube to densities [n]."""


class Occupancy:
    """A grid over the unit cube of a space; cells that no camera sees stay empty for good."""

    def __init__(
        self, space: Space, cameras: Sequence[Camera], resolution: int, *, stride: float
    ) -> None:
        """`cameras` are in the normalised frame; without any, all cells may be occupied.

        `stride` is how long samples in the smallest cells are.
        """
        self.space, self.resolution = space, resolution
        device = space.box.device
        shape = (resolution,) * 3
        self.seen = torch.ones(shape, dtype=torch.bool, device=device)
        if cameras:
            views = views_of_cells(space, cameras, resolution)
            self.seen = views >= min(NEEDED_VIEWS, max(1, int(views.max())))
        self.density = torch.zeros(shape, device=device)
        self.cells = self.seen.clone()
        """[r, r, r] bool: what is worth looking at."""
        self.share = float(self.cells.float().mean())
        """Share of all cells that are occupied."""
        self.recovered = 0
        """How often all became empty, so that everything was worth looking at again."""
        sides = cell_lengths(space, resolution)
        self._length = stride * sides / sides.min()
        self._may_be_seen = self.seen.view(-1).nonzero().squeeze(1)

    def density_at(self, places: Tensor) -> Tensor:
        """[m] what is remembered of the density at `places` [m, 3] of the unit cube."""
        return self.density.view(-1)[self._cell_of(places)]

    def occupied_at(self, places: Tensor) -> Tensor:
        """[m] bool: whether the cells of `places` [m, 3] of the unit cube are occupied."""
        return self.cells.view(-1)[self._cell_of(places)]

    @torch.no_grad()
    def note(self, places: Tensor, sigma: Tensor) -> None:
        """Remember densities [m] that were found at `places` [m, 3] of the unit cube."""
        remember(self.density, places, sigma, decay=DECAY)

    @torch.no_grad()
    def update(self, density: Density, generator: torch.Generator, *, everywhere: bool) -> None:
        """Look at some more places in cells that may be seen, and find the occupied ones anew."""
        seen = self._may_be_seen
        if not everywhere:
            some = torch.randint(len(seen), (max(1, len(seen) // SUBSET),), generator=generator)
            seen = seen[some.to(seen.device)]
        for part in seen.split(CELLS_AT_ONCE):
            inside = torch.rand(len(part), 3, generator=generator).to(part.device)
            places = (self._corner(part) + inside) / self.resolution
            self.note(places, density(places))
        self.refresh()

    def restore(self, density: Tensor, seen: Tensor, cells: Tensor, recovered: int) -> None:
        """Stand where another grid of this resolution stood."""
        self.density, self.seen, self.recovered = density, seen, recovered
        self._may_be_seen = seen.view(-1).nonzero().squeeze(1)
        self.cells, self.share = cells, float(cells.float().mean())

    def refresh(self) -> None:
        """Find the occupied cells anew from the densities at hand; all that is seen if none is."""
        cells = occupied(
            self.density, self._length, self.seen, thickness=THICKNESS, of_mean=OF_MEAN
        )
        if not bool(cells.any()):
            cells = self.seen.clone()
            self.recovered += 1
        self.cells, self.share = cells, float(cells.float().mean())

    def _cell_of(self, places: Tensor) -> Tensor:
        r = self.resolution
        x, y, z = (places * r).long().clamp_(0, r - 1).unbind(dim=1)
        return (x * r + y) * r + z

    def _corner(self, flat: Tensor) -> Tensor:
        r = self.resolution
        x = torch.div(flat, r * r, rounding_mode="floor")
        y = torch.div(flat, r, rounding_mode="floor") % r
        return torch.stack([x, y, flat % r], dim=1).float()


def cell_lengths(space: Space, resolution: int) -> Tensor:
    """[r, r, r] the shortest side of each cell in the normalised frame."""
    edges = torch.linspace(0, 1, resolution + 1, device=space.box.device)
    sides = space.from_unit(edges[:, None].expand(-1, 3)).diff(dim=0)
    x, y, z = sides.unbind(dim=1)
    return torch.minimum(torch.minimum(x[:, None, None], y[None, :, None]), z[None, None, :])


def views_of_cells(space: Space, cameras: Sequence[Camera], resolution: int) -> Tensor:
    """[r, r, r] int32: how many photos have the middle of each cell, or nearly so, in them."""
    device = space.box.device
    middles = (torch.arange(resolution, device=device) + 0.5) / resolution
    unit = torch.cartesian_prod(middles, middles, middles)
    points = space.from_unit(unit)
    reach = cell_lengths(space, resolution).flatten() * 3**0.5
    counts = torch.zeros(len(points), dtype=torch.int32, device=device)
    for camera in cameras:
        view = torch.from_numpy(camera.world_to_camera.astype(np.float32)).to(device)
        local = points @ view[:3, :3].T + view[:3, 3]
        z = local[:, 2]
        room = reach * max(camera.fx, camera.fy)
        x = local[:, 0] * camera.fx + z * camera.cx
        y = local[:, 1] * camera.fy + z * camera.cy
        inside = (z > 0) & (x > -room) & (x < z * camera.width + room)
        counts += inside & (y > -room) & (y < z * camera.height + room)
    return counts.view(resolution, resolution, resolution)
