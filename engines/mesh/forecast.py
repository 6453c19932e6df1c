"""How much memory and time a mesh will take, said before the work starts."""

from collections.abc import Callable
from dataclasses import dataclass

from assets.errors import InputError
from engines.mesh.box import Box, Grid
from engines.mesh.config import MeshConfig
from engines.mesh.views import BYTES_PER_PIXEL

BYTES_PER_VERTEX = 420
"""Vertices, their two faces, keys and copies while a mesh is put together; measured."""
LAYERS = 3.0
"""Surface in a box, counted in its three visible sides; more is rare."""
USUAL_LAYERS = 1.0
"""The same as it usually is, for the time."""
TIDY_S, SIMPLIFY_S = 4e-6, 9e-6
"""Seconds for a vertex to be joined and cleaned, and for a face to be simplified; measured."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What making a mesh is likely to take."""

    bytes: int
    """Memory on top of what is in use, at most."""
    seconds: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Survey:
    """What a first look at a scene tells of a mesh of it."""

    box: Box
    """What the photos see, or all there is."""
    forecast: Callable[[MeshConfig], Forecast]
    """What a mesh with these settings takes, in `box` where they have none; costs nothing."""


def vertices_of(grid: Grid, *, layers: float = LAYERS) -> float:
    """Vertices that a mesh in `grid` is likely to have, at most."""
    x, y, z = grid.cells
    return layers * (x * y + y * z + z * x)


def bytes_for(pixels: int, grid: Grid) -> int:
    """Bytes that `pixels` of depth maps and the mesh are likely to take on top of what is there."""
    return round(2 * BYTES_PER_PIXEL * pixels + BYTES_PER_VERTEX * vertices_of(grid))


def tidy_seconds(config: MeshConfig, grid: Grid) -> float:
    """Seconds that joining, cleaning and simplifying take."""
    vertices = vertices_of(grid, layers=USUAL_LAYERS)
    faces = 2 * vertices
    return TIDY_S * vertices + (SIMPLIFY_S * faces if 0 < config.faces < faces else 0.0)


def refuse_beyond(config: MeshConfig, needed_bytes: int, *, advice: str) -> None:
    """Raise InputError when more than the limit is forecast, with a resolution that would do.

    `advice` says what else may be lowered, as "or fewer views".
    """
    needed = needed_bytes / 2**20
    limit, resolution = config.memory_mb, config.resolution
    if needed <= limit:
        return
    # Everything grows with the square of the resolution, but depth no finer than the photos.
    fits = max(16, int(0.95 * resolution * (limit / needed) ** 0.5))
    raise InputError(
        f"A mesh of {resolution} cells along the box is likely to need {needed:,.0f} MB, "
        f"and the limit is {limit:,} MB; try a resolution of {fits} {advice}".rstrip()
        + ", or raise the limit"
    )
