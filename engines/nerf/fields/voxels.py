"""Plenoxels: density and colour at the corners of a sparse grid, without any network.

Fridovich-Keil et al. 2022, "Plenoxels: Radiance Fields without Neural Networks". Other than there,
density is exp of what is kept, after it has been interpolated, so that a surface may be sharper
than a cell (Sun et al. 2022, "Direct Voxel Grid Optimization", section 4.1).
"""

from typing import Any, ClassVar

import torch
from torch import Tensor

from engines.nerf.config import NerfConfig
from engines.nerf.fields.field import Field, exponential
from engines.nerf.occupancy import Occupancy
from kernels.densitygrid import remember
from kernels.sphericalharmonics import basis
from kernels.voxelgrid import total_variation, trilinear

DEGREE = 2
BANDS = (DEGREE + 1) ** 2
"""Harmonics of each colour channel."""
COARSEST, FINEST = 64, 256
"""Cells along each axis at the start, and of the finest grid."""
FINER = {100: 0.5, 250: 1.0}
"""After which steps the grid becomes finer, and how far on the way to the finest it is then."""
SEEN, FADING = 0.05, 0.95
"""A cell keeps corners if it or a neighbour lately had a sample of this weight; how that fades."""
START, NOTHING = 2.0, -4.0
"""sigma = exp(kept + NOTHING): a corner without a row is as good as empty. At first START is kept.
"""
RATE, COLOUR_PACE = 0.2, 0.3
"""Learning rate of density, and how much slower colour is."""
FEW_CELLS, PRIOR_EVERY = 1 << 13, 4
"""Cells whose roughness a step looks at, and every how many steps it does."""
COLOUR_SHARE = 0.1
"""Weight of the roughness of colour beside that of density."""


class VoxelField(Field):
    """sigma = exp of one number and colour = sigmoid of harmonics, both trilinear in a cell."""

    kind = "voxels"
    local = frozenset({"density", "colour"})
    samples: ClassVar[dict[str, int]] = {"cpu": 3 << 13, "cuda": 1 << 18}
    occupancy = 128

    def __init__(
        self,
        parameters: dict[str, Tensor],
        rates: dict[str, float],
        *,
        corners: Tensor,
        light: Tensor | None,
        finest: int,
    ) -> None:
        super().__init__(parameters, rates)
        self.corners = corners
        """[r + 1, r + 1, r + 1] int32 rows of the tables, -1 for none."""
        self.light = light
        """[q, q, q] the largest weight that samples in each cell had lately, on the grid of
        occupied space; None once the grid will not become finer any more."""
        self.finest = finest

    @classmethod
    def fresh(cls, config: NerfConfig, generator: torch.Generator) -> "VoxelField":
        """A full coarse grid, alike everywhere."""
        del generator
        finest = config.finest or FINEST
        across = min(COARSEST, finest) + 1
        corners = torch.arange(across**3, dtype=torch.int32).view(across, across, across)
        parameters = {
            "density": torch.full((across**3, 1), START),
            "colour": torch.zeros(across**3, 3 * BANDS),
        }
        if config.appearance:
            parameters["light"] = torch.zeros(3, config.appearance)
        about = {"finest": finest, "rate": config.rate or RATE}
        other = {"corners": corners, "light": torch.zeros((cls.occupancy,) * 3)}
        return cls.of(parameters, other, about)

    @classmethod
    def of(
        cls, parameters: dict[str, Tensor], other: dict[str, Tensor], about: dict[str, Any]
    ) -> "VoxelField":
        """See `Field.of`."""
        rate = float(about["rate"])
        rates = dict.fromkeys(parameters, rate * COLOUR_PACE) | {"density": rate}
        corners = other["corners"].to(torch.int32)
        finest, light = int(about["finest"]), other.get("light")
        return cls(parameters, rates, corners=corners, light=light, finest=finest)

    @property
    def resolution(self) -> int:
        """Cells along each axis at present."""
        return len(self.corners) - 1

    def about(self) -> dict[str, Any]:
        """See `Field.about`."""
        return {"finest": self.finest, "rate": self.rates["density"]}

    def other(self) -> dict[str, Tensor]:
        """See `Field.other`."""
        light = {} if self.light is None else {"light": self.light}
        return {"corners": self.corners} | light

    def to(self, device: torch.device) -> "VoxelField":
        """See `Field.to`."""
        super().to(device)
        self.corners = self.corners.to(device)
        self.light = None if self.light is None else self.light.to(device)
        return self

    def density(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `Field.density`; the features are the places themselves."""
        kept = trilinear(places, self.parameters["density"], self.corners)
        return exponential(kept[:, 0] + NOTHING), places

    def colour(
        self, features: Tensor, directions: Tensor, rays: Tensor, codes: Tensor | None
    ) -> Tensor:
        """See `Field.colour`."""
        kept = trilinear(features, self.parameters["colour"], self.corners)
        seen = basis(directions, DEGREE)[rays]
        total = torch.einsum("ncb,nb->nc", kept.view(-1, 3, BANDS), seen)
        if codes is not None:
            total = total + (codes @ self.parameters["light"].T)[rays]
        return torch.sigmoid(total)

    def prior(self, step: int, config: NerfConfig, generator: torch.Generator) -> Tensor | None:
        """Total variation of some cells (section 3.4), in some steps for all of them."""
        if not config.smoothness or step % PRIOR_EVERY:
            return None
        across = len(self.corners)
        flat = torch.randint(across**3, (FEW_CELLS,), generator=generator)
        flat = flat.to(self.corners.device)
        flat = flat[self.corners.view(-1)[flat] >= 0]
        x, y = flat // across**2, flat // across % across
        cells = torch.stack([x, y, flat % across], dim=1)
        share = self.resolution / 256
        scale = (share, share, share)
        loss = total_variation(self.parameters["density"], self.corners, cells, scale=scale)
        colour = total_variation(self.parameters["colour"], self.corners, cells, scale=scale)
        return PRIOR_EVERY * config.smoothness * (loss + COLOUR_SHARE * colour)

    def notice(self, places: Tensor, weights: Tensor) -> None:
        """See `Field.notice`; `refine` goes by it."""
        if self.light is not None:
            remember(self.light, places, weights, decay=FADING)

    @torch.no_grad()
    def refine(self, step: int, config: NerfConfig, occupancy: Occupancy | None) -> str:
        """At some steps, have more corners where the photos see something and none elsewhere."""
        del config
        way = FINER.get(step)
        if way is None or occupancy is None:
            return ""
        coarsest = min(COARSEST, self.finest)
        resolution = round(coarsest * (self.finest / coarsest) ** way)
        resolution = max(resolution, self.resolution)
        kept = corners_of(self._worth_keeping(occupancy.cells), resolution)
        places = kept.nonzero().to(torch.float32) / resolution
        for name in ("density", "colour"):
            table = trilinear(places, self.parameters[name].detach(), self.corners)
            self.parameters[name] = table.contiguous().requires_grad_()
        corners = torch.full(kept.shape, -1, dtype=torch.int32, device=kept.device)
        corners[kept] = torch.arange(len(places), dtype=torch.int32, device=kept.device)
        self.corners = corners
        self.light = None if step == max(FINER) else self.light
        return f"The grid has {resolution} cells along each axis now, {len(places):,} corners"

    def _worth_keeping(self, occupied: Tensor) -> Tensor:
        """[q, q, q] bool: occupied cells that show, and their neighbours; all if none shows.

        What is dense but hidden (inside of things, below the ground) is not kept.
        """
        if self.light is None:
            return occupied
        shows = (self.light > SEEN)[None, None].float()
        shows = torch.nn.functional.max_pool3d(shows, 3, stride=1, padding=1)[0, 0] > 0
        return occupied & shows if bool((occupied & shows).any()) else occupied


def corners_of(occupied: Tensor, resolution: int) -> Tensor:
    """[r + 1, r + 1, r + 1] bool: corners of the cells of a grid that touch the `occupied` ones.

    `occupied` [q, q, q] bool are cells of a grid of any other resolution over the same cube.
    """
    kept = occupied
    across = occupied.shape[0]
    edges = torch.arange(across, device=occupied.device, dtype=torch.float64) / across
    # Of the cells of the new grid that an occupied cell overlaps, the first and last corner.
    first = (edges * resolution + 1e-9).floor().long()
    last = ((edges + 1 / across) * resolution - 1e-9).ceil().long()
    for axis in range(3):
        moved = kept.movedim(axis, 0)
        marks = torch.zeros(resolution + 2, *moved.shape[1:], dtype=torch.int32).to(first.device)
        marks.index_add_(0, first, moved.int())
        marks.index_add_(0, last + 1, -moved.int())
        kept = (marks.cumsum(0)[:-1] > 0).movedim(0, axis)
    return kept
